//! Which products are in a category, and at which place.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{CategoryId, Event, PageSize, ProductId, UserId};

use super::CategoryError;
use super::lock::{lock_category, touch};

/// A product that is to be in a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub product_id: ProductId,
    /// The place where the order is manual; `None` is the one it has, and the end for a new one.
    pub position: Option<i64>,
}

/// What a call of [`assign`] has done; products that were as they should be already are in neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Products that are there now, and were not, or at another place.
    pub placed: Vec<ProductId>,
    /// Products that are not there any more.
    pub removed: Vec<ProductId>,
}

/// A product in a category, as staff sees it: whether it is on sale or not.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Assigned {
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    /// The place where the order is manual.
    pub position: i64,
    pub name: String,
    pub is_on_sale: bool,
}

db::statement! {
    struct ListAssigned {
        category_id: i64 => BigInt,
        position: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt, Text, Bool) =
    "SELECT cp.product_id, cp.position, p.name, catalog.is_on_sale(p) FROM catalog.category_products cp \
       JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.category_id = $1 AND (cp.position, cp.product_id) > ($2, $3) \
      ORDER BY cp.position, cp.product_id LIMIT $4"
}

db::statement! {
    /// By id, as all who lock products do. Whoever renames one waits, or is waited for.
    struct LockProducts { ids: Vec<i64> => Array<BigInt> } -> (BigInt, Bool) =
    "SELECT id, archived_at IS NULL FROM catalog.products WHERE id = ANY($1) ORDER BY id FOR SHARE"
}

db::statement! {
    struct RemoveProducts { category_id: i64 => BigInt, ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "DELETE FROM catalog.category_products WHERE category_id = $1 AND product_id = ANY($2) RETURNING product_id"
}

db::statement! {
    struct PlaceProducts {
        category_id: i64 => BigInt,
        ids: Vec<i64> => Array<BigInt>,
        positions: Vec<Option<i64>> => Array<Nullable<BigInt>>,
    } -> BigInt =
    "INSERT INTO catalog.category_products AS known (category_id, product_id, position, product_name) \
     SELECT $1, w.product_id, coalesce(w.position, k.position, last.position + w.number), p.name \
       FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (product_id, position, number) \
       JOIN catalog.products p ON p.id = w.product_id \
       LEFT JOIN catalog.category_products k ON k.category_id = $1 AND k.product_id = w.product_id \
      CROSS JOIN (SELECT coalesce(max(position), 0) AS position FROM catalog.category_products \
                   WHERE category_id = $1) last \
         ON CONFLICT (category_id, product_id) DO UPDATE SET position = excluded.position \
            WHERE known.position <> excluded.position \
     RETURNING product_id"
}

/// Puts products into a category, moves those that are there, and takes others out. No product is named twice.
///
/// # Errors
///
/// [`CategoryError::NotFound`], [`CategoryError::Stale`] when `expected_version` is not the current one, and
/// [`CategoryError::UnknownProduct`] with the place in `add` of a product that does not exist or is archived.
pub fn assign(
    conn: &mut PgConnection,
    id: CategoryId,
    add: &[Assignment],
    remove: &[ProductId],
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Outcome, CategoryError> {
    lock_category(conn, id, expected_version)?;
    if let Some(index) = lock_products(conn, add, remove)? {
        return Err(CategoryError::UnknownProduct(index));
    }
    let outcome = Outcome {
        removed: products(
            RemoveProducts {
                category_id: id.get(),
                ids: remove.iter().map(|product| product.get()).collect(),
            }
            .load(conn)?,
        ),
        placed: products(
            PlaceProducts {
                category_id: id.get(),
                ids: add.iter().map(|wanted| wanted.product_id.get()).collect(),
                positions: add.iter().map(|wanted| wanted.position).collect(),
            }
            .load(conn)?,
        ),
    };
    if outcome != Outcome::default() {
        let event = Event::CategoryProductsChanged {
            category_id: id,
            placed: outcome.placed.clone(),
            removed: outcome.removed.clone(),
        };
        touch(conn, id, event, actor)?;
    }
    Ok(outcome)
}

/// Lists products of a category by their place and then by id, whatever the category's order; one more than `size`
/// where there are more. `after` is the place and the id behind which the page begins.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    id: CategoryId,
    (position, product_id): (i64, i64),
    size: PageSize,
) -> QueryResult<Vec<Assigned>> {
    ListAssigned {
        category_id: id.get(),
        position,
        product_id,
        limit: size.get() + 1,
    }
    .load(conn)
}

/// Locks products that are to come or to go, and returns the place in `add` of one that does not exist or is archived.
pub(crate) fn lock_products(
    conn: &mut PgConnection,
    add: &[Assignment],
    remove: &[ProductId],
) -> QueryResult<Option<usize>> {
    let added = add.iter().map(|wanted| wanted.product_id.get());
    let ids = added.chain(remove.iter().map(|product| product.get()));
    let ids = ids.collect();
    let locked: Vec<(i64, bool)> = LockProducts { ids }.load(conn)?;
    let locked: HashMap<i64, bool> = locked.into_iter().collect();
    let is_there = |wanted: &Assignment| locked.get(&wanted.product_id.get()) == Some(&true);
    Ok(add.iter().position(|wanted| !is_there(wanted)))
}

pub(crate) fn products(ids: Vec<i64>) -> Vec<ProductId> {
    let ids = ids.into_iter();
    ids.filter_map(|id| id.try_into().ok()).collect()
}
