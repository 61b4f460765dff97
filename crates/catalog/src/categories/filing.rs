//! Many products into and out of many categories at once, in a fixed number of statements.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{CategoryId, Event, ProductId, UserId};

use super::lock::announce;

db::statement! {
    /// By id; not the key, as in [`super::lock`].
    struct LockCategories { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.categories WHERE id = ANY($1) AND archived_at IS NULL ORDER BY id FOR NO KEY UPDATE"
}

db::statement! {
    struct ListOfProducts { skus: Vec<String> => Array<Text>, product_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "SELECT cp.product_id, cp.category_id \
       FROM (SELECT v.product_id FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku \
              UNION SELECT unnest($2::bigint[])) AS w (product_id) \
       JOIN catalog.category_products cp ON cp.product_id = w.product_id \
       JOIN catalog.categories c ON c.id = cp.category_id AND c.archived_at IS NULL"
}

db::statement! {
    struct Remove { categories: Vec<i64> => Array<BigInt>, products: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "DELETE FROM catalog.category_products cp USING unnest($1::bigint[], $2::bigint[]) AS w (category_id, product_id) \
      WHERE cp.category_id = w.category_id AND cp.product_id = w.product_id RETURNING cp.category_id, cp.product_id"
}

db::statement! {
    /// At the end of each category, in the order in which they come.
    struct Place { categories: Vec<i64> => Array<BigInt>, products: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "INSERT INTO catalog.category_products (category_id, product_id, position, product_name) \
     SELECT w.category_id, w.product_id, \
            coalesce((SELECT l.position FROM catalog.category_products l WHERE l.category_id = w.category_id \
                       ORDER BY l.position DESC LIMIT 1), 0) \
              + row_number() OVER (PARTITION BY w.category_id ORDER BY w.number), p.name \
       FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (category_id, product_id, number) \
       JOIN catalog.products p ON p.id = w.product_id \
         ON CONFLICT (category_id, product_id) DO NOTHING RETURNING category_id, product_id"
}

db::statement! {
    struct Touch { ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.categories SET version = version + 1, updated_at = now() WHERE id = ANY($1) RETURNING id, version"
}

/// A category, and a product that is or is to be in it.
pub type Pair = (i64, i64);

/// Keeps everybody else from changing these categories until the transaction ends, and returns those of them that are
/// there. Before any product is locked.
///
/// # Errors
///
/// Those of the database.
pub fn lock(conn: &mut PgConnection, ids: &BTreeSet<i64>) -> QueryResult<BTreeSet<i64>> {
    let ids = ids.iter().copied().filter(|id| *id > 0).collect();
    let locked: Vec<i64> = LockCategories { ids }.load(conn)?;
    Ok(locked.into_iter().collect())
}

/// Lists the categories of products, which are named or have these SKUs: each product with all of its categories.
///
/// # Errors
///
/// Those of the database.
pub fn of_products(
    conn: &mut PgConnection,
    skus: Vec<String>,
    product_ids: Vec<i64>,
) -> QueryResult<BTreeMap<i64, BTreeSet<i64>>> {
    let pairs: Vec<(i64, i64)> = ListOfProducts { skus, product_ids }.load(conn)?;
    let mut of: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for (product, category) in pairs {
        of.entry(product).or_default().insert(category);
    }
    Ok(of)
}

/// Takes products out of categories and puts products into categories, both of them locked, and tells of it.
///
/// # Errors
///
/// Those of the database.
pub fn file(
    conn: &mut PgConnection,
    placed: &[Pair],
    removed: &[Pair],
    actor: Option<UserId>,
) -> QueryResult<()> {
    let mut changes: BTreeMap<i64, (Vec<ProductId>, Vec<ProductId>)> = BTreeMap::new();
    if !removed.is_empty() {
        let (categories, products) = removed.iter().copied().unzip();
        let gone: Vec<Pair> = Remove {
            categories,
            products,
        }
        .load(conn)?;
        for (category, product) in gone {
            let change = changes.entry(category).or_default();
            change.1.extend(ProductId::try_from(product).ok());
        }
    }
    if !placed.is_empty() {
        let (categories, products) = placed.iter().copied().unzip();
        let new: Vec<Pair> = Place {
            categories,
            products,
        }
        .load(conn)?;
        for (category, product) in new {
            let change = changes.entry(category).or_default();
            change.0.extend(ProductId::try_from(product).ok());
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let ids = changes.keys().copied().collect();
    let versions: BTreeMap<i64, i64> = Touch { ids }
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let events = changes.into_iter().filter_map(|(id, (placed, removed))| {
        let event = Event::CategoryProductsChanged {
            category_id: CategoryId::try_from(id).ok()?,
            placed,
            removed,
        };
        Some((event, *versions.get(&id)?))
    });
    announce(conn, events.collect(), actor)
}
