//! The merchant's own name for a variant.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::text::{is_unseen, text_form};

/// A stock keeping unit: 1 to 64 characters, in Unicode's normal form C.
///
/// It is compared exactly, upper and lower case apart. What could make two of them look alike,
/// such as spaces at the ends or zero-width characters, is refused rather than removed.
///
/// ```
/// use domain::Sku;
///
/// let sku: Sku = "TEE-M".parse()?;
/// assert_eq!(sku.as_str(), "TEE-M");
/// assert!(" TEE-M".parse::<Sku>().is_err());
/// # Ok::<(), domain::SkuError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(String);

/// Says why a text is not a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkuError {
    /// The text is empty or too long.
    #[error("a SKU has 1 to {} characters", Sku::MAX_CHARS)]
    Length,
    /// The text starts or ends with white space.
    #[error("a SKU starts and ends with a visible character, not with white space")]
    OuterSpace,
    /// The text has a control character, or one that is zero-width or changes the direction.
    #[error("a SKU has only visible characters and spaces, no control or zero-width characters")]
    Unseen,
}

impl Sku {
    /// The greatest length in characters (Unicode scalar values).
    pub const MAX_CHARS: usize = 64;

    /// Returns the SKU as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sku {
    type Err = SkuError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Composing never makes a text more than four times shorter, so a longer one is refused
        // before any work is done on it.
        if text.chars().nth(Self::MAX_CHARS * 4).is_some() {
            return Err(SkuError::Length);
        }
        let normal: String = text.nfc().collect();
        if !(1..=Self::MAX_CHARS).contains(&normal.chars().count()) {
            return Err(SkuError::Length);
        }
        if normal.chars().any(|c| c.is_control() || is_unseen(c)) {
            return Err(SkuError::Unseen);
        }
        if normal.trim() != normal {
            return Err(SkuError::OuterSpace);
        }
        Ok(Self(normal))
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_form!(Sku, SkuError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_letter_are_one_sku() {
        let composed: Sku = "CAF\u{c9}".parse().unwrap();
        let decomposed: Sku = "CAFE\u{301}".parse().unwrap();

        assert_eq!(composed, decomposed);
    }

    #[test]
    fn length_counts_characters_after_composing() {
        assert!(Sku::try_from("É".repeat(64)).is_ok());
        assert!(Sku::try_from("E\u{301}".repeat(64)).is_ok());
        for wrong in [0, 65, 100_000] {
            assert_eq!(Sku::try_from("É".repeat(wrong)), Err(SkuError::Length));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for wrong in [
            "a\0",
            "a\nb",
            "a\u{200b}b",
            "\u{202e}ab",
            "\u{feff}a",
            "a\u{ad}b",
        ] {
            assert_eq!(Sku::try_from(wrong), Err(SkuError::Unseen), "{wrong:?}");
        }
        for wrong in [" a", "a ", "a\u{a0}", "\u{3000}a", " "] {
            assert_eq!(Sku::try_from(wrong), Err(SkuError::OuterSpace), "{wrong:?}");
        }
        assert!(Sku::try_from("A B/1").is_ok());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_checks_what_it_reads() {
        assert_eq!(
            serde_json::from_str::<Sku>("\"A-1\"").unwrap().as_str(),
            "A-1"
        );
        let error = serde_json::from_str::<Sku>("\"\"").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("a SKU has 1 to 64 characters")
        );
    }
}
