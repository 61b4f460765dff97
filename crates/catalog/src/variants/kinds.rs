//! Whether units of a variant are counted: what has none any more must have none.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use domain::{VariantId, VariantKind};

use super::VariantError;
use crate::stock::holds;

db::statement! {
    /// The one at the main location first, as everybody does.
    struct LockLevels { variant_id: i64 => BigInt } -> (BigInt, BigInt) =
    "SELECT on_hand, reserved FROM catalog.stock_levels WHERE variant_id = $1 ORDER BY location_id FOR UPDATE"
}

db::statement! {
    struct ReadLevels { variant_id: i64 => BigInt } -> (BigInt, BigInt) =
    "SELECT on_hand, reserved FROM catalog.stock_levels WHERE variant_id = $1"
}

db::statement! {
    /// What is kept back of nothing, and when that is little, is forgotten.
    struct KeepNone { variant_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.stock_levels SET keeps_stock = false, safety = 0, backorder_limit = 0, low_at = NULL \
      WHERE variant_id = $1 RETURNING variant_id"
}

db::statement! {
    struct KeepSome { variant_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.stock_levels SET keeps_stock = true WHERE variant_id = $1 RETURNING variant_id"
}

db::statement! {
    struct SetKind { id: i64 => BigInt, kind: &'static str => Text } -> BigInt =
    "UPDATE catalog.variants SET kind = $2 WHERE id = $1 RETURNING id"
}

/// Makes a variant another kind of thing. Its product is locked, and its version raised elsewhere.
///
/// # Errors
///
/// [`VariantError::HasStock`] where units are counted or promised that would be lost.
pub(super) fn change(
    conn: &mut PgConnection,
    id: VariantId,
    from: VariantKind,
    to: VariantKind,
) -> Result<(), VariantError> {
    let variant_id = id.get();
    match (from.keeps_stock(), to.keeps_stock()) {
        (true, false) => {
            LockLevels { variant_id }.execute(conn)?;
            holds::release_expired(conn, vec![variant_id])?;
            let levels: Vec<(i64, i64)> = ReadLevels { variant_id }.load(conn)?;
            if levels.iter().any(|level| *level != (0, 0)) {
                return Err(VariantError::HasStock);
            }
            KeepNone { variant_id }.execute(conn)?;
        }
        (false, true) => {
            LockLevels { variant_id }.execute(conn)?;
            KeepSome { variant_id }.execute(conn)?;
        }
        _ => {}
    }
    if from != to {
        let kind = to.code();
        SetKind {
            id: variant_id,
            kind,
        }
        .execute(conn)?;
    }
    Ok(())
}
