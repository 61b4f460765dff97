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
