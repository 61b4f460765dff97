//! The product of variants, locked while they change and told of afterwards.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb};
use domain::{Options, ProductId, UserId};

use super::VariantError;
use crate::editing;

/// A product on sale that nobody else changes until the transaction ends.
pub(super) struct LockedProduct {
    pub(super) id: ProductId,
    pub(super) version: i64,
    pub(super) options: Options,
    pub(super) variant_count: i32,
}

db::statement! {
    struct LockProduct { id: i64 => BigInt } -> (BigInt, Jsonb, Integer) =
    "SELECT version, options, variant_count FROM catalog.products WHERE id = $1 AND archived_at IS NULL FOR UPDATE"
}

db::statement! {
    struct TouchProduct { id: i64 => BigInt, more_variants: i32 => Integer } -> BigInt =
    "UPDATE catalog.products SET version = version + 1, updated_at = now(), variant_count = variant_count + $2 \
      WHERE id = $1 RETURNING version"
}

pub(super) fn lock_product(
    conn: &mut PgConnection,
    id: ProductId,
) -> Result<LockedProduct, VariantError> {
    let locked = LockProduct { id: id.get() }
        .get_result::<(i64, serde_json::Value, i32)>(conn)
        .optional()?;
    let (version, options, variant_count) = locked.ok_or(VariantError::ProductNotFound)?;
    Ok(LockedProduct {
        id,
        version,
        options: super::read_options(options)?,
        variant_count,
    })
}

pub(super) fn touch(
    conn: &mut PgConnection,
    id: ProductId,
    more_variants: i32,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    let version = TouchProduct {
        id: id.get(),
        more_variants,
    }
    .get_result(conn)?;
    announce(conn, id, version, actor)
}

pub(super) fn announce(
    conn: &mut PgConnection,
    id: ProductId,
    version: i64,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    Ok(editing::announce(conn, &[(id, version)], actor)?)
}
