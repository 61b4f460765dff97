//! The products of a collection, page by page.
//!
//! A page begins behind a product, at the same cost anywhere in the list: each order of a list by hand has its index,
//! and rules are answered from the documents of the search index, which has one for either order too. By sales, see
//! `catalog.page_by_sales`.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use domain::{Page, PageSize, PairCursor, ProductOrder};
use serde_json::Value;

use super::{Collection, Rules};
use crate::prices::Market;
use crate::products::{self, Product};
use crate::search::SearchError;

db::statement! {
    struct ListManually {
        collection_id: i64 => BigInt,
        position: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt) =
    "SELECT cp.position, cp.product_id FROM catalog.collection_products cp \
       JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.collection_id = $1 AND (cp.position, cp.product_id) > ($2, $3) AND catalog.is_on_sale(p) \
      ORDER BY cp.position, cp.product_id LIMIT $4"
}

db::statement! {
    struct ListNewest {
        collection_id: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt) =
    "SELECT 0::bigint, cp.product_id FROM catalog.collection_products cp JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.collection_id = $1 AND cp.product_id < $2 AND catalog.is_on_sale(p) \
      ORDER BY cp.product_id DESC LIMIT $3"
}

db::statement! {
    /// Products are archived and never deleted, so the name behind which a page begins is always to be had.
    struct ListByName {
        collection_id: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt) =
    "SELECT 0::bigint, cp.product_id FROM catalog.collection_products cp JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.collection_id = $1 AND catalog.is_on_sale(p) AND (cp.product_name, cp.product_id) > \
            (coalesce((SELECT a.name FROM catalog.products a WHERE a.id = $2), '') COLLATE \"und-x-icu\", $2) \
      ORDER BY cp.product_name, cp.product_id LIMIT $3"
}

db::statement! {
    struct ListBestSelling {
        collection_id: i64 => BigInt,
        units: i64 => BigInt,
        product_id: Option<i64> => Nullable<BigInt>,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt) =
    "SELECT page.units, page.id FROM catalog.page_by_sales('catalog.products', 'd.id', \
            format('catalog.is_on_sale(d) AND EXISTS (SELECT FROM catalog.collection_products m \
                     WHERE m.product_id = d.id AND m.collection_id = %L)', $1), $2, $3, $4) p \
      CROSS JOIN LATERAL unnest(p.units, p.product_ids) WITH ORDINALITY AS page (units, id, place) ORDER BY page.place"
}

db::statement! {
    struct ListByRules {
        rules: Value => Jsonb,
        country: Option<String> => Nullable<Text>,
        sorting: &'static str => Text,
        units: i64 => BigInt,
        after: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (Nullable<Array<BigInt>>, Nullable<Array<BigInt>>) =
    "SELECT units, product_ids FROM catalog.list_by_rules($1, $2, $3, $4, $5, $6)"
}

/// Lists products of a collection that are on sale, in its order, in two statements.
///
/// `after` is the place and the id of the product behind which the page begins, as the cursor of the page before
/// has them; zeroes are the beginning. A place counts only where the order is manual, and where it is by sales it is the units that were
/// sold: what sells more by the next page may be missed there, and what sells less be there again. Of what rules find, something
/// that was taken off sale a moment ago is not shown, so a page may be short of it. Prices that rules ask for are those of the
/// market's country.
///
/// # Errors
///
/// [`SearchError::NotBuilt`] for rules, and those of the database.
pub fn page(
    conn: &mut PgConnection,
    collection: &Collection,
    (position, product_id): (i64, i64),
    size: PageSize,
    market: impl Into<Market>,
) -> Result<Page<Product, PairCursor>, SearchError> {
    let (order, market) = (collection.product_order, market.into());
    let placed = match &collection.rules {
        Some(rules) => found(conn, rules, order, (position, product_id), size, market)?,
        None => assigned(conn, collection, (position, product_id), size)?,
    };
    let page = Page::from_overfetched_pairs(placed, size, |placed| *placed);
    let ids = page.items.iter().map(|(_, id)| *id).collect();
    Ok(Page {
        items: products::find_all(conn, ids, market)?,
        next_cursor: page.next_cursor,
    })
}

fn assigned(
    conn: &mut PgConnection,
    collection: &Collection,
    (position, product_id): (i64, i64),
    size: PageSize,
) -> QueryResult<Vec<(i64, i64)>> {
    let (collection_id, limit) = (collection.id.get(), size.get() + 1);
    match collection.product_order {
        ProductOrder::Manual => ListManually {
            collection_id,
            position,
            product_id,
            limit,
        }
        .load(conn),
        ProductOrder::Newest => ListNewest {
            collection_id,
            product_id: if product_id == 0 {
                i64::MAX
            } else {
                product_id
            },
            limit,
        }
        .load(conn),
        ProductOrder::BestSelling => ListBestSelling {
            collection_id,
            units: position,
            product_id: Some(product_id).filter(|id| *id > 0),
            limit,
        }
        .load(conn),
        ProductOrder::Name => ListByName {
            collection_id,
            product_id,
            limit,
        }
        .load(conn),
    }
}

fn found(
    conn: &mut PgConnection,
    rules: &Rules,
    order: ProductOrder,
    (units, after): (i64, i64),
    size: PageSize,
    market: Market,
) -> Result<Vec<(i64, i64)>, SearchError> {
    let found: (Option<Vec<i64>>, Option<Vec<i64>>) = ListByRules {
        rules: rules.to_json(),
        country: market.country_code(),
        sorting: order.code(),
        units,
        after,
        limit: size.get() + 1,
    }
    .get_result(conn)?;
    let ids = found.1.ok_or(SearchError::NotBuilt)?;
    Ok(found.0.unwrap_or_default().into_iter().zip(ids).collect())
}
