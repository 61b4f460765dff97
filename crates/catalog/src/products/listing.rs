//! Pages of products on sale.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::{Locale, PageSize};

use crate::media;
use crate::prices::Market;

use super::{Product, ProductRow, select_products};

db::statement! {
    /// Both tables are told where the page begins: a merge of the two would else start at the first row.
    struct ListProducts {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        after: i64 => BigInt,
        limit: i64 => BigInt,
        offset: i64 => BigInt,
    } -> ProductRow =
    select_products!(list of "catalog.is_on_sale(p) AND p.id > $3 AND v.product_id > $3 ORDER BY p.id LIMIT $4 OFFSET $5")
}

db::statement! {
    /// SKUs are compared by range, because a generic plan has no index for a LIKE it cannot see.
    /// U+10FFFF stands behind every character. Postgres lowers both sides, so that they agree.
    struct SearchProducts {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        after: i64 => BigInt,
        limit: i64 => BigInt,
        offset: i64 => BigInt,
        text: String => Text,
        sku: String => Text,
    } -> ProductRow =
    select_products!(
        list of
        "catalog.is_on_sale(p) AND p.id > $3 AND v.product_id > $3 AND p.id IN (\
             SELECT id FROM catalog.products WHERE search_text LIKE lower($6) \
             UNION SELECT product_id FROM catalog.variants \
              WHERE archived_at IS NULL AND lower(sku) ~>=~ lower($7) AND lower(sku) ~<~ (lower($7) || chr(1114111))) \
         ORDER BY p.id LIMIT $4 OFFSET $5"
    )
}

db::statement! {
    struct FindProducts {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        ids: Vec<i64> => Array<BigInt>,
    } -> ProductRow =
    select_products!(list of "catalog.is_on_sale(p) AND p.id = ANY($3) ORDER BY array_position($3, p.id)")
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
    market: impl Into<Market>,
) -> QueryResult<Vec<Product>> {
    let market = market.into();
    let (after, offset) = match start {
        Start::After(id) => (id, 0),
        Start::Page(number) => (0, i64::from(number.saturating_sub(1)) * size.get()),
    };
    let (currency, country) = (market.currency.code(), market.country_code());
    let limit = size.get() + 1;
    let found = match search {
        None => ListProducts {
            currency,
            country,
            after,
            limit,
            offset,
        }
        .load(conn),
        Some(search) => {
            let (text, sku) = (format!("%{}%", escape_like(search)), search.to_owned());
            SearchProducts {
                currency,
                country,
                after,
                limit,
                offset,
                text,
                sku,
            }
            .load(conn)
        }
    };
    with_first_media(conn, found?, market.locale)
}

/// Finds products that are on sale, in the order of their ids in `ids`, as [`list`] gives them.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
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
    let found = find.load(conn)?;
    with_first_media(conn, found, market.locale)
}

fn with_first_media(
    conn: &mut PgConnection,
    mut found: Vec<Product>,
    locale: Option<Locale>,
) -> QueryResult<Vec<Product>> {
    media::products::fill(conn, &mut found, 1, locale)?;
    Ok(found)
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
