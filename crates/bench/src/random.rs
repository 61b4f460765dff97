//! Numbers that look random and are the same in every run.

/// The 64 bits that belong to `index` of the sequence `seed` (SplitMix64).
#[must_use]
pub fn bits(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number below `limit`, which is above 0.
#[must_use]
pub fn below(seed: u64, index: u64, limit: u64) -> u64 {
    bits(seed, index) % limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_number_and_the_numbers_spread() {
        assert_eq!(bits(1, 7), bits(1, 7));
        assert_ne!(bits(1, 7), bits(2, 7));

        let mut hits = [0_u32; 10];
        for index in 0..10_000 {
            let place = usize::try_from(below(3, index, 10)).unwrap();
            hits[place] += 1;
        }
        assert!(
            hits.iter().all(|hits| (800..1_200).contains(hits)),
            "{hits:?}"
        );
    }
}
