//! What an order needs to know of the catalogue.
//!
//! `catalog.quote` reads it for a line; whoever places orders joins it to what else an order needs.
//! A quote names the versions it was read from, and `catalog.find_outdated` tells in the order's own
//! transaction whether they are still the ones in force.

use domain::{Currency, ProductId, Sku, VariantId};

/// How a line names what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    Product(ProductId),
    Sku(Sku),
}

impl Wanted {
    /// The product's id, for the first parameter of `catalog.quote`.
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
    /// The price that was read.
    pub price_id: i64,
    /// Unit price in minor units of `currency`.
    pub price_minor: i64,
    pub currency: Currency,
    /// Units that could be promised when this was read; nothing is locked.
    pub available: i64,
}
