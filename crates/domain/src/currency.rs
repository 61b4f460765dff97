//! The currencies of ISO 4217 in which something can have a price.

use std::fmt;
use std::str::FromStr;

use crate::text::text_form;

/// A currency of [ISO 4217](https://www.iso.org/iso-4217-currency-codes.html) with a minor unit.
///
/// ```
/// use domain::Currency;
///
/// let yen: Currency = "JPY".parse()?;
/// assert_eq!((yen.code(), yen.exponent()), ("JPY", 0));
/// assert!("usd".parse::<Currency>().is_err());
/// # Ok::<(), domain::CurrencyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(iso_currency::Currency);

/// Says why a text is not a currency for prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// The text is not a code of ISO 4217 in upper case.
    #[error("a currency is three upper-case letters of ISO 4217, such as USD")]
    Unknown,
    /// The code stands for something that is not divided into minor units, such as gold.
    #[error("{code} has no minor unit, so nothing can be priced in it; use one such as USD")]
    NoMinorUnit {
        /// The code that was given.
        code: &'static str,
    },
}

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    /// Pound sterling.
    pub const GBP: Self = Self(iso_currency::Currency::GBP);
    /// Japanese yen, which has no smaller coin: its minor unit is the yen itself.
    pub const JPY: Self = Self(iso_currency::Currency::JPY);

    /// Returns the three letters of ISO 4217.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Returns how many decimal places the minor unit has: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(self) -> u32 {
        // Parsing refuses currencies without an exponent, and the constants above have one.
        self.0.exponent().map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shaped = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let known = if shaped {
            iso_currency::Currency::from_code(text)
        } else {
            None
        };
        let currency = known.ok_or(CurrencyError::Unknown)?;
        match currency.exponent() {
            Some(_) => Ok(Self(currency)),
            None => Err(CurrencyError::NoMinorUnit {
                code: currency.code(),
            }),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

text_form!(Currency, CurrencyError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_iso_4217() {
        for (code, exponent) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("MRU", 2), ("CLF", 4)] {
            assert_eq!(
                Currency::try_from(code).map(Currency::exponent),
                Ok(exponent),
                "{code}"
            );
        }
    }

    #[test]
    fn the_constants_are_what_their_codes_say() {
        for currency in [Currency::USD, Currency::EUR, Currency::GBP, Currency::JPY] {
            assert_eq!(currency.code().parse(), Ok(currency));
        }
    }

    #[test]
    fn only_known_codes_in_upper_case_are_read() {
        for wrong in [
            "", "usd", "Usd", " USD", "USDT", "US", "AAA", "€", "840", "US\0",
        ] {
            assert_eq!(
                Currency::try_from(wrong),
                Err(CurrencyError::Unknown),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn what_has_no_minor_unit_has_no_prices() {
        for code in ["XAU", "XDR", "XXX", "XTS"] {
            assert_eq!(
                Currency::try_from(code),
                Err(CurrencyError::NoMinorUnit { code })
            );
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_has_the_code() {
        assert_eq!(serde_json::to_string(&Currency::EUR).unwrap(), "\"EUR\"");
        assert!(serde_json::from_str::<Currency>("\"eur\"").is_err());
        assert!(serde_json::from_str::<Currency>("978").is_err());
    }
}
