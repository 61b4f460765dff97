//! Products as customers read them.

mod addresses;
mod listing;
pub mod managed;
pub mod related;

pub use self::addresses::find_by_slug;
pub use self::listing::{Start, find_all, list};

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::{Currency, Locale, ProductId, Sku, Slug, VariantId, VariantKind};
use serde_json::{Map, Value};

use crate::custom_fields::files::{self, File};
use crate::media;
use crate::media::products::Pictures;
use crate::prices::Market;

/// A product with its default variant and the price in force.
#[derive(Clone, Debug, Queryable)]
pub struct Product {
    #[diesel(deserialize_as = i64)]
    pub id: ProductId,
    pub name: String,
    pub description: String,
    pub image: String,
    /// Counts the changes to this product, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[diesel(deserialize_as = String)]
    pub sku: Sku,
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    #[diesel(deserialize_as = String)]
    pub kind: VariantKind,
    /// Unit price in minor units of `currency`; see [`Product::price_minor`].
    own_price_minor: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// How many variants are on sale.
    pub variant_count: i32,
    /// What it is chosen by, as [`domain::Options`] are written; `None` in lists, where nobody chooses.
    pub options: Option<serde_json::Value>,
    /// The slug it was given; see [`Product::address`].
    slug: Option<String>,
    /// Empty for none.
    pub brand: String,
    /// `None` in lists, as are the texts after it.
    pub tags: Option<Vec<String>>,
    /// Rich text; see [`crate::texts::sanitise`].
    pub description_html: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    /// Values of custom fields that customers see, metadata, and files that values name; `None` in lists.
    kept: Option<serde_json::Value>,
    /// Of a price list: the price, what it is reduced from, and the lowest price before.
    listed: Option<Vec<Option<i64>>>,
    /// Its pictures in their order; in lists only the first.
    #[diesel(deserialize_as = bool)]
    pub media: Pictures,
}

impl Product {
    /// The slug it was given, or the one its name and id make.
    #[must_use]
    pub fn address(&self) -> String {
        address(self.slug.as_deref(), &self.name, self.id)
    }

    /// Unit price in minor units of `currency`: that of a price list, where one has any for everybody.
    #[must_use]
    pub fn price_minor(&self) -> i64 {
        self.listed(0).unwrap_or(self.own_price_minor)
    }

    /// What the price is reduced from, in minor units of `currency`; `None` where it is no reduction.
    #[must_use]
    pub fn compare_at_minor(&self) -> Option<i64> {
        self.listed(1)
    }

    /// The lowest price in the thirty days before a reduction, in minor units; `None` where it is none.
    #[must_use]
    pub fn lowest_30d_minor(&self) -> Option<i64> {
        self.listed(2)
    }

    /// Values of custom fields that customers see, by their keys; `None` in lists.
    #[must_use]
    pub fn custom_fields(&self) -> Option<&Map<String, Value>> {
        self.kept.as_ref()?.get(0)?.as_object()
    }

    /// What programs keep there freely; `None` in lists.
    #[must_use]
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.kept.as_ref()?.get(1)?.as_object()
    }

    /// The files that values of custom fields name which customers see.
    #[must_use]
    pub fn files(&self) -> Vec<File> {
        let stored = self.kept.as_ref().and_then(|kept| kept.get(2)).cloned();
        let mut files = files::read(stored);
        let shown = self.custom_fields();
        files.retain(|file| shown.is_some_and(|shown| shown.contains_key(&file.key)));
        files
    }

    fn listed(&self, place: usize) -> Option<i64> {
        *self.listed.as_ref()?.get(place)?
    }
}

fn address(slug: Option<&str>, name: &str, id: ProductId) -> String {
    slug.map_or_else(|| Slug::of_product(name, id).to_string(), str::to_owned)
}

type ProductRow = (
    BigInt,
    Text,
    Text,
    Text,
    BigInt,
    Timestamptz,
    Timestamptz,
    Text,
    BigInt,
    Text,
    BigInt,
    Text,
    Integer,
    Nullable<Jsonb>,
    Nullable<Text>,
    Text,
    Nullable<Array<Text>>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Jsonb>,
    Nullable<Array<Nullable<BigInt>>>,
    Bool,
);

/// The columns of [`Product`]; `$1` is the currency preferred where a variant has several, `$2` the country.
///
/// A product without any price is not shown: nobody could buy it. Prices are those at the start of
/// the statement, so that a transaction sees the price it has just set.
macro_rules! select_products {
    (details of $($rest:literal)*) => {
        select_products!(
            concat!(
                "p.options, p.slug, p.brand, p.tags, p.description_html, p.seo_title, p.seo_description, \
                 coalesce((SELECT jsonb_build_array(k.public_values - ",
                $crate::custom_fields::select_hidden!("'product'"),
                ", k.metadata, ",
                $crate::custom_fields::files::select_files!("'product'", "p.id"),
                ") FROM catalog.custom_values k WHERE k.resource = 'product' AND k.resource_id = p.id), '[{}, {}, null]')"
            ),
            $($rest),*
        )
    };
    (list of $($rest:literal)*) => {
        select_products!(
            "NULL::jsonb, p.slug, p.brand, NULL::text[], NULL::text, NULL::text, NULL::text, NULL::jsonb",
            $($rest),*
        )
    };
    ($details:expr, $($rest:literal),*) => {
        concat!(
            "SELECT p.id, p.name, p.description, p.image, p.version, p.created_at, p.updated_at, \
                    v.sku, v.id, v.kind, c.amount_minor, c.currency, p.variant_count, ",
            $details,
            ", CASE WHEN v.in_lists THEN catalog.shown_price(v.id, c.amount_minor, c.currency, $2) END, p.has_media \
               FROM catalog.products p \
               JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
              CROSS JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= statement_timestamp() \
                     ORDER BY (currency = $1) DESC, valid_from DESC, id DESC LIMIT 1) c \
              WHERE ",
            $($rest),*
        )
    };
}
use select_products;

