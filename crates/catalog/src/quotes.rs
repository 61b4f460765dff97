//! What an order needs to know of the catalogue.
//!
//! `catalog.quote_line` reads it for a line; whoever places orders joins it to what else an order needs.
//! `catalog.list_price` then says what price lists make of its price. A quote names the versions it was read from, and
//! `catalog.find_outdated` tells in the order's own transaction whether they are still the ones in force.

use std::collections::BTreeMap;
use std::sync::Mutex;

use db::faults;
use domain::{Currency, ProductId, Sku, TaxClass, VariantId, VariantKind};
use serde::Deserialize;

/// How a line names what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    Product(ProductId),
    Sku(Sku),
}

impl Wanted {
    /// The product's id, for the first parameter of `catalog.quote_line`.
    #[must_use]
    pub fn product_id(&self) -> Option<i64> {
        match self {
            Self::Product(id) => Some(id.get()),
            Self::Sku(_) => None,
        }
    }

    /// The SKU, for the second one.
    #[must_use]
    pub fn sku(&self) -> Option<String> {
        match self {
            Self::Product(_) => None,
            Self::Sku(sku) => Some(sku.as_str().to_owned()),
        }
    }
}

/// A variant as it was sold at a moment.
#[derive(Clone, Debug)]
pub struct Quote {
    pub variant_id: VariantId,
    pub product_id: ProductId,
    /// The version of the product that was read.
    pub product_version: i64,
    pub sku: Sku,
    pub title: String,
    pub kind: VariantKind,
    pub tax_class: TaxClass,
    /// What a bundle is made of; empty for everything else.
    pub parts: Vec<Part>,
    /// The variant's own price that was read.
    pub price_id: i64,
    /// Unit price in minor units of `currency`: that of a price list, where one has any.
    pub price_minor: i64,
    pub currency: Currency,
    /// Units of its own that could be promised when this was read; nothing is locked. None of bundles and of what is digital.
    pub available: i64,
    /// Whether a price list has, or had, a price of it.
    pub in_lists: bool,
}

/// A part of a bundle as it was sold at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    pub variant_id: VariantId,
    pub sku: Sku,
    pub title: String,
    /// Physical or digital: a part is no bundle.
    pub kind: VariantKind,
    /// Units in one of the bundle.
    pub quantity: i64,
    /// Units of the part that could be promised.
    pub available: i64,
}

impl Quote {
    /// The units that could be promised of what is taken for it, by the variant that they are of.
    pub fn stock(&self) -> impl Iterator<Item = (VariantId, i64)> {
        let own = self
            .kind
            .keeps_stock()
            .then_some((self.variant_id, self.available));
        let parts = self.parts.iter().filter(|part| part.kind.keeps_stock());
        own.into_iter()
            .chain(parts.map(|part| (part.variant_id, part.available)))
    }

    /// Planted bugs, off by default: what was true once is taken to be true for ever.
    pub fn misremember(&mut self) {
        static SEEN: Mutex<BTreeMap<VariantId, (i64, bool)>> = Mutex::new(BTreeMap::new());
        let (stale_price, sold_out) = ("price_from_cache", "sold_out_for_ever");
        if !faults::mutant(stale_price) && !faults::mutant(sold_out) {
            return;
        }
        let Ok(mut seen) = SEEN.lock() else { return };
        let (price, was_sold_out) = seen
            .entry(self.variant_id)
            .or_insert((self.price_minor, false));
        *was_sold_out |= self.available <= 0;
        if faults::mutant(stale_price) {
            self.price_minor = *price;
        } else if *was_sold_out {
            self.available = 0;
        }
    }
}
