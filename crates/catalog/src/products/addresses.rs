//! Products by the end of their web addresses.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use domain::Slug;

use crate::prices::Market;

use super::{Product, ProductRow, find, select_products, with_media};

db::statement! {
    struct FindBySlug {
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        slug: String => Text,
    } -> ProductRow =
    select_products!(details of "catalog.is_on_sale(p) AND p.slug = $3")
}

db::statement! {
    struct FindFormer { slug: String => Text } -> BigInt =
    "SELECT product_id FROM catalog.former_slugs WHERE slug = $1"
}

/// Finds the product on sale to which a slug leads: one that has it, had it, or has the id at its end.
///
/// Where [`Product::address`] is another one by now, the reader should be sent there.
///
/// # Errors
///
/// Those of the database.
pub fn find_by_slug(
    conn: &mut PgConnection,
    slug: &Slug,
    market: impl Into<Market>,
) -> QueryResult<Option<Product>> {
    let market = market.into();
    let text = slug.as_str().to_owned();
    let id = match slug.product_id() {
        Some(id) => Some(id),
        None => {
            let named = FindBySlug {
                currency: market.currency.code(),
                country: market.country_code(),
                slug: text.clone(),
            };
            if let Some(product) = named.get_result(conn).optional()? {
                return with_media(conn, Some(product), market.locale);
            }
            let former = FindFormer { slug: text }.get_result::<i64>(conn);
            former.optional()?.and_then(|id| id.try_into().ok())
        }
    };
    id.map_or(Ok(None), |id| find(conn, id, market))
}
