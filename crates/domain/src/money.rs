//! Amounts of money: whole minor units beside a currency, never a float.
//!
//! Arithmetic is checked: what leaves the range of `i64`, or mixes currencies, is an error.

use std::fmt;

use crate::{BasisPoints, Currency, Quantity, Rounding};

mod allocation;
mod decimal;

/// An amount in minor units of a currency: 99999 USD is 999.99 dollars, 1000 JPY is 1000 yen.
///
/// Amounts may be negative (a refund, a correction); where that is wrong, the receiver says so.
///
/// ```
/// use domain::{BasisPoints, Currency, Money, Rounding};
///
/// let price = Money::new(99_999, Currency::USD);
/// let tax = price.share(BasisPoints::new(1_900), Rounding::HalfEven)?;
/// assert_eq!(tax.minor(), 19_000);
/// assert_eq!(price.plus(tax)?.to_decimal(), "1189.99");
/// # Ok::<(), domain::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Money {
    #[cfg_attr(feature = "serde", serde(rename = "amount"))]
    minor: i64,
    currency: Currency,
}

/// Says why an amount could not be computed or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amount does not fit into `i64` minor units.
    #[error("an amount lies between {} and {} minor units", i64::MIN, i64::MAX)]
    Overflow,
    /// Two amounts that must share a currency do not.
    #[error("amounts must be in one currency, here {left} meets {right}")]
    CurrencyMismatch {
        /// The currency of the amount that was asked.
        left: Currency,
        /// The currency of the amount that was given.
        right: Currency,
    },
    /// The text is not a plain decimal number.
    #[error("an amount is a plain decimal number in ASCII digits, such as 999.99")]
    NotADecimal,
    /// The text is finer than the currency's minor unit.
    #[error("an amount in {currency} has at most {} fraction digits, not {given}", currency.exponent())]
    TooManyDigits {
        /// The currency that limits the digits.
        currency: Currency,
        /// How many digits the text has after the point.
        given: usize,
    },
    /// An amount cannot be divided among nobody.
    #[error("an amount is allocated to at least one weight")]
    NoWeights,
}

impl Money {
    /// Makes an amount from minor units of `currency`.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Makes the amount nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Returns the amount in minor units of [`Money::currency`].
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Returns the currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Tells whether the amount is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Adds an amount.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::Overflow`] beyond the range of `i64`.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other.currency)?;
        self.with(i128::from(self.minor) + i128::from(other.minor))
    }

    /// Takes an amount away.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::Overflow`] beyond the range of `i64`.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other.currency)?;
        self.with(i128::from(self.minor) - i128::from(other.minor))
    }

    /// Takes the amount for each of `quantity` pieces.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`] beyond the range of `i64`.
    pub fn times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        self.with(i128::from(self.minor) * i128::from(quantity.get()))
    }

    /// Takes a share of the amount, rounded to whole minor units as `rounding` says.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`] beyond the range of `i64`, with rates above the whole.
    pub fn share(self, rate: BasisPoints, rounding: Rounding) -> Result<Self, MoneyError> {
        let exact = i128::from(self.minor) * i128::from(rate.get());
        self.with(rounding.divide(exact, 10_000))
    }

    /// Divides the amount in proportion to `weights`, losing and inventing nothing.
    ///
    /// Each part is its exact share rounded towards zero; the minor units that are left go, one
    /// each, to the parts with the largest remainders, the earlier first. So the parts sum to the
    /// whole, each is less than one minor unit from its exact share, and weight 0 gets nothing,
    /// unless all weights are 0: then the amount is split evenly.
    ///
    /// ```
    /// use domain::{Currency, Money};
    ///
    /// let thirds = Money::new(100, Currency::EUR).allocate(&[1, 1, 1])?;
    /// let minor: Vec<i64> = thirds.into_iter().map(Money::minor).collect();
    /// assert_eq!(minor, [34, 33, 33]);
    /// # Ok::<(), domain::MoneyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MoneyError::NoWeights`] when `weights` is empty.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let parts = allocation::largest_remainder(self.minor.unsigned_abs(), weights)?;
        let sign = i128::from(self.minor.signum());
        parts
            .into_iter()
            .map(|part| self.with(sign * i128::from(part)))
            .collect()
    }

    /// Sums amounts of one currency; no amounts sum to zero.
    ///
    /// Only the result must fit: the order of the amounts does not matter.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] when an amount is not in `currency`, or
    /// [`MoneyError::Overflow`] beyond the range of `i64`.
    pub fn sum(
        amounts: impl IntoIterator<Item = Self>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        let zero = Self::zero(currency);
        let mut total = 0_i128;
        for amount in amounts {
            zero.same_currency(amount.currency)?;
            total += i128::from(amount.minor);
        }
        zero.with(total)
    }

    fn same_currency(self, right: Currency) -> Result<(), MoneyError> {
        let left = self.currency;
        if left == right {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left, right })
        }
    }

    fn with(self, minor: i128) -> Result<Self, MoneyError> {
        let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests;
