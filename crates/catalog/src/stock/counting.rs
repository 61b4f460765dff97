//! What staff does to stock: it is counted, corrected, kept back, and promised beyond what there is.

use std::collections::HashMap;

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};
use domain::{Event, LocationId, VariantId};

use super::{Cause, Change, Level, MAX_ON_HAND, StockError, levels, move_all};

db::statement! {
    /// The events of a variant are counted at its main location.
    struct CountEvents { variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.stock_levels SET version = version + 1 \
      WHERE variant_id = ANY($1) AND location_id = 1 RETURNING variant_id, version"
}

db::statement! {
    struct SetLimits {
        variant_id: i64 => BigInt,
        location_id: i64 => BigInt,
        safety: i64 => BigInt,
        backorder_limit: i64 => BigInt,
        low_at: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "UPDATE catalog.stock_levels SET safety = $3, backorder_limit = $4, low_at = $5 \
      WHERE variant_id = $1 AND location_id = $2"
}

/// Sets the counted stock of a variant at a location, if it still is what the caller saw (compare and swap).
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Changed`] when the count is another one by now, [`StockError::Insufficient`] when
/// orders have more reserved than `on_hand` would leave.
pub fn set_on_hand(
    conn: &mut PgConnection,
    (variant_id, location_id): (VariantId, LocationId),
    expected: i64,
    on_hand: i64,
    cause: &Cause,
) -> Result<Level, StockError> {
    let level = levels::lock(conn, variant_id, location_id)?;
    if level.on_hand != expected {
        return Err(StockError::Changed {
            expected,
            actual: level.on_hand,
        });
    }
    let change = Change {
        variant_id,
        location_id,
        on_hand: on_hand - expected,
        reserved: 0,
    };
    change_on_hand(conn, level, change, cause)
}

/// Adds units to what is on hand at a location, or takes them away: `delta` is not compared with anything, so
/// that two who unpack at once both count.
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Insufficient`] when less would be there than nothing, or than orders have reserved;
/// [`StockError::TooMany`] beyond [`MAX_ON_HAND`].
pub fn adjust(
    conn: &mut PgConnection,
    (variant_id, location_id): (VariantId, LocationId),
    delta: i64,
    cause: &Cause,
) -> Result<Level, StockError> {
    let level = levels::lock(conn, variant_id, location_id)?;
    if level.on_hand.saturating_add(delta) > MAX_ON_HAND {
        return Err(StockError::TooMany);
    }
    let change = Change {
        variant_id,
        location_id,
        on_hand: delta,
        reserved: 0,
    };
    change_on_hand(conn, level, change, cause)
}

fn change_on_hand(
    conn: &mut PgConnection,
    level: Level,
    change: Change,
    cause: &Cause,
) -> Result<Level, StockError> {
    if change.on_hand != 0 {
        adjust_all(conn, &[change], cause)?;
    }
    Ok(Level {
        on_hand: level.on_hand + change.on_hand,
        ..level
    })
}

/// How much of what is on hand may be sold, and when that is little; `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Units that are kept back.
    pub safety: Option<i64>,
    /// Units that may be sold beyond what is on hand.
    pub backorder_limit: Option<i64>,
    /// As many available units, or fewer, are low; `Some(None)` where nobody wants to know any more.
    pub low_at: Option<Option<i64>>,
}

/// Sets what is kept back of a variant at a location, how far orders may go beyond what there is, and when that is
/// little. The database tells of what becomes low by it.
///
/// Returns the new counters. To be called in a transaction.
///
/// # Errors
///
/// [`StockError::Insufficient`] when orders have more reserved than the limits would leave.
pub fn set_limits(
    conn: &mut PgConnection,
    (variant_id, location_id): (VariantId, LocationId),
    limits: Limits,
    cause: &Cause,
) -> Result<Level, StockError> {
    let old = levels::lock(conn, variant_id, location_id)?;
    let new = Level {
        safety: limits.safety.unwrap_or(old.safety),
        backorder_limit: limits.backorder_limit.unwrap_or(old.backorder_limit),
        low_at: limits.low_at.unwrap_or(old.low_at),
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
    SetLimits {
        variant_id: variant_id.get(),
        location_id: location_id.get(),
        safety: new.safety,
        backorder_limit: new.backorder_limit,
        low_at: new.low_at,
    }
    .execute(conn)?;
    let event = Event::StockLimitsChanged {
        variant_id,
        location_id,
        safety: new.safety,
        backorder_limit: new.backorder_limit,
        low_at: new.low_at,
    };
    announce(conn, vec![(variant_id, event)], cause)?;
    Ok(new)
}

/// Moves stock apart from orders, and tells of it. Each variant is named once.
pub(crate) fn adjust_all(
    conn: &mut PgConnection,
    changes: &[Change],
    cause: &Cause,
) -> Result<(), StockError> {
    move_all(conn, changes, cause)?;
    let event = |change: &Change| {
        let event = Event::StockAdjusted {
            variant_id: change.variant_id,
            location_id: change.location_id,
            on_hand_delta: change.on_hand,
        };
        (change.variant_id, event)
    };
    announce(conn, changes.iter().map(event).collect(), cause)?;
    Ok(())
}

/// Tells of what was done to levels that are locked, so that their order does not matter any more. Each
/// variant is named once.
fn announce(
    conn: &mut PgConnection,
    events: Vec<(VariantId, Event)>,
    cause: &Cause,
) -> QueryResult<()> {
    let variant_ids = events.iter().map(|(variant, _)| variant.get()).collect();
    let versions: HashMap<i64, i64> = CountEvents { variant_ids }
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let entry = |(variant, event): (VariantId, Event)| {
        let sequence = versions.get(&variant.get())?;
        Some(Entry::new(event, *sequence, cause.actor))
    };
    let entries: Vec<Entry> = events.into_iter().filter_map(entry).collect();
    outbox::write(conn, &entries)
}
