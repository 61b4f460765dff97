//! What later rows of a file have to know of earlier ones: all of an import that grows with its file.

use std::collections::{HashMap, HashSet};

use domain::{Currency, Sku};

use super::products::Target;
use super::row::{Refusal, Row, refuse};
use crate::categories::paths::Path;

#[derive(Default)]
pub(super) struct Memory {
    /// The currency of the first row of each SKU.
    skus: HashMap<Box<str>, Currency>,
    /// Rows that told of one more price.
    more_prices: HashSet<(Sku, Currency)>,
    /// Which products the handles mean.
    pub(super) handles: HashMap<Box<str>, Known>,
    /// Products that a handle means.
    pub(super) claimed: HashSet<i64>,
    /// SKUs that were created, if they were not.
    pub(super) imagined: HashSet<Sku>,
    /// Slugs that were taken, if they were not.
    pub(super) slugs: HashSet<String>,
    /// Categories that rows have named.
    pub(super) categories: HashMap<Path, i64>,
}

/// The product that a handle means.
pub(super) enum Known {
    Written {
        product_id: i64,
        /// Whether a row has said what it is called.
        is_described: bool,
    },
    /// As it would be by now, where nothing is written.
    Imagined(Box<Target>),
}

impl Memory {
    /// Tells whether a row is of a SKU that an earlier one has told of, for the sake of another price.
    pub(super) fn is_more_price(&mut self, row: &Row) -> Result<bool, Refusal> {
        let currency = row.price.currency();
        let Some(first) = self.skus.get(row.sku.as_str()) else {
            if row.product.is_none() && row.name.is_none() {
                return Err(refuse("name", "is required"));
            }
            self.skus.insert(row.sku.as_str().into(), currency);
            return Ok(false);
        };
        if *first == currency || !self.more_prices.insert((row.sku.clone(), currency)) {
            return Err(refuse("sku", "appears twice in the file"));
        }
        Ok(true)
    }
}
