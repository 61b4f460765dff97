//! Products as customers read them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::{Currency, PageSize, ProductId, Sku};

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
    /// Unit price in minor units of `currency`.
    pub price_minor: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// How many variants are on sale.
    pub variant_count: i32,
    /// What it is chosen by, as [`domain::Options`] are written; `None` in lists, where nobody chooses.
    pub options: Option<serde_json::Value>,
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
    Integer,
    Nullable<Jsonb>,
);

/// The columns of [`Product`]; `$1` is the currency preferred where a variant has several.
///
/// A product without any price is not shown: nobody could buy it. Prices are those at the start of
/// the statement, so that a transaction sees the price it has just set.
macro_rules! select_products {
    ($options:literal, $($rest:literal)*) => {
        concat!(
            "SELECT p.id, p.name, p.description, p.image, p.version, p.created_at, p.updated_at, \
                    v.sku, c.amount_minor, c.currency, p.variant_count, ",
            $options,
            " \
               FROM catalog.products p \
               JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
              CROSS JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= statement_timestamp() \
                     ORDER BY (currency = $1) DESC, valid_from DESC, id DESC LIMIT 1) c \
              WHERE p.archived_at IS NULL ",
            $($rest),*
        )
    };
}

db::statement! {
    struct FindProduct { currency: &'static str => Text, id: i64 => BigInt } -> ProductRow =
    select_products!("p.options", "AND p.id = $2")
}

db::statement! {
    /// Both tables are told where the page begins: a merge of the two would else start at the first row.
    struct ListProducts {
        currency: &'static str => Text,
        after: i64 => BigInt,
        limit: i64 => BigInt,
        offset: i64 => BigInt,
    } -> ProductRow =
    select_products!("NULL::jsonb", "AND p.id > $2 AND v.product_id > $2 ORDER BY p.id LIMIT $3 OFFSET $4")
}

db::statement! {
    /// SKUs are compared by range, because a generic plan has no index for a LIKE it cannot see.
    /// U+10FFFF stands behind every character. Postgres lowers both sides, so that they agree.
    struct SearchProducts {
        currency: &'static str => Text,
        after: i64 => BigInt,
        limit: i64 => BigInt,
        offset: i64 => BigInt,
        text: String => Text,
        sku: String => Text,
    } -> ProductRow =
    select_products!(
        "NULL::jsonb",
        "AND p.id > $2 AND v.product_id > $2 AND p.id IN (\
             SELECT id FROM catalog.products WHERE search_text LIKE lower($5) \
             UNION SELECT product_id FROM catalog.variants \
              WHERE archived_at IS NULL AND lower(sku) ~>=~ lower($6) AND lower(sku) ~<~ (lower($6) || chr(1114111))) \
         ORDER BY p.id LIMIT $3 OFFSET $4"
    )
}

db::statement! {
    struct FindProducts { currency: &'static str => Text, ids: Vec<i64> => Array<BigInt> } -> ProductRow =
    select_products!("NULL::jsonb", "AND p.id = ANY($2) ORDER BY array_position($2, p.id)")
}

db::statement! {
    struct DefaultVariant { product_id: i64 => BigInt } -> BigInt =
    "SELECT v.id FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
      WHERE v.product_id = $1 AND v.is_default AND p.archived_at IS NULL"
}

/// Finds a product that is on sale, priced in `currency` where it has such a price.
///
/// Returns `None` for an unknown id and for an archived product.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    id: ProductId,
    currency: Currency,
) -> QueryResult<Option<Product>> {
    FindProduct {
        currency: currency.code(),
        id: id.get(),
    }
    .get_result(conn)
    .optional()
}

/// Where a page of a list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// After the product with this id: costs the same everywhere in the list.
    After(i64),
    /// At a page number from 1: what the documented API promises; late pages cost more.
    Page(u32),
}

/// Lists products by id; one more than `size` is returned where there are more.
///
/// `search` is matched anywhere in name and description, and at the start of a SKU, without regard
/// to case.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    search: Option<&str>,
    start: Start,
    size: PageSize,
    currency: Currency,
) -> QueryResult<Vec<Product>> {
    let (after, offset) = match start {
        Start::After(id) => (id, 0),
        Start::Page(number) => (0, i64::from(number.saturating_sub(1)) * size.get()),
    };
    let (currency, limit) = (currency.code(), size.get() + 1);
    match search {
        None => ListProducts {
            currency,
            after,
            limit,
            offset,
        }
        .load(conn),
        Some(search) => {
            let (text, sku) = (format!("%{}%", escape_like(search)), search.to_owned());
            SearchProducts {
                currency,
                after,
                limit,
                offset,
                text,
                sku,
            }
            .load(conn)
        }
    }
}

/// Finds products that are on sale, in the order of their ids in `ids`, as [`list`] gives them.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
    currency: Currency,
) -> QueryResult<Vec<Product>> {
    FindProducts {
        currency: currency.code(),
        ids,
    }
    .load(conn)
}

/// Finds the variant that stands for a product which is on sale.
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

/// Takes the special meaning from `%`, `_` and `\` in a pattern of LIKE.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
