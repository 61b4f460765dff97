//! The countries that prices can differ by.

use std::fmt;
use std::str::FromStr;

use crate::text::text_form;

/// A country by its two upper-case letters, as in [ISO 3166-1](https://www.iso.org/iso-3166-country-codes.html) alpha-2.
///
/// Only the form is checked, as in a [`PostalAddress`](crate::PostalAddress): which countries there are changes.
///
/// ```
/// use domain::Country;
///
/// let country: Country = "DE".parse()?;
/// assert_eq!(country.code(), "DE");
/// assert!("de".parse::<Country>().is_err());
/// # Ok::<(), domain::InvalidCountry>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Says that a text is not a country's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is two upper-case letters of ISO 3166-1, such as DE")]
pub struct InvalidCountry;

impl Country {
    /// Returns the two letters.
    #[must_use]
    pub fn code(&self) -> &str {
        // They are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([*a, *b])),
            _ => Err(InvalidCountry),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

text_form!(Country, InvalidCountry);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_upper_case_letters_are_a_country() {
        for code in ["DE", "US", "XK"] {
            assert_eq!(Country::try_from(code).unwrap().to_string(), code);
        }
        for wrong in ["", "D", "DEU", "de", "D1", "Ä", "ÄÖ", " D", "D\0"] {
            assert_eq!(Country::try_from(wrong), Err(InvalidCountry), "{wrong:?}");
        }
    }
}
