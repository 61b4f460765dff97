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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One currency for each number of fraction digits that shops meet: 0, 2 and 3.
    fn currencies() -> [Currency; 3] {
        [
            Currency::JPY,
            Currency::USD,
            Currency::try_from("KWD").unwrap(),
        ]
    }

    fn parse(text: &str, currency: Currency) -> Result<i64, MoneyError> {
        Money::parse_decimal(text, currency).map(Money::minor)
    }

    #[test]
    fn amounts_are_written_with_all_digits_of_the_currency() {
        let [jpy, usd, kwd] = currencies();
        for (minor, currency, text) in [
            (99_999, usd, "999.99"),
            (-5, usd, "-0.05"),
            (0, usd, "0.00"),
            (1_000, jpy, "1000"),
            (1_000, kwd, "1.000"),
            (i64::MIN, usd, "-92233720368547758.08"),
            (i64::MAX, jpy, "9223372036854775807"),
        ] {
            assert_eq!(Money::new(minor, currency).to_decimal(), text);
            assert_eq!(parse(text, currency), Ok(minor));
        }
    }

    #[test]
    fn fewer_digits_are_enough() {
        assert_eq!(parse("10", Currency::USD), Ok(1_000));
        assert_eq!(parse("10.5", Currency::USD), Ok(1_050));
        assert_eq!(parse("-0", Currency::USD), Ok(0));
        assert_eq!(parse("007.50", Currency::USD), Ok(750));
    }

    #[test]
    fn more_digits_than_the_currency_has_are_refused() {
        for (text, currency, given) in [
            ("1.999", Currency::USD, 3),
            ("1.000", Currency::USD, 3),
            ("10.0", Currency::JPY, 1),
        ] {
            let error = MoneyError::TooManyDigits { currency, given };
            assert_eq!(parse(text, currency), Err(error), "{text}");
        }
        assert_eq!(
            parse("1.999", Currency::USD).unwrap_err().to_string(),
            "an amount in USD has at most 2 fraction digits, not 3"
        );
    }

    #[test]
    fn only_plain_decimal_numbers_are_read() {
        for wrong in [
            "", "-", ".", ".5", "5.", "+1", "--1", "1-", " 1", "1 ", "1,50", "1_000", "1e3",
            "1.2.3", "1.-5", "0x10", "٣", "１", "NaN", "inf", "1\0", "$1", "1.5é",
        ] {
            assert_eq!(
                parse(wrong, Currency::USD),
                Err(MoneyError::NotADecimal),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "9".repeat(10_000);
        for wrong in [
            "92233720368547758.08",
            "-92233720368547758.09",
            "92233720368547759",
            &long,
        ] {
            assert_eq!(parse(wrong, Currency::USD), Err(MoneyError::Overflow));
        }
        assert_eq!(parse(&"0".repeat(10_000), Currency::USD), Ok(0));
    }

    proptest! {
        #[test]
        fn every_amount_is_read_back(minor: i64) {
            for currency in currencies() {
                let amount = Money::new(minor, currency);
                prop_assert_eq!(Money::parse_decimal(&amount.to_decimal(), currency), Ok(amount));
            }
        }

        #[test]
        fn no_text_makes_parsing_panic(text in "[-0-9.+e ]{0,30}|\\PC*") {
            for currency in currencies() {
                let _ = Money::parse_decimal(&text, currency);
            }
        }
    }
}
