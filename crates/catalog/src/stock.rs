//! Stock levels, and the movements that explain them.
//!
//! Every change is one statement: it locks the levels in order, decides, writes, and leaves a movement
//! for each. A CHECK stands behind it. An `UPDATE` over a join has no order of its own.
//!
//! A variant has a level at the main location from its beginning, and at others once something was
//! written there. Whoever writes any of them holds the one at the main location first: levels of one
//! variant are changed by one at a time, and its events are counted there.
//!
//! - [`move_all`]: what everything else goes through
//! - [`held`]: what an order has of which location
//! - [`holds`]: what is kept for somebody until a moment
//! - [`levels`]: the counters of a variant at each location
//! - [`counting`]: counts, corrections and limits, apart from orders
//! - [`low`]: what is low
//! - [`transferring`]: from locations into others
//! - [`movements`]: what happened to a variant

pub mod counting;
pub mod held;
pub mod holds;
pub mod levels;
pub mod low;
pub mod movements;
pub mod transferring;

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{LocationId, OrderId, UserId, VariantId};

pub(crate) use counting::adjust_all;
pub use counting::{Limits, adjust, set_limits, set_on_hand};
pub use levels::{Level, find_level};

/// Most units a shop may count of one variant; far above any warehouse, far below overflow.
pub const MAX_ON_HAND: i64 = 1_000_000_000_000;

/// Why stock did not move. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    #[error("not enough stock of {} variant(s)", .0.len())]
    Insufficient(Vec<Shortage>),
    #[error("on hand is {actual}, not {expected}")]
    Changed { expected: i64, actual: i64 },
    #[error("a shop counts at most {MAX_ON_HAND} of a variant")]
    TooMany,
    /// There is no such variant, or it is digital or a bundle.
    #[error("variant {0} keeps no stock")]
    NotStocked(VariantId),
    #[error("there is no location {0}")]
    NoLocation(LocationId),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// A variant of which less is available than wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub variant_id: VariantId,
    /// Units that could be had.
    pub available: i64,
}

/// How the counters of a variant are to change at a location, in units.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub variant_id: VariantId,
    pub location_id: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
}

/// Why, for what and by whom stock moves.
#[derive(Clone, Debug)]
pub struct Cause {
    pub reason: &'static str,
    pub order_id: Option<OrderId>,
    /// `None` for the system, and for callers without a token.
    pub actor: Option<UserId>,
    /// What people want to remember of it: a delivery note, who counted.
    pub note: Option<String>,
}

db::statement! {
    /// All or nothing: returns each level's availability before, and whether the stock was moved. The level
    /// at the main location is among those that are locked, whether it is to change or not.
    struct MoveStock {
        variant_ids: Vec<i64> => Array<BigInt>,
        location_ids: Vec<i64> => Array<BigInt>,
        on_hand_deltas: Vec<i64> => Array<BigInt>,
        reserved_deltas: Vec<i64> => Array<BigInt>,
        reason: &'static str => Text,
        order_id: Option<i64> => Nullable<BigInt>,
        actor_id: Option<i64> => Nullable<BigInt>,
        note: Option<String> => Nullable<Text>,
    } -> (BigInt, BigInt, BigInt, Bool, Bool) =
    "WITH wanted AS MATERIALIZED ( \
       SELECT variant_id, location_id, sum(on_hand)::bigint AS on_hand, sum(reserved)::bigint AS reserved \
         FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) \
                UNION ALL SELECT v, 1, 0, 0 FROM unnest($1::bigint[]) AS v) \
              AS w (variant_id, location_id, on_hand, reserved) \
        GROUP BY variant_id, location_id \
     ), locked AS MATERIALIZED ( \
       SELECT s.variant_id, s.location_id, w.on_hand, w.reserved, \
              s.on_hand - s.safety + s.backorder_limit - s.reserved AS available, \
              s.on_hand + w.on_hand >= 0 AND s.reserved + w.reserved >= 0 \
                AND (s.keeps_stock OR w.on_hand <= 0) AND s.on_hand + w.on_hand - s.safety + s.backorder_limit >= s.reserved + w.reserved AS fits \
         FROM wanted w JOIN catalog.stock_levels s ON s.variant_id = w.variant_id AND s.location_id = w.location_id \
        ORDER BY s.variant_id, s.location_id FOR UPDATE OF s \
     ), verdict AS MATERIALIZED ( \
       SELECT count(*) = (SELECT count(*) FROM wanted) AND bool_and(fits) AS ok FROM locked \
     ), moved AS ( \
       UPDATE catalog.stock_levels s \
          SET on_hand = s.on_hand + l.on_hand, reserved = s.reserved + l.reserved \
         FROM locked l, verdict \
        WHERE verdict.ok AND (l.on_hand <> 0 OR l.reserved <> 0) \
          AND s.variant_id = l.variant_id AND s.location_id = l.location_id \
       RETURNING s.variant_id, s.location_id, l.on_hand, l.reserved \
     ), explained AS ( \
       INSERT INTO catalog.stock_movements \
         (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id, actor_id, note) \
       SELECT variant_id, location_id, on_hand, reserved, $5, $6, $7, $8 FROM moved \
     ) \
     SELECT l.variant_id, l.location_id, l.available, l.fits, v.ok FROM locked l, verdict v"
}

/// Moves stock of several variants at several locations, all or none, and in any order: the levels are
/// locked by variant and location. Changes of the same level are summed.
///
/// To be called as late in the transaction as possible: the levels stay locked until it ends.
///
/// # Errors
///
/// [`StockError::Insufficient`] names every variant that falls short, for each location at which it does.
pub fn move_all(
    conn: &mut PgConnection,
    changes: &[Change],
    cause: &Cause,
) -> Result<(), StockError> {
    let statement = MoveStock {
        variant_ids: changes.iter().map(|c| c.variant_id.get()).collect(),
        location_ids: changes.iter().map(|c| c.location_id.get()).collect(),
        on_hand_deltas: changes.iter().map(|c| c.on_hand).collect(),
        reserved_deltas: changes.iter().map(|c| c.reserved).collect(),
        reason: cause.reason,
        order_id: cause.order_id.map(OrderId::get),
        actor_id: cause.actor.map(UserId::get),
        note: cause.note.clone(),
    };
    let levels: Vec<(i64, i64, i64, bool, bool)> = statement.load(conn)?;
    db::faults::point("after_stock_move");
    if changes.is_empty() || levels.iter().any(|(.., ok)| *ok) {
        return Ok(());
    }
    let mut named = HashSet::new();
    let places = changes
        .iter()
        .map(|change| (change.variant_id, change.location_id));
    let shortages =
        places
            .filter(|place| named.insert(*place))
            .filter_map(|(variant_id, location_id)| {
                let is_it = |(variant, location, ..): &&(i64, i64, i64, bool, bool)| {
                    (*variant, *location) == (variant_id.get(), location_id.get())
                };
                match levels.iter().find(is_it) {
                    Some((.., true, _)) => None,
                    Some((_, _, available, false, _)) => Some((variant_id, (*available).max(0))),
                    None => Some((variant_id, 0)),
                }
            });
    Err(StockError::Insufficient(
        shortages
            .map(|(variant_id, available)| Shortage {
                variant_id,
                available,
            })
            .collect(),
    ))
}
