//! Languages in which texts are shown.

use std::fmt;
use std::str::FromStr;

use icu_locale_core::LanguageIdentifier;
use icu_locale_core::subtags::{Language, Region, Script};

use crate::text::text_form;

/// A language tag of [BCP 47](https://www.rfc-editor.org/info/bcp47) with a language, and a script and a region where they
/// matter. However it is written, it is kept in its canonical form.
///
/// ```
/// use domain::Locale;
///
/// let locale: Locale = "pt-br".parse()?;
/// assert_eq!(locale.to_string(), "pt-BR");
/// assert_eq!(locale.with_fallbacks().map(|locale| locale.to_string()).collect::<Vec<_>>(), ["pt-BR", "pt"]);
/// assert!("Portuguese".parse::<Locale>().is_err());
/// # Ok::<(), domain::InvalidLocale>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale {
    language: Language,
    script: Option<Script>,
    region: Option<Region>,
}

/// Says that a text is not a locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a locale is a language tag such as de, pt-BR or zh-Hant-TW")]
pub struct InvalidLocale;

impl Locale {
    /// Itself, and then what is still understood where nothing is said in it: without its region, and without its script.
    pub fn with_fallbacks(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(*self), |locale| {
            let mut wider = *locale;
            (wider.region.take().is_some() || wider.script.take().is_some()).then_some(wider)
        })
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Longer ones are no languages but registered words; `und` is no language at all.
        let language = text.split('-').next().unwrap_or_default();
        if !(2..=3).contains(&language.len()) {
            return Err(InvalidLocale);
        }
        let locale = LanguageIdentifier::try_from_str(text).map_err(|_| InvalidLocale)?;
        if locale.language.is_unknown() || !locale.variants.is_empty() {
            return Err(InvalidLocale);
        }
        Ok(Self {
            language: locale.language,
            script: locale.script,
            region: locale.region,
        })
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            language,
            script,
            region,
        } = *self;
        LanguageIdentifier::from((language, script, region)).fmt(f)
    }
}

text_form!(Locale, InvalidLocale);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_kept_in_its_canonical_form() {
        for (written, kept) in [
            ("de", "de"),
            ("DE-at", "de-AT"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("gsw", "gsw"),
        ] {
            assert_eq!(Locale::try_from(written).unwrap().to_string(), kept);
        }
        for wrong in [
            "",
            "d",
            "german",
            "und",
            "de-",
            "-de",
            "de--AT",
            "de AT",
            "de-AT-1996",
            "de-x-shop",
            "de\0",
            "dé",
            "de-DE-u-co-phonebk",
        ] {
            assert_eq!(Locale::try_from(wrong), Err(InvalidLocale), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_said_in_a_locale_is_looked_for_in_wider_ones() {
        let locale: Locale = "zh-Hant-TW".parse().unwrap();
        let texts: Vec<String> = locale.with_fallbacks().map(|l| l.to_string()).collect();
        assert_eq!(texts, ["zh-Hant-TW", "zh-Hant", "zh"]);
    }
}
