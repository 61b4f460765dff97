//! Products that are shown beside a product, in order.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{ProductId, ProductRelation, UserId};

use super::{Product, find_all};
use crate::editing::{self, EditError};
use crate::prices::Market;

/// Most products of one relation.
pub const MAX_RELATED: usize = 50;

/// Why no products were related.
#[derive(Debug, thiserror::Error)]
pub enum RelateError {
    #[error("product {0} does not exist")]
    Unknown(usize),
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl From<diesel::result::Error> for RelateError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Edit(error.into())
    }
}

db::statement! {
    struct ListRelated { product_id: i64 => BigInt, relation: &'static str => Text } -> BigInt =
    "SELECT related_id FROM catalog.related_products WHERE product_id = $1 AND relation = $2 ORDER BY position"
}

db::statement! {
    struct Forget { product_id: i64 => BigInt, relation: &'static str => Text } -> BigInt =
    "DELETE FROM catalog.related_products WHERE product_id = $1 AND relation = $2 RETURNING related_id"
}

db::statement! {
    struct Relate { product_id: i64 => BigInt, relation: &'static str => Text, ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "INSERT INTO catalog.related_products (product_id, relation, position, related_id) \
     SELECT $1, $2, r.position, r.id FROM unnest($3::bigint[]) WITH ORDINALITY AS r (id, position) RETURNING related_id"
}

db::statement! {
    struct Touch { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.products SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

db::statement! {
    struct FindVersion { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.products WHERE id = $1 AND archived_at IS NULL"
}

/// Finds the version of a product that is not archived, and the ids of those beside it, on sale or not.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    id: ProductId,
    relation: ProductRelation,
) -> QueryResult<Option<(i64, Vec<i64>)>> {
    let version = FindVersion { id: id.get() }.get_result(conn).optional()?;
    let Some(version) = version else {
        return Ok(None);
    };
    Ok(Some((version, ids(conn, id, relation)?)))
}

/// Lists those beside a product that are on sale, in order.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    id: ProductId,
    relation: ProductRelation,
    market: impl Into<Market>,
) -> QueryResult<Vec<Product>> {
    let ids = ids(conn, id, relation)?;
    find_all(conn, ids, market)
}

fn ids(conn: &mut PgConnection, id: ProductId, relation: ProductRelation) -> QueryResult<Vec<i64>> {
    let list = ListRelated {
        product_id: id.get(),
        relation: relation.code(),
    };
    list.load(conn)
}

/// Says which products are shown beside one, in order. Each is named once, and none is the product itself.
///
/// # Errors
///
/// [`RelateError::Unknown`] with the first that does not exist, [`EditError::NotFound`] and [`EditError::Stale`].
pub fn set(
    conn: &mut PgConnection,
    id: ProductId,
    relation: ProductRelation,
    related: &[ProductId],
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), RelateError> {
    let (product_id, relation) = (id.get(), relation.code());
    let ids: Vec<i64> = related.iter().map(|id| id.get()).collect();
    // Those that are related as well: their foreign key would wait for whoever changes them.
    let all = [&ids[..], &[product_id]].concat();
    let there = editing::lock_all(conn, all, Vec::new())?;
    let version = *there.get(&product_id).ok_or(EditError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(EditError::Stale(version).into());
    }
    if let Some(index) = ids.iter().position(|id| !there.contains_key(id)) {
        return Err(RelateError::Unknown(index));
    }
    Forget {
        product_id,
        relation,
    }
    .execute(conn)?;
    Relate {
        product_id,
        relation,
        ids,
    }
    .execute(conn)?;
    let version = Touch { id: product_id }.get_result(conn)?;
    Ok(editing::announce(conn, &[(id, version)], actor)?)
}
