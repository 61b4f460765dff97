//! Division without loss, by the method of largest remainders.

use std::cmp::Reverse;

use super::MoneyError;

/// Divides `whole` in proportion to `weights`; the parts sum to it.
pub(super) fn largest_remainder(whole: u64, weights: &[u64]) -> Result<Vec<u64>, MoneyError> {
    if weights.is_empty() {
        return Err(MoneyError::NoWeights);
    }
    if weights.iter().all(|weight| *weight == 0) {
        return largest_remainder(whole, &vec![1; weights.len()]);
    }

    // A product of two `u64` fits into `u128`, and so does the sum of any list of them.
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    let exact = |weight: &u64| u128::from(whole) * u128::from(*weight);

    // A part is at most `whole`, so it fits.
    let mut parts = weights
        .iter()
        .map(|weight| u64::try_from(exact(weight) / sum).map_err(|_| MoneyError::Overflow))
        .collect::<Result<Vec<u64>, _>>()?;
    let mut left = whole - parts.iter().sum::<u64>();

    // Each remainder is below one unit, so fewer units are left than there are remainders.
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|index| Reverse(exact(&weights[*index]) % sum));
    for index in by_remainder {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Money};
    use proptest::prelude::*;

    fn allocate(minor: i64, weights: &[u64]) -> Vec<i64> {
        let parts = Money::new(minor, Currency::EUR).allocate(weights).unwrap();
        parts.into_iter().map(Money::minor).collect()
    }

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(allocate(5, &[3, 7]), [2, 3]);
        assert_eq!(allocate(10, &[1, 5, 6]), [1, 4, 5]);
        assert_eq!(allocate(-100, &[1, 1, 1]), [-34, -33, -33]);
    }

    #[test]
    fn weight_zero_gets_nothing_unless_all_are_zero() {
        assert_eq!(allocate(7, &[0, 2, 0, 1]), [0, 5, 0, 2]);
        assert_eq!(allocate(7, &[0, 0, 0]), [3, 2, 2]);
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!(allocate(i64::MIN, &[u64::MAX]), [i64::MIN]);
        assert_eq!(allocate(i64::MAX, &[u64::MAX, 0]), [i64::MAX, 0]);
        assert_eq!(allocate(i64::MIN, &[u64::MAX; 2]), [i64::MIN / 2; 2]);
    }

    #[test]
    fn nobody_gets_no_part() {
        let parts = Money::new(1, Currency::EUR).allocate(&[]);
        assert_eq!(parts, Err(MoneyError::NoWeights));
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_whole(
            minor: i64,
            weights in prop::collection::vec(any::<u64>(), 1..12),
        ) {
            let parts = allocate(minor, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            let sum: i128 = parts.iter().copied().map(i128::from).sum();
            prop_assert_eq!(sum, i128::from(minor));
        }

        #[test]
        fn a_part_is_less_than_one_unit_from_its_exact_share(
            minor in -1_000_000_i64..1_000_000,
            weights in prop::collection::vec(0_u64..1_000, 1..12),
        ) {
            let sum: i128 = weights.iter().copied().map(i128::from).sum();
            prop_assume!(sum > 0);
            for (part, weight) in allocate(minor, &weights).into_iter().zip(weights) {
                let exact = i128::from(minor) * i128::from(weight);
                prop_assert!((i128::from(part) * sum - exact).abs() < sum);
            }
        }

        #[test]
        fn a_debt_is_divided_like_an_asset(
            minor in 0..=i64::MAX,
            weights in prop::collection::vec(any::<u64>(), 1..12),
        ) {
            let negated: Vec<i64> = allocate(minor, &weights).iter().map(|part| -part).collect();
            prop_assert_eq!(allocate(-minor, &weights), negated);
        }
    }
}
