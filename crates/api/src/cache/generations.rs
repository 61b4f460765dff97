//! Counters that say whether an entry is still what it was loaded as.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ProductId;

/// A group of answers that change together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    Product(ProductId),
    ProductLists,
    Categories,
}

impl Namespace {
    /// The name in Redis, behind the shop's prefix.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Product(id) => format!("generation:product:{id}"),
            Self::ProductLists => "generation:products".into(),
            Self::Categories => "generation:categories".into(),
        }
    }
}

const SLOTS: usize = 4096;

/// A fixed number of counters; namespaces that share one by chance only cost a reload.
pub(super) struct Generations(Box<[AtomicU64]>);

impl Default for Generations {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Generations {
    pub(super) fn current(&self, namespace: Namespace) -> u64 {
        self.slot(namespace).load(Ordering::Acquire)
    }

    pub(super) fn bump(&self, namespace: Namespace) {
        if db::faults::mutant("stale_cache") {
            return;
        }
        count_invalidation();
        self.slot(namespace).fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn bump_all(&self) {
        count_invalidation();
        // First, as where some products change.
        let lists = self.slot(Namespace::ProductLists);
        lists.fetch_add(1, Ordering::AcqRel);
        for slot in &self.0 {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slot(&self, namespace: Namespace) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        namespace.hash(&mut hasher);
        let slot = usize::try_from(hasher.finish() % SLOTS as u64).unwrap_or(0);
        &self.0[slot]
    }
}

/// How often this replica was told to forget something: each telling costs at most one read per key.
fn count_invalidation() {
    metrics::counter!("cache_invalidations_total").increment(1);
}
