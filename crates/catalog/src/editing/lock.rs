//! The lock of several products.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};

db::statement! {
    struct LockProducts { ids: Vec<i64> => Array<BigInt>, variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt, Bool) =
    "SELECT p.id, p.version, p.archived_at IS NULL \
       FROM (SELECT unnest($1::bigint[]) UNION SELECT product_id FROM catalog.variants WHERE id = ANY($2)) AS w (id) \
       JOIN catalog.products p ON p.id = w.id ORDER BY p.id FOR UPDATE OF p"
}

/// Keeps everybody else from changing these products, and those of these variants, until the transaction ends: in the order of
/// their ids, as everybody locks them. Returns the versions of those that are not archived.
pub(crate) fn lock_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
    variant_ids: Vec<i64>,
) -> QueryResult<HashMap<i64, i64>> {
    let locked: Vec<(i64, i64, bool)> = LockProducts { ids, variant_ids }.load(conn)?;
    let on_sale = locked.into_iter().filter(|(.., is_there)| *is_there);
    Ok(on_sale.map(|(id, version, _)| (id, version)).collect())
}
