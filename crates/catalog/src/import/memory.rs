//! What later rows of a file have to know of earlier ones: all of an import that grows with its file.
//!
//! A million rows have to fit into some 100 MB, so texts are kept as digests.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use domain::Currency;
use serde::{Deserialize, Serialize};

use super::products::Target;
use super::row::{Refusal, Row, refuse};
use crate::categories::paths::Path;

#[derive(Default)]
pub(super) struct Memory {
    /// The currency of the first row of each SKU.
    skus: HashMap<Digest, Currency>,
    /// SKUs and currencies of rows that told of one more price.
    more_prices: HashSet<Digest>,
    /// Which products the handles mean.
    handles: HashMap<Digest, Written>,
    /// The same of products that are as they would be by now, where nothing is written.
    pub(super) imagined: HashMap<Digest, Box<Target>>,
    /// Products that a handle means.
    pub(super) claimed: HashSet<i64>,
    /// SKUs that were created, if they were not.
    imagined_skus: HashSet<Digest>,
    /// Slugs that were taken, if they were not.
    pub(super) slugs: HashSet<String>,
    /// Categories that rows have named.
    pub(super) categories: HashMap<Path, i64>,
}

/// Stands for a text. Of a million texts no two have the same, but for one file in 10^16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Digest([u32; 3]);

impl Digest {
    pub(super) fn of(text: impl Hash) -> Self {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            hasher.finish()
        };
        let (one, other) = (half(0), half(1));
        let part = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Self([part(one), part(one >> 32), part(other)])
    }
}

/// A product; below zero as long as no row has said what it is called. Packed, for there may be a million.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
struct Written(i64);

/// A handle that a chunk has found the product of: what an import that goes on later has to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    pub handle: String,
    pub product_id: i64,
    /// Whether a row has said what it is called.
    pub is_described: bool,
}

impl Memory {
    /// Tells whether a row is of a SKU that an earlier one has told of, for the sake of another price.
    pub(super) fn is_more_price(&mut self, row: &Row) -> Result<bool, Refusal> {
        let currency = row.price.currency();
        let sku = Digest::of(row.sku.as_str());
        match self.skus.entry(sku) {
            Entry::Vacant(first) => {
                if row.product.is_none() && row.name.is_none() {
                    return Err(refuse("name", "is required"));
                }
                first.insert(currency);
                Ok(false)
            }
            Entry::Occupied(first) => {
                let price = Digest::of((row.sku.as_str(), currency.code()));
                if *first.get() == currency || !self.more_prices.insert(price) {
                    return Err(refuse("sku", "appears twice in the file"));
                }
                Ok(true)
            }
        }
    }

    /// The product that a handle means, and whether a row has said what it is called.
    pub(super) fn product(&self, handle: &str) -> Option<(i64, bool)> {
        let Written(id) = *self.handles.get(&Digest::of(handle))?;
        Some((id.abs(), id > 0))
    }

    pub(super) fn learn(&mut self, learned: &Learned) {
        let sign = if learned.is_described { 1 } else { -1 };
        let written = Written(sign * learned.product_id);
        self.handles
            .insert(Digest::of(learned.handle.as_str()), written);
        self.claimed.insert(learned.product_id);
    }

    pub(super) fn imagine(&mut self, sku: &str) {
        self.imagined_skus.insert(Digest::of(sku));
    }

    /// Whether a row of the file would have created the SKU.
    pub(super) fn is_imagined(&self, sku: &str) -> bool {
        self.imagined_skus.contains(&Digest::of(sku))
    }
}
