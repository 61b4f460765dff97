//! The products of a category, page by page.
//!
//! A page begins behind a product, at the same cost anywhere in the list: each order has its index, but for sales: see
//! `catalog.page_by_sales`. With the
//! categories below, each of them gives as many products as a page has, of which the first ones are taken; so a
//! page costs as much as there are categories below, however many products they have.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use domain::{Page, PageSize, PairCursor, ProductOrder};

use super::Category;
use crate::prices::Market;
use crate::products::{self, Product};

db::statement! {
    struct ListManually {
        category_id: i64 => BigInt,
        position: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt) =
    "SELECT cp.position, cp.product_id FROM catalog.category_products cp \
       JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.category_id = $1 AND (cp.position, cp.product_id) > ($2, $3) AND catalog.is_on_sale(p) \
      ORDER BY cp.position, cp.product_id LIMIT $4"
}

/// The category `$1`, and where `$4` says so all that are below it; each once, whatever ways lead there.
macro_rules! from_categories {
    ($page:literal) => {
        concat!(
            "WITH RECURSIVE below (id) AS ( \
               SELECT $1::bigint \
                UNION \
               SELECT e.category_id FROM below JOIN catalog.category_parents e ON e.parent_id = below.id WHERE $4 \
             ) ",
            $page
        )
    };
}

db::statement! {
    struct ListNewest {
        category_id: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
        with_descendants: bool => Bool,
    } -> (BigInt, BigInt) =
    from_categories!(
        "SELECT 0::bigint, page.product_id FROM below CROSS JOIN LATERAL ( \
           SELECT cp.product_id FROM catalog.category_products cp JOIN catalog.products p ON p.id = cp.product_id \
            WHERE cp.category_id = below.id AND cp.product_id < $2 AND catalog.is_on_sale(p) \
            ORDER BY cp.product_id DESC LIMIT $3) page \
         GROUP BY page.product_id ORDER BY page.product_id DESC LIMIT $3"
    )
}

db::statement! {
    /// Products are archived and never deleted, so the name behind which a page begins is always to be had.
    struct ListByName {
        category_id: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
        with_descendants: bool => Bool,
    } -> (BigInt, BigInt) =
    from_categories!(
        "SELECT 0::bigint, page.product_id FROM below CROSS JOIN LATERAL ( \
           SELECT cp.product_name, cp.product_id FROM catalog.category_products cp \
             JOIN catalog.products p ON p.id = cp.product_id \
            WHERE cp.category_id = below.id AND catalog.is_on_sale(p) AND (cp.product_name, cp.product_id) > \
                  (coalesce((SELECT a.name FROM catalog.products a WHERE a.id = $2), '') COLLATE \"und-x-icu\", $2) \
            ORDER BY cp.product_name, cp.product_id LIMIT $3) page \
         GROUP BY page.product_name, page.product_id ORDER BY page.product_name, page.product_id LIMIT $3"
    )
}

db::statement! {
    struct ListBestSelling {
        category_id: i64 => BigInt,
        units: i64 => BigInt,
        product_id: Option<i64> => Nullable<BigInt>,
        limit: i64 => BigInt,
        with_descendants: bool => Bool,
    } -> (BigInt, BigInt) =
    "WITH RECURSIVE below (id) AS ( \
       SELECT $1::bigint \
        UNION \
       SELECT e.category_id FROM below JOIN catalog.category_parents e ON e.parent_id = below.id WHERE $5 \
     ) SELECT page.units, page.id FROM (SELECT array_agg(id) AS ids FROM below) b \
        CROSS JOIN LATERAL catalog.page_by_sales('catalog.products', 'd.id', \
              format('catalog.is_on_sale(d) AND EXISTS (SELECT FROM catalog.category_products m \
                       WHERE m.product_id = d.id AND m.category_id = ANY (%L))', b.ids), $2, $3, $4) p \
        CROSS JOIN LATERAL unnest(p.units, p.product_ids) WITH ORDINALITY AS page (units, id, place) ORDER BY page.place"
}

/// Lists products of a category that are on sale, in its order. Products of the categories below are among them
/// where that is asked for, each once; then places say nothing, because they are of different lists, and a manual
/// order gives way to the newest.
///
/// `after` is the place and the id of the product behind which the page begins, as the cursor of the page before
/// has them; zeroes are the beginning. A place counts only where the order is manual, and where it is by sales it is the units that were
/// sold: what sells more by the next page may be missed there, and what sells less be there again.
///
/// # Errors
///
/// Those of the database.
pub fn page(
    conn: &mut PgConnection,
    category: &Category,
    with_descendants: bool,
    (position, product_id): (i64, i64),
    size: PageSize,
    market: impl Into<Market>,
) -> QueryResult<Page<Product, PairCursor>> {
    let market = market.into();
    let (category_id, limit) = (category.id.get(), size.get() + 1);
    let placed: Vec<(i64, i64)> = match category.product_order {
        ProductOrder::Manual if !with_descendants => ListManually {
            category_id,
            position,
            product_id,
            limit,
        }
        .load(conn)?,
        ProductOrder::Manual | ProductOrder::Newest => ListNewest {
            category_id,
            product_id: if product_id == 0 {
                i64::MAX
            } else {
                product_id
            },
            limit,
            with_descendants,
        }
        .load(conn)?,
        ProductOrder::BestSelling => ListBestSelling {
            category_id,
            units: position,
            product_id: Some(product_id).filter(|id| *id > 0),
            limit,
            with_descendants,
        }
        .load(conn)?,
        ProductOrder::Name => ListByName {
            category_id,
            product_id,
            limit,
            with_descendants,
        }
        .load(conn)?,
    };
    let page = Page::from_overfetched_pairs(placed, size, |placed| *placed);
    let ids = page.items.iter().map(|(_, id)| *id).collect();
    Ok(Page {
        items: products::find_all(conn, ids, market)?,
        next_cursor: page.next_cursor,
    })
}
