//! How many of a variant: at least one, at most a million.

use std::fmt;

/// A count of pieces in a line of a cart or an order, from 1 to 1 000 000.
///
/// ```
/// use domain::Quantity;
///
/// let pair = Quantity::ONE.plus(Quantity::ONE)?;
/// assert_eq!(pair.get(), 2);
/// assert!(Quantity::try_from(0).is_err());
/// # Ok::<(), domain::InvalidQuantity>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "i64"))]
pub struct Quantity(i64);

/// Says that a number of pieces is too small or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to {}", Quantity::MAX.get())]
pub struct InvalidQuantity;

impl Quantity {
    /// One piece, the smallest quantity.
    pub const ONE: Self = Self(1);
    /// A million pieces, the largest quantity.
    pub const MAX: Self = Self(1_000_000);

    /// Returns the number of pieces.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Adds two quantities.
    ///
    /// # Errors
    ///
    /// [`InvalidQuantity`] when the sum is above [`Quantity::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, InvalidQuantity> {
        Self::try_from(self.0 + other.0)
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(pieces: i64) -> Result<Self, Self::Error> {
        if (Self::ONE.0..=Self::MAX.0).contains(&pieces) {
            Ok(Self(pieces))
        } else {
            Err(InvalidQuantity)
        }
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_included() {
        for pieces in [1, 1_000_000] {
            assert_eq!(Quantity::try_from(pieces).map(Quantity::get), Ok(pieces));
        }
        for pieces in [i64::MIN, -1, 0, 1_000_001, 1 << 31, i64::MAX] {
            assert_eq!(Quantity::try_from(pieces), Err(InvalidQuantity), "{pieces}");
        }
    }

    #[test]
    fn a_sum_above_the_largest_quantity_is_refused() {
        assert_eq!(Quantity::MAX.plus(Quantity::ONE), Err(InvalidQuantity));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_knows_only_whole_numbers_in_range() {
        assert_eq!(serde_json::from_str::<Quantity>("3").unwrap().get(), 3);
        assert_eq!(serde_json::to_string(&Quantity::ONE).unwrap(), "1");
        for wrong in [
            "-1",
            "0",
            "2147483648",
            "1e3",
            "\"1\"",
            "1.5",
            "null",
            "true",
        ] {
            assert!(serde_json::from_str::<Quantity>(wrong).is_err(), "{wrong}");
        }
    }
}