db::statement! {
    struct FindProduct {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        id: i64 => BigInt,
    } -> ProductRow =
    select_products!(details of "catalog.is_on_sale(p) AND p.id = $3")
}

db::statement! {
    struct FindProducts {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        ids: Vec<i64> => Array<BigInt>,
    } -> ProductRow =
    select_products!(details of "catalog.is_on_sale(p) AND p.id = ANY($3)")
}

db::statement! {
    struct FindDraft {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        id: i64 => BigInt,
    } -> ProductRow =
    select_products!(details of "p.archived_at IS NULL AND p.id = $3")
}

db::statement! {
    /// The first of an order rather than a minimum: a plan that was made while there was nothing to come would look
    /// through all of it ever after.
    struct NextChange {} -> Nullable<Double> =
    "SELECT extract(epoch FROM least( \
         (SELECT published_at FROM catalog.products \
           WHERE published_at > statement_timestamp() AND published_at > '-infinity' AND published_at < 'infinity' \
             AND archived_at IS NULL ORDER BY published_at LIMIT 1), \
         (SELECT unpublished_at FROM catalog.products \
           WHERE unpublished_at > statement_timestamp() AND unpublished_at < 'infinity' \
             AND published_at < 'infinity' AND archived_at IS NULL ORDER BY unpublished_at LIMIT 1), \
         (SELECT valid_from FROM catalog.prices WHERE scheduled AND valid_from > statement_timestamp() ORDER BY valid_from LIMIT 1), \
         (SELECT valid_from FROM catalog.list_prices \
           WHERE scheduled AND valid_from > statement_timestamp() ORDER BY valid_from LIMIT 1), \
         (SELECT at FROM catalog.price_lists CROSS JOIN LATERAL (VALUES (starts_at), (ends_at)) AS moments (at) \
           WHERE is_active AND at > statement_timestamp() AND at < 'infinity' ORDER BY at LIMIT 1) \
        ) - statement_timestamp())::float8"
}

db::statement! {
    struct DefaultVariant { product_id: i64 => BigInt } -> BigInt =
    "SELECT v.id FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
      WHERE v.product_id = $1 AND v.is_default AND p.archived_at IS NULL"
}

/// Finds a product that is on sale, priced in the market's currency where it has such a price.
///
/// Returns `None` for an unknown id, a draft, and a product that was archived or whose time is over.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    id: ProductId,
    market: impl Into<Market>,
) -> QueryResult<Option<Product>> {
    let market = market.into();
    let find = FindProduct {
        currency: market.currency.code(),
        country: market.country_code(),
        id: id.get(),
    };
    let found = find.get_result(conn).optional()?;
    with_media(conn, found, market.locale)
}

/// Finds those of these products that are on sale, in any order: with all that [`find`] gives, in as many statements.
///
/// # Errors
///
/// Those of the database.
pub fn find_together(
    conn: &mut PgConnection,
    ids: Vec<i64>,
    market: impl Into<Market>,
) -> QueryResult<Vec<Product>> {
    let market = market.into();
    let find = FindProducts {
        currency: market.currency.code(),
        country: market.country_code(),
        ids,
    };
    let mut found = find.load(conn)?;
    media::products::fill(conn, &mut found, media::products::ALL, market.locale)?;
    Ok(found)
}

/// Finds a product that is not archived as customers see it, or will: be it on sale or not.
///
/// # Errors
///
/// Those of the database.
pub fn find_draft(
    conn: &mut PgConnection,
    id: ProductId,
    market: impl Into<Market>,
) -> QueryResult<Option<Product>> {
    let market = market.into();
    let find = FindDraft {
        currency: market.currency.code(),
        country: market.country_code(),
        id: id.get(),
    };
    let found = find.get_result(conn).optional()?;
    with_media(conn, found, market.locale)
}

fn with_media(
    conn: &mut PgConnection,
    mut found: Option<Product>,
    locale: Option<Locale>,
) -> QueryResult<Option<Product>> {
    media::products::fill(conn, found.as_mut_slice(), media::products::ALL, locale)?;
    Ok(found)
}

/// How long what customers read of products holds, if nobody changes one: until one comes on sale, goes or has another
/// price by the clock.
///
/// # Errors
///
/// Those of the database.
pub fn next_change(conn: &mut PgConnection) -> QueryResult<Option<Duration>> {
    let seconds: Option<f64> = NextChange {}.get_result(conn)?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Finds the variant that stands for a product which is not archived.
///
/// # Errors
///
/// Those of the database.
pub fn find_default_variant(
    conn: &mut PgConnection,
    id: ProductId,
) -> QueryResult<Option<domain::VariantId>> {
    let variant = DefaultVariant {
        product_id: id.get(),
    }
    .get_result::<i64>(conn)
    .optional()?;
    Ok(variant.and_then(|id| id.try_into().ok()))
}
