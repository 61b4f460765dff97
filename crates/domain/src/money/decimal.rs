//! Amounts as people and catalogues write them: `999.99`.

use super::{Money, MoneyError};
use crate::Currency;

impl Money {
    /// Reads a decimal number of major units: `999.99` in USD is 99999 minor units.
    ///
    /// There may be a leading minus and at most [`Currency::exponent`] digits after the point,
    /// also fewer; there is no plus, no exponent, no grouping, no space, no digit but ASCII's.
    ///
    /// # Errors
    ///
    /// [`MoneyError::NotADecimal`], [`MoneyError::TooManyDigits`], or [`MoneyError::Overflow`]
    /// beyond the range of `i64` minor units.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !fraction.is_none_or(are_digits) {
            return Err(MoneyError::NotADecimal);
        }
        let fraction = fraction.unwrap_or("");
        let given = fraction.len();
        let missing = u32::try_from(given)
            .ok()
            .and_then(|given| currency.exponent().checked_sub(given))
            .ok_or(MoneyError::TooManyDigits { currency, given })?;

        let mut minor = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            minor = minor
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i128::from(digit - b'0')))
                .ok_or(MoneyError::Overflow)?;
        }
        let scaled = minor
            .checked_mul(10_i128.pow(missing))
            .ok_or(MoneyError::Overflow)?;
        Self::zero(currency).with(sign * scaled)
    }

    /// Writes the amount in major units with all digits of the currency: `999.99`, `-0.05`.
    ///
    /// [`Money::parse_decimal`] reads it back.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let sign = if self.is_negative() { "-" } else { "" };
        let minor = self.minor().unsigned_abs();
        let exponent = self.currency().exponent();
        let scale = 10_u64.pow(exponent);
        let (whole, fraction) = (minor / scale, minor % scale);
        if exponent == 0 {
            format!("{sign}{whole}")
        } else {
            let width = exponent as usize;
            format!("{sign}{whole}.{fraction:0width$}")
        }
    }
}
