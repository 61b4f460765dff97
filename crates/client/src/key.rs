//! The name of an intent, which is the same on every retry of it.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// An `Idempotency-Key`: 16 to 255 visible ASCII characters.
///
/// A caller that must survive its own restart stores the key beside the intent before it sends,
/// or derives it from something that names the intent, such as an invoice number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Makes a key that nobody made before: 128 random bits.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] when the system gives no random bytes.
    pub fn fresh() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(Error::Random)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// Returns the key as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (16..=255).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::InvalidKey)
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_keys_differ_and_are_valid() {
        let (one, other) = (
            IdempotencyKey::fresh().unwrap(),
            IdempotencyKey::fresh().unwrap(),
        );

        assert_ne!(one, other);
        assert!(one.as_str().parse::<IdempotencyKey>().is_ok());
    }

    #[test]
    fn the_bounds_of_the_length_are_included() {
        for (length, valid) in [(15, false), (16, true), (255, true), (256, false)] {
            assert_eq!(
                "k".repeat(length).parse::<IdempotencyKey>().is_ok(),
                valid,
                "{length}"
            );
        }
    }

    #[test]
    fn spaces_and_other_alphabets_are_refused() {
        for wrong in [
            "has a space in the key",
            "tab\tin-the-middle-of-it",
            "clé-de-voûte-12345",
        ] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong}");
        }
    }
}
