//! What staff does to stock: it is counted, corrected, kept back, and promised beyond what there is.

use std::collections::HashMap;

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use domain::{Event, VariantId};

use super::{Cause, Change, Level, MAX_ON_HAND, StockError, move_all};

db::statement! {
    struct LockLevel { variant_id: i64 => BigInt } -> (BigInt, BigInt, BigInt, BigInt) =
    "SELECT on_hand, reserved, safety, backorder_limit FROM catalog.stock_levels \
      WHERE variant_id = $1 AND location_id = 1 FOR UPDATE"
}

db::statement! {
    struct CountAdjustments { variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.stock_levels SET version = version + 1 \
      WHERE variant_id = ANY($1) AND location_id = 1 RETURNING variant_id, version"
}

db::statement! {
    struct SetLimits { variant_id: i64 => BigInt, safety: i64 => BigInt, backorder_limit: i64 => BigInt } -> BigInt =
    "UPDATE catalog.stock_levels SET safety = $2, backorder_limit = $3, version = version + 1 \
      WHERE variant_id = $1 AND location_id = 1 RETURNING version"
}

/// Sets the counted stock of a variant, if it still is what the caller saw (compare and swap).
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Changed`] when the count is another one by now, [`StockError::Insufficient`] when
/// orders have more reserved than `on_hand` would leave.
pub fn set_on_hand(
    conn: &mut PgConnection,
    variant_id: VariantId,
    expected: i64,
    on_hand: i64,
    cause: &Cause,
) -> Result<Level, StockError> {
    let level = lock_level(conn, variant_id)?;
    if level.on_hand != expected {
        return Err(StockError::Changed {
            expected,
            actual: level.on_hand,
        });
    }
    change_on_hand(conn, variant_id, level, on_hand - expected, cause)
}

/// Adds units to what is on hand, or takes them away: `delta` is not compared with anything, so that
/// two who unpack at once both count.
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Insufficient`] when less would be there than nothing, or than orders have reserved;
/// [`StockError::TooMany`] beyond [`MAX_ON_HAND`].
pub fn adjust(
    conn: &mut PgConnection,
    variant_id: VariantId,
    delta: i64,
    cause: &Cause,
) -> Result<Level, StockError> {
    let level = lock_level(conn, variant_id)?;
    if level.on_hand.saturating_add(delta) > MAX_ON_HAND {
        return Err(StockError::TooMany);
    }
    change_on_hand(conn, variant_id, level, delta, cause)
}

fn change_on_hand(
    conn: &mut PgConnection,
    variant_id: VariantId,
    level: Level,
    delta: i64,
    cause: &Cause,
) -> Result<Level, StockError> {
    if delta != 0 {
        let change = Change {
            variant_id,
            on_hand: delta,
            reserved: 0,
        };
        adjust_all(conn, &[change], cause)?;
    }
    Ok(Level {
        on_hand: level.on_hand + delta,
        ..level
    })
}

/// How much of what is on hand may be sold; `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Units that are kept back.
    pub safety: Option<i64>,
    /// Units that may be sold beyond what is on hand.
    pub backorder_limit: Option<i64>,
}

/// Sets what is kept back of a variant, and how far orders may go beyond what there is.
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Insufficient`] when orders have more reserved than the limits would leave.
pub fn set_limits(
    conn: &mut PgConnection,
    variant_id: VariantId,
    limits: Limits,
    cause: &Cause,
) -> Result<Level, StockError> {
    let old = lock_level(conn, variant_id)?;
    let new = Level {
        safety: limits.safety.unwrap_or(old.safety),
        backorder_limit: limits.backorder_limit.unwrap_or(old.backorder_limit),
        ..old
    };
    if new == old {
        return Ok(old);
    }
    if new.available() < 0 {
        let available = old.available().max(0);
        return Err(StockError::Insufficient(vec![super::Shortage {
            variant_id,
            available,
        }]));
    }
    let sequence = SetLimits {
        variant_id: variant_id.get(),
        safety: new.safety,
        backorder_limit: new.backorder_limit,
    }
    .get_result(conn)?;
    let event = Event::StockLimitsChanged {
        variant_id,
        safety: new.safety,
        backorder_limit: new.backorder_limit,
    };
    outbox::write(conn, &[Entry::new(event, sequence, cause.actor)])?;
    Ok(new)
}

/// Moves stock apart from orders, and tells of it. Each variant is named once.
pub(crate) fn adjust_all(
    conn: &mut PgConnection,
    changes: &[Change],
    cause: &Cause,
) -> Result<(), StockError> {
    move_all(conn, changes, cause)?;
    // The levels are locked by now, so their order does not matter any more.
    let variant_ids = changes.iter().map(|c| c.variant_id.get()).collect();
    let versions: HashMap<i64, i64> = CountAdjustments { variant_ids }
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let entry = |change: &Change| {
        let variant_id = change.variant_id;
        let event = Event::StockAdjusted {
            variant_id,
            on_hand_delta: change.on_hand,
        };
        let sequence = versions.get(&variant_id.get())?;
        Some(Entry::new(event, *sequence, cause.actor))
    };
    let entries: Vec<Entry> = changes.iter().filter_map(entry).collect();
    Ok(outbox::write(conn, &entries)?)
}

fn lock_level(conn: &mut PgConnection, variant_id: VariantId) -> Result<Level, StockError> {
    let level = LockLevel {
        variant_id: variant_id.get(),
    }
    .get_result(conn)
    .optional()?;
    level.ok_or(StockError::NotStocked(variant_id))
}
