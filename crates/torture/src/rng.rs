//! Chance from a seed: the same seed makes the same choices, on every machine and for ever.
//!
//! SplitMix64 is ours, so that no new release of a library changes what a seed means.

/// A stream of choices.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts a stream. Streams of one seed with different names are independent.
    #[must_use]
    pub fn new(seed: u64, stream: &str) -> Self {
        let mut rng = Self(seed);
        for byte in stream.bytes() {
            rng.0 = rng.next_u64() ^ u64::from(byte);
        }
        rng
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` − 1; 0 when there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// An index of a list with so many entries.
    pub fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of several, each as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> Option<T> {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        choices.iter().find_map(|(weight, choice)| {
            let hit = left < *weight;
            left = left.saturating_sub(*weight);
            hit.then_some(*choice)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut rng = Rng::new(42, "faults");
        let first: Vec<u64> = (0..4).map(|_| rng.below(1_000)).collect();
        assert_eq!(first, FOR_EVER);
        let mut other = Rng::new(42, "orders");
        assert_ne!(
            first,
            (0..4).map(|_| other.below(1_000)).collect::<Vec<_>>()
        );
    }

    const FOR_EVER: [u64; 4] = [154, 50, 742, 956];

    #[test]
    fn weights_are_kept() {
        let mut rng = Rng::new(7, "weights");
        let choices = [(1, 'a'), (0, 'b'), (3, 'c')];
        let picks: Vec<char> = (0..400).filter_map(|_| rng.weighted(&choices)).collect();
        let count = |wanted| picks.iter().filter(|pick| **pick == wanted).count();
        assert_eq!(count('b'), 0);
        assert!((60..140).contains(&count('a')), "{}", count('a'));
        assert_eq!(count('a') + count('c'), 400);
    }
}
