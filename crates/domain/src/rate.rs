//! Rates as integers, and the named ways to round.

/// A rate in hundredths of a per cent: 1900 is 19 %, 10 000 is the whole.
///
/// ```
/// use domain::BasisPoints;
///
/// const VAT: BasisPoints = BasisPoints::new(1_900);
/// assert_eq!(VAT.get(), 1_900);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BasisPoints(u32);

/// Says that a number is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a rate is a whole number of basis points from 0 to {}; 1900 is 19 %",
    u32::MAX
)]
pub struct InvalidBasisPoints;

impl BasisPoints {
    /// Makes a rate; more than 10 000 is more than the whole.
    #[must_use]
    pub const fn new(basis_points: u32) -> Self {
        Self(basis_points)
    }

    /// Returns the rate in basis points.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i32> for BasisPoints {
    type Error = InvalidBasisPoints;

    fn try_from(basis_points: i32) -> Result<Self, Self::Error> {
        u32::try_from(basis_points)
            .map(Self)
            .map_err(|_| InvalidBasisPoints)
    }
}

/// What happens to the part of an amount that is smaller than a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest; a half goes away from zero: 2.5 becomes 3, −2.5 becomes −3.
    HalfAwayFromZero,
    /// To the nearest; a half goes to the even neighbour: 2.5 becomes 2, 3.5 becomes 4.
    HalfEven,
    /// Towards zero: 2.9 becomes 2, −2.9 becomes −2.
    Down,
}

impl Rounding {
    /// Divides and rounds; `divisor` is positive.
    pub(crate) fn divide(self, dividend: i128, divisor: i128) -> i128 {
        let (whole, rest) = (dividend / divisor, dividend % divisor);
        let against_half = (rest.abs() * 2).cmp(&divisor);
        let away = match self {
            Self::HalfAwayFromZero => against_half.is_ge(),
            Self::HalfEven => against_half.is_gt() || (against_half.is_eq() && whole % 2 != 0),
            Self::Down => false,
        };
        if away {
            whole + dividend.signum()
        } else {
            whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rounding_treats_halves_as_its_name_says() {
        let halves = [-35, -25, -5, 5, 25, 35];
        let divided = |rounding: Rounding| halves.map(|tenths| rounding.divide(tenths, 10));

        assert_eq!(divided(Rounding::HalfAwayFromZero), [-4, -3, -1, 1, 3, 4]);
        assert_eq!(divided(Rounding::HalfEven), [-4, -2, 0, 0, 2, 4]);
        assert_eq!(divided(Rounding::Down), [-3, -2, 0, 0, 2, 3]);
    }

    #[test]
    fn what_is_not_a_half_goes_to_the_nearest() {
        for rounding in [Rounding::HalfAwayFromZero, Rounding::HalfEven] {
            assert_eq!(
                [-26, -24, 24, 26].map(|n| rounding.divide(n, 10)),
                [-3, -2, 2, 3]
            );
        }
    }

    #[test]
    fn a_negative_rate_is_refused() {
        assert_eq!(BasisPoints::try_from(-1), Err(InvalidBasisPoints));
        assert_eq!(BasisPoints::try_from(1_900), Ok(BasisPoints::new(1_900)));
    }
}
