//! Which products are in a collection without rules, and at which place.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{CollectionId, PageSize, ProductId, UserId};

use super::CollectionError;
use super::lock::{lock, touch};
use crate::categories::assigning::{Assigned, Assignment, Outcome, lock_products, products};

db::statement! {
    struct ListAssigned {
        collection_id: i64 => BigInt,
        position: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt, Text, Bool) =
    "SELECT cp.product_id, cp.position, p.name, catalog.is_on_sale(p) FROM catalog.collection_products cp \
       JOIN catalog.products p ON p.id = cp.product_id \
      WHERE cp.collection_id = $1 AND (cp.position, cp.product_id) > ($2, $3) \
      ORDER BY cp.position, cp.product_id LIMIT $4"
}

db::statement! {
    struct RemoveProducts { collection_id: i64 => BigInt, ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "DELETE FROM catalog.collection_products WHERE collection_id = $1 AND product_id = ANY($2) RETURNING product_id"
}

db::statement! {
    struct PlaceProducts {
        collection_id: i64 => BigInt,
        ids: Vec<i64> => Array<BigInt>,
        positions: Vec<Option<i64>> => Array<Nullable<BigInt>>,
    } -> BigInt =
    "INSERT INTO catalog.collection_products AS known (collection_id, product_id, position, product_name) \
     SELECT $1, w.product_id, coalesce(w.position, k.position, coalesce(last.position, 0) + w.number), p.name \
       FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (product_id, position, number) \
       JOIN catalog.products p ON p.id = w.product_id \
       LEFT JOIN catalog.collection_products k ON k.collection_id = $1 AND k.product_id = w.product_id \
       LEFT JOIN (SELECT position FROM catalog.collection_products WHERE collection_id = $1 \
                   ORDER BY position DESC, product_id DESC LIMIT 1) last ON true \
         ON CONFLICT (collection_id, product_id) DO UPDATE SET position = excluded.position \
            WHERE known.position <> excluded.position \
     RETURNING product_id"
}

/// Puts products into a collection, moves those that are there, and takes others out. No product is named twice.
///
/// # Errors
///
/// [`CollectionError::NotFound`], [`CollectionError::Stale`] when `expected_version` is not the current one,
/// [`CollectionError::HasRules`], and [`CollectionError::UnknownProduct`] with the place in `add` of a product that does
/// not exist or is archived.
pub fn assign(
    conn: &mut PgConnection,
    id: CollectionId,
    add: &[Assignment],
    remove: &[ProductId],
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Outcome, CollectionError> {
    if lock(conn, id, expected_version)? {
        return Err(CollectionError::HasRules);
    }
    if let Some(index) = lock_products(conn, add, remove)? {
        return Err(CollectionError::UnknownProduct(index));
    }
    let collection_id = id.get();
    let removed = RemoveProducts {
        collection_id,
        ids: remove.iter().map(|product| product.get()).collect(),
    };
    let placed = PlaceProducts {
        collection_id,
        ids: add.iter().map(|wanted| wanted.product_id.get()).collect(),
        positions: add.iter().map(|wanted| wanted.position).collect(),
    };
    let outcome = Outcome {
        removed: products(removed.load(conn)?),
        placed: products(placed.load(conn)?),
    };
    if outcome != Outcome::default() {
        touch(conn, id, actor)?;
    }
    Ok(outcome)
}

/// Lists products of a collection by their place and then by id, whatever its order; one more than `size` where there
/// are more. `after` is the place and the id behind which the page begins. With rules there are none.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    id: CollectionId,
    (position, product_id): (i64, i64),
    size: PageSize,
) -> QueryResult<Vec<Assigned>> {
    ListAssigned {
        collection_id: id.get(),
        position,
        product_id,
        limit: size.get() + 1,
    }
    .load(conn)
}
