//! Variants: what is sold of a product, chosen by its options.
//!
//! A variant is part of its product: whatever changes one raises the product's version, under the
//! product's lock, and is told as a change of the product.
//!
//! - [`list`] and [`find`]: reading
//! - [`adding`]: new ones, all or none
//! - [`editing`]: changing, archiving
//! - [`parts`]: what bundles are made of
//! - [`choosing`]: the options of a product, and the matrix they make

pub mod adding;
pub mod choosing;
pub mod editing;
mod error;
mod kinds;
mod lock;
pub mod parts;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text};
use domain::{Choices, Currency, Options, PageSize, ProductId, Sku, VariantId, VariantKind};

pub use error::VariantError;

/// Most variants of one product.
pub const MAX_VARIANTS: usize = 10_000;

/// What is measured of a variant, and printed on it. `None` where nobody has said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    pub barcode: Option<String>,
    pub weight_grams: Option<i64>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
}

/// A variant with its price and its stock.
#[derive(Clone, Debug, Queryable)]
pub struct Variant {
    #[diesel(deserialize_as = i64)]
    pub id: VariantId,
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    #[diesel(deserialize_as = String)]
    pub sku: Sku,
    /// The chosen values for people, such as `M / red`; empty where there is nothing to choose.
    pub title: String,
    /// The chosen values by the names of the options: an object of texts.
    pub choices: serde_json::Value,
    /// Whether it stands for the product where none is chosen.
    pub is_default: bool,
    #[diesel(deserialize_as = String)]
    pub kind: VariantKind,
    /// As printed: GTIN, EAN, UPC or what the merchant likes.
    pub barcode: Option<String>,
    pub weight_grams: Option<i64>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    /// Counts the changes to this variant, from 1. Orders do not raise it.
    pub version: i64,
    /// Unit price in minor units of `currency`.
    pub price_minor: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// Counted units, at all locations that orders take from.
    pub on_hand: i64,
    /// Units promised to open orders, there.
    pub reserved: i64,
    /// Units that can still be promised, there; `None` for as many as anybody likes. Of a bundle as many as its parts make.
    pub available: Option<i64>,
}

type VariantRow = (
    BigInt,
    BigInt,
    Text,
    Text,
    Jsonb,
    Bool,
    Text,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    BigInt,
    BigInt,
    Text,
    BigInt,
    BigInt,
    Nullable<BigInt>,
);

/// The columns of [`Variant`]; `$1` is the currency preferred where a variant has several.
macro_rules! select_variants {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.product_id, v.sku, v.title, v.choices, v.is_default, v.kind, v.barcode, v.weight_grams, \
                    v.length_mm, v.width_mm, v.height_mm, v.version, c.amount_minor, c.currency, s.on_hand, s.reserved, \
                    CASE v.kind WHEN 'physical' THEN a.available WHEN 'bundle' THEN catalog.bundle_available(v.id) END \
               FROM catalog.variants v \
              CROSS JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= statement_timestamp() \
                     ORDER BY (currency = $1) DESC, valid_from DESC, id DESC LIMIT 1) c \
              CROSS JOIN LATERAL (SELECT coalesce(sum(on_hand), 0)::bigint AS on_hand, coalesce(sum(reserved), 0)::bigint AS reserved \
                     FROM catalog.stock_levels WHERE variant_id = v.id \
                      AND location_id <> ALL (ARRAY(SELECT id FROM catalog.locations WHERE deactivated_at IS NOT NULL))) s \
              CROSS JOIN LATERAL catalog.availability(v.id) a \
              WHERE v.archived_at IS NULL ",
            $rest
        )
    };
}

db::statement! {
    struct ListVariants {
        currency: &'static str => Text,
        product_id: i64 => BigInt,
        after: i64 => BigInt,
        limit: i64 => BigInt,
    } -> VariantRow =
    select_variants!("AND v.product_id = $2 AND v.id > $3 ORDER BY v.id LIMIT $4")
}

db::statement! {
    struct FindVariant { currency: &'static str => Text, product_id: i64 => BigInt, id: i64 => BigInt } -> VariantRow =
    select_variants!("AND v.product_id = $2 AND v.id = $3")
}

db::statement! {
    struct FindDefault { currency: &'static str => Text, product_id: i64 => BigInt } -> VariantRow =
    select_variants!("AND v.product_id = $2 AND v.is_default")
}

db::statement! {
    struct FindOptions { product_id: i64 => BigInt } -> (BigInt, Jsonb, Integer) =
    "SELECT version, options, variant_count FROM catalog.products WHERE id = $1 AND archived_at IS NULL"
}

/// Lists variants of a product that are on sale, by id; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    product_id: ProductId,
    after: i64,
    size: PageSize,
    currency: Currency,
) -> QueryResult<Vec<Variant>> {
    ListVariants {
        currency: currency.code(),
        product_id: product_id.get(),
        after,
        limit: size.get() + 1,
    }
    .load(conn)
}

/// Finds a variant of a product that is on sale, priced in `currency` where it has such a price.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    (product_id, id): (ProductId, VariantId),
    currency: Currency,
) -> QueryResult<Option<Variant>> {
    FindVariant {
        currency: currency.code(),
        product_id: product_id.get(),
        id: id.get(),
    }
    .get_result(conn)
    .optional()
}

/// Finds the variant that stands for a product on sale.
///
/// # Errors
///
/// Those of the database.
pub fn find_default(
    conn: &mut PgConnection,
    product_id: ProductId,
    currency: Currency,
) -> QueryResult<Option<Variant>> {
    FindDefault {
        currency: currency.code(),
        product_id: product_id.get(),
    }
    .get_result(conn)
    .optional()
}

/// What a product is chosen by, at one of its versions.
#[derive(Clone, Debug)]
pub struct Choosable {
    pub product_version: i64,
    pub options: Options,
    pub variant_count: i32,
}

/// Finds what a product on sale is chosen by, and how many variants it has.
///
/// # Errors
///
/// Those of the database.
pub fn find_options(
    conn: &mut PgConnection,
    product_id: ProductId,
) -> QueryResult<Option<Choosable>> {
    let found = FindOptions {
        product_id: product_id.get(),
    }
    .get_result::<(i64, serde_json::Value, i32)>(conn)
    .optional()?;
    let choosable = |(product_version, options, variant_count)| {
        Ok(Choosable {
            product_version,
            options: read_options(options)?,
            variant_count,
        })
    };
    found.map(choosable).transpose()
}

pub(crate) fn read_options(stored: serde_json::Value) -> QueryResult<Options> {
    serde_json::from_value(stored)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// As it is stored: an object of texts.
pub(crate) fn as_json(choices: &Choices) -> serde_json::Value {
    let by_name: HashMap<&str, &str> = choices
        .as_slice()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    serde_json::json!(by_name)
}
