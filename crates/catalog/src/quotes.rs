//! What an order needs to know of the catalogue, read in the order's own transaction.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use domain::{Currency, ProductId, Sku, VariantId};

/// How a line names what it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Product(ProductId),
    Sku(Sku),
}

/// A variant as it is sold right now.
#[derive(Clone, Debug, Queryable)]
pub struct Quote {
    /// Which of the wanted ones this answers, from 0.
    pub position: i32,
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    #[diesel(deserialize_as = String)]
    pub sku: Sku,
    pub title: String,
    /// Unit price in minor units of `currency`.
    pub price_minor: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// Units that could be promised when this was read; nothing is locked.
    pub available: i64,
}

db::statement! {
    struct QuoteLines {
        product_ids: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        skus: Vec<Option<String>> => Array<Nullable<Text>>,
        currency: &'static str => Text,
    } -> (Integer, BigInt, BigInt, Text, Text, BigInt, Text, BigInt) =
    "SELECT w.position::int - 1, v.id, p.id, v.sku, p.name, c.amount_minor, c.currency, \
            coalesce(s.on_hand - s.safety + s.backorder_limit - s.reserved, 0) \
       FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (product_id, sku, position) \
      CROSS JOIN LATERAL ( \
            SELECT id, product_id, sku FROM catalog.variants \
             WHERE product_id = w.product_id AND is_default AND archived_at IS NULL \
             UNION ALL \
            SELECT id, product_id, sku FROM catalog.variants WHERE sku = w.sku AND archived_at IS NULL) v \
       JOIN catalog.products p ON p.id = v.product_id AND p.archived_at IS NULL \
      CROSS JOIN LATERAL ( \
            SELECT amount_minor, currency FROM catalog.prices \
             WHERE variant_id = v.id AND valid_from <= statement_timestamp() \
             ORDER BY (currency = $3) DESC, valid_from DESC, id DESC LIMIT 1) c \
       LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1 \
      ORDER BY w.position"
}

/// Quotes each of the wanted ones, in order; an unknown or archived one has no quote.
///
/// Prices are in `preferred` where a variant has one in it.
///
/// # Errors
///
/// Those of the database.
pub fn quote(
    conn: &mut PgConnection,
    wanted: &[Wanted],
    preferred: Currency,
) -> QueryResult<Vec<Quote>> {
    let statement = QuoteLines {
        product_ids: wanted
            .iter()
            .map(|w| {
                if let Wanted::Product(id) = w {
                    Some(id.get())
                } else {
                    None
                }
            })
            .collect(),
        skus: wanted
            .iter()
            .map(|w| {
                if let Wanted::Sku(sku) = w {
                    Some(sku.as_str().to_owned())
                } else {
                    None
                }
            })
            .collect(),
        currency: preferred.code(),
    };
    statement.load(conn)
}
