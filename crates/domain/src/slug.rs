//! The readable end of a product's web address.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::ProductId;
use crate::text::text_form;

/// Words of lower-case ASCII letters and digits, joined by single hyphens; 1 to 80 characters.
///
/// ```
/// use domain::Slug;
///
/// let slug = Slug::from_title("Crème brûlée, 2 Stück").unwrap();
/// assert_eq!(slug.as_str(), "creme-brulee-2-stuck");
/// assert_eq!(Slug::from_title("東京"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// Says that a text is not a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug is 1 to 80 characters: words of a-z and 0-9 with single hyphens between them")]
pub struct InvalidSlug;

impl Slug {
    /// The greatest length in characters, which are all one byte.
    pub const MAX_LEN: usize = 80;

    /// Makes a slug from a title: accents are dropped, everything else becomes a hyphen.
    ///
    /// A long title is cut. Returns `None` when the title has no letter that can be written in
    /// ASCII, and no digit; the caller then names the product by its id.
    #[must_use]
    pub fn from_title(title: &str) -> Option<Self> {
        let mut slug = String::new();
        let mut between_words = false;
        for c in title.nfkd().filter(|c| !is_combining_mark(*c)) {
            let folded = fold(c);
            if folded.is_empty() {
                between_words |= !is_apostrophe(c);
                continue;
            }
            let hyphen = if between_words && !slug.is_empty() {
                "-"
            } else {
                ""
            };
            if slug.len() + hyphen.len() + folded.len() > Self::MAX_LEN {
                break;
            }
            slug.push_str(hyphen);
            slug.push_str(&folded);
            between_words = false;
        }
        if slug.is_empty() {
            None
        } else {
            Some(Self(slug))
        }
    }

    /// The slug of a product that was given none: its name and its id, such as `mug-p12`.
    ///
    /// No two products have the same, and [`Slug::product_id`] finds the product whatever its name is by now.
    #[must_use]
    pub fn of_product(name: &str, id: ProductId) -> Self {
        let end = format!("p{id}");
        let Some(Self(mut slug)) = Self::from_title(name) else {
            return Self(end);
        };
        let room = Self::MAX_LEN - 1 - end.len();
        if slug.len() > room {
            slug.truncate(slug[..=room].rfind('-').unwrap_or(room));
        }
        Self(format!("{slug}-{end}"))
    }

    /// The id at the end of a slug that [`Slug::of_product`] could have made.
    #[must_use]
    pub fn product_id(&self) -> Option<ProductId> {
        let last = self.0.rsplit('-').next()?;
        last.strip_prefix('p')?.parse().ok()
    }

    /// Returns the slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() <= Self::MAX_LEN && text.split('-').all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSlug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_form!(Slug, InvalidSlug);

/// Writes one character in lower-case ASCII, or as nothing.
fn fold(c: char) -> String {
    match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase().to_string(),
        // Letters of Latin alphabets that Unicode does not take apart into a base and an accent.
        'ß' | 'ẞ' => "ss".to_owned(),
        'æ' | 'Æ' => "ae".to_owned(),
        'œ' | 'Œ' => "oe".to_owned(),
        'ø' | 'Ø' => "o".to_owned(),
        'ł' | 'Ł' => "l".to_owned(),
        'đ' | 'Đ' | 'ð' | 'Ð' => "d".to_owned(),
        'þ' | 'Þ' => "th".to_owned(),
        'ı' => "i".to_owned(),
        _ => String::new(),
    }
}

/// Tells whether a character joins what stands around it, as in "men's".
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slug(title: &str) -> Option<String> {
        Slug::from_title(title).map(String::from)
    }

    #[test]
    fn accents_and_capitals_are_folded() {
        assert_eq!(
            slug("MacBook Air 13\u{2033}").as_deref(),
            Some("macbook-air-13")
        );
        assert_eq!(
            slug("  Smørrebrød — Łódź  ").as_deref(),
            Some("smorrebrod-lodz")
        );
        assert_eq!(
            slug("Men's Tee & Straße").as_deref(),
            Some("mens-tee-strasse")
        );
    }

    #[test]
    fn a_title_without_latin_letters_has_no_slug() {
        for title in ["", " - ", "東京", "\u{301}"] {
            assert_eq!(slug(title), None, "{title:?}");
        }
    }

    #[test]
    fn only_words_joined_by_single_hyphens_are_slugs() {
        for wrong in ["", "-a", "a-", "a--b", "A", "a b", "é", &"a".repeat(81)] {
            assert_eq!(Slug::try_from(wrong), Err(InvalidSlug), "{wrong:?}");
        }
        assert!(Slug::try_from("iphone-17").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_made_from_a_title_is_a_slug(title in any::<String>()) {
            if let Some(slug) = Slug::from_title(&title) {
                prop_assert_eq!(Slug::try_from(slug.as_str()), Ok(slug));
            }
        }

        #[test]
        fn a_long_title_is_cut(title in "[A-Zæß '-]{60,300}") {
            if let Some(slug) = Slug::from_title(&title) {
                prop_assert!(slug.as_str().len() <= Slug::MAX_LEN);
            }
        }
    }

    #[test]
    fn a_product_has_a_slug_by_its_name_and_id() {
        let id = ProductId::try_from(12).unwrap();
        for (name, slug) in [
            ("Mug, blue", "mug-blue-p12"),
            ("東京", "p12"),
            (
                &"long ".repeat(40),
                &format!("{}-p12", "long-".repeat(15).trim_end_matches('-')),
            ),
        ] {
            let made = Slug::of_product(name, id);
            assert_eq!(made.as_str(), slug);
            assert_eq!(made.as_str().parse(), Ok(made.clone()));
            assert_eq!(made.product_id(), Some(id));
        }
        for other in [
            "mug",
            "mug-12",
            "p",
            "mug-p",
            "mug-p0",
            "mug-p-12",
            "mug-p99999999999999999999",
        ] {
            assert_eq!(other.parse::<Slug>().unwrap().product_id(), None, "{other}");
        }
    }
}
