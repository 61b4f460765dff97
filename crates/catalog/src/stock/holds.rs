//! Stock that is kept for somebody until a moment: a quotation, an order by telephone.
//!
//! What a hold keeps counts as reserved. A hold that has expired keeps nothing: whoever needs stock takes its
//! units back at once ([`catalog.grant_stock`]), and a schedule sweeps up the rest. Its lines are written by whoever
//! holds the levels of their variants at the main location, and its own row after these.
//!
//! [`catalog.grant_stock`]: ../../../migrations/2026-11-25-000020_take_stock_from_locations/up.sql

mod reading;

use std::collections::{BTreeMap, HashMap};

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use domain::{Event, OrderId, StockHoldId, UserId, VariantId};

use super::Shortage;
pub use reading::{Hold, Line, Outcome, find, list, list_expired};

/// Most variants of one hold.
pub const MAX_LINES: usize = 1_000;
/// How long a hold lasts where nobody says, in seconds.
pub const DEFAULT_SECONDS: i32 = 900;
/// The longest time a hold can be asked for, in seconds: a week.
pub const MAX_SECONDS: i32 = 7 * 24 * 60 * 60;

/// Why nothing was held, or a hold did not change. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("there is no such hold")]
    NotFound,
    /// It was released, has expired or became an order.
    #[error("the hold is over")]
    Over,
    #[error("not enough stock of {} variant(s)", .0.len())]
    Insufficient(Vec<Shortage>),
    /// It is digital: there is nothing to keep.
    #[error("variant {0} keeps no stock")]
    NotStocked(VariantId),
    #[error(transparent)]
    Db(#[from] DieselError),
}

db::statement! {
    /// Locks the stock, as orders do; what falls short, and how much of it there is.
    struct Grant { ones: Vec<i32> => Array<Integer>, variant_ids: Vec<i64> => Array<BigInt>, quantities: Vec<i64> => Array<BigInt> }
        -> (Array<BigInt>, Array<BigInt>) =
    "SELECT short_variants, short_available FROM catalog.grant_stock($1, $2, $3)"
}

db::statement! {
    /// What lines come to in units: of a bundle those of its parts. No row for what has none.
    struct ExpandLines { variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt, BigInt) =
    "SELECT w.id, coalesce(b.part_id, w.id), coalesce(b.quantity, 1) \
       FROM (SELECT DISTINCT unnest($1::bigint[])) AS w (id) \
       LEFT JOIN catalog.bundle_parts b ON b.bundle_id = w.id \
       LEFT JOIN catalog.variants v ON v.id = coalesce(b.part_id, w.id) WHERE v.kind = 'physical' \
      ORDER BY w.id, b.position"
}

db::statement! {
    struct InsertHold { seconds: i32 => Integer, note: Option<String> => Nullable<Text>, actor_id: Option<i64> => Nullable<BigInt> }
        -> BigInt =
    "INSERT INTO catalog.stock_holds (expires_at, note, actor_id) \
     VALUES (clock_timestamp() + make_interval(secs => $1), $2, $3) RETURNING id"
}

db::statement! {
    struct HoldStock {
        id: i64 => BigInt,
        actor_id: Option<i64> => Nullable<BigInt>,
        variant_ids: Vec<i64> => Array<BigInt>,
        quantities: Vec<i64> => Array<BigInt>,
    } -> Bool =
    "SELECT catalog.hold_stock($1, $2, $3, $4) IS NOT NULL"
}

db::statement! {
    struct LockVariants { id: i64 => BigInt, also: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT s.variant_id \
       FROM (SELECT variant_id FROM catalog.stock_hold_lines WHERE hold_id = $1 UNION SELECT unnest($2::bigint[])) AS w (variant_id) \
       JOIN catalog.stock_levels s ON s.variant_id = w.variant_id AND s.location_id = 1 \
      ORDER BY s.variant_id FOR UPDATE OF s"
}

db::statement! {
    /// Whether it holds, by the clock and now that it is locked.
    struct LockHold { id: i64 => BigInt } -> (Bool, Bool) =
    "SELECT ended_at IS NULL, expires_at > clock_timestamp() FROM catalog.stock_holds WHERE id = $1 FOR UPDATE"
}

db::statement! {
    struct Refresh { id: i64 => BigInt, seconds: i32 => Integer } -> BigInt =
    "UPDATE catalog.stock_holds SET expires_at = clock_timestamp() + make_interval(secs => $2), version = version + 1 \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    struct Release { id: i64 => BigInt, variant_ids: Vec<i64> => Array<BigInt>, why: &'static str => Text, actor_id: Option<i64> => Nullable<BigInt> }
        -> Bool =
    "SELECT catalog.release_holds(ARRAY[$1], $2, $3, $4) IS NOT NULL"
}

db::statement! {
    struct ReleaseExpired { variant_ids: Vec<i64> => Array<BigInt> } -> Bool =
    "SELECT catalog.release_expired_holds($1)"
}

db::statement! {
    struct End { id: i64 => BigInt, outcome: &'static str => Text } -> BigInt =
    "UPDATE catalog.stock_holds SET ended_at = now(), outcome = $2, version = version + 1 WHERE id = $1 RETURNING version"
}

db::statement! {
    struct NoteOrder { id: i64 => BigInt, order_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.stock_holds SET order_id = $2 WHERE id = $1 RETURNING id"
}

/// Keeps units of variants until so many seconds from now, all or none, and returns the hold's id. Units of the
/// same variant are summed; of bundles those of their parts are kept. To be called in a transaction.
///
/// # Errors
///
/// [`HoldError::Insufficient`] names every variant that falls short, and [`HoldError::NotStocked`] one that cannot.
pub fn create(
    conn: &mut PgConnection,
    lines: &[(VariantId, i64)],
    seconds: i32,
    note: Option<String>,
    actor: Option<UserId>,
) -> Result<StockHoldId, HoldError> {
    let parts = expand(conn, lines)?;
    let (mut variant_ids, mut quantities) = (Vec::new(), Vec::new());
    for (variant, units) in lines {
        for (part, quantity) in parts.get(variant).into_iter().flatten() {
            variant_ids.push(*part);
            quantities.push(units.saturating_mul(*quantity));
        }
    }
    let grant = Grant {
        ones: vec![1; variant_ids.len()],
        variant_ids: variant_ids.clone(),
        quantities: quantities.clone(),
    };
    let (short, available): (Vec<i64>, Vec<i64>) = grant.get_result(conn)?;
    if !short.is_empty() {
        let short: HashMap<i64, i64> = short.into_iter().zip(available).collect();
        return Err(HoldError::Insufficient(shortages(&parts, &short)));
    }
    let actor_id = actor.map(UserId::get);
    let insert = InsertHold {
        seconds,
        note,
        actor_id,
    };
    let id: i64 = insert.get_result(conn)?;
    HoldStock {
        id,
        actor_id,
        variant_ids,
        quantities,
    }
    .execute(conn)?;
    let id = StockHoldId::try_from(id)
        .map_err(|error| DieselError::DeserializationError(error.into()))?;
    tell(conn, Event::HoldCreated { hold_id: id }, 1, actor)?;
    Ok(id)
}

/// The variants of the lines, each with what is taken for one unit of it: how many of which variants.
fn expand(
    conn: &mut PgConnection,
    lines: &[(VariantId, i64)],
) -> Result<BTreeMap<VariantId, Vec<(i64, i64)>>, HoldError> {
    let expand = ExpandLines {
        variant_ids: lines.iter().map(|(id, _)| id.get()).collect(),
    };
    let mut parts = BTreeMap::<VariantId, Vec<(i64, i64)>>::new();
    for (of, part, quantity) in expand.load::<(i64, i64, i64)>(conn)? {
        let of = VariantId::try_from(of)
            .map_err(|error| DieselError::DeserializationError(error.into()))?;
        parts.entry(of).or_default().push((part, quantity));
    }
    match lines.iter().find(|(id, _)| !parts.contains_key(id)) {
        Some((id, _)) => Err(HoldError::NotStocked(*id)),
        None => Ok(parts),
    }
}

/// Named by the variants of the lines: of a bundle as many are available as its scarcest part makes.
fn shortages(
    parts: &BTreeMap<VariantId, Vec<(i64, i64)>>,
    short: &HashMap<i64, i64>,
) -> Vec<Shortage> {
    let shortage = |(of, parts): (&VariantId, &Vec<(i64, i64)>)| {
        let left = |(part, quantity): &(i64, i64)| Some(short.get(part)? / quantity);
        Some(Shortage {
            variant_id: *of,
            available: parts.iter().filter_map(left).min()?,
        })
    };
    parts.iter().filter_map(shortage).collect()
}

/// Keeps what a hold keeps until so many seconds from now.
///
/// # Errors
///
/// [`HoldError::NotFound`], [`HoldError::Over`].
pub fn refresh(
    conn: &mut PgConnection,
    id: StockHoldId,
    seconds: i32,
    actor: Option<UserId>,
) -> Result<(), HoldError> {
    let locked = lock(conn, id, &[])?;
    if !locked.holds() {
        return Err(HoldError::Over);
    }
    let refresh = Refresh {
        id: id.get(),
        seconds,
    };
    let version = refresh.get_result(conn)?;
    Ok(tell(
        conn,
        Event::HoldRefreshed { hold_id: id },
        version,
        actor,
    )?)
}

/// A hold whose row and stock are locked until the transaction ends.
#[derive(Debug)]
pub struct Locked {
    id: StockHoldId,
    variant_ids: Vec<i64>,
    is_open: bool,
    is_in_time: bool,
}

impl Locked {
    /// Whether it keeps something.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.is_open && self.is_in_time
    }

    /// Whether nobody has ended it yet, also where it is too late.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }
}

/// Locks a hold: its stock first, together with that of other variants that the transaction will need.
///
/// # Errors
///
/// [`HoldError::NotFound`].
pub fn lock(
    conn: &mut PgConnection,
    id: StockHoldId,
    also: &[VariantId],
) -> Result<Locked, HoldError> {
    let variants = LockVariants {
        id: id.get(),
        also: also.iter().map(|id| id.get()).collect(),
    };
    let variant_ids = variants.load(conn)?;
    let found: Option<(bool, bool)> = LockHold { id: id.get() }.get_result(conn).optional()?;
    let (is_open, is_in_time) = found.ok_or(HoldError::NotFound)?;
    Ok(Locked {
        id,
        variant_ids,
        is_open,
        is_in_time,
    })
}

/// Ends an open hold and gives back what it still keeps.
///
/// # Errors
///
/// Those of the database.
pub fn end(
    conn: &mut PgConnection,
    locked: &Locked,
    outcome: Outcome,
    actor: Option<UserId>,
) -> QueryResult<()> {
    Release {
        id: locked.id.get(),
        variant_ids: locked.variant_ids.clone(),
        why: outcome.reason(),
        actor_id: actor.map(UserId::get),
    }
    .execute(conn)?;
    let end = End {
        id: locked.id.get(),
        outcome: outcome.code(),
    };
    let version = end.get_result(conn)?;
    let event = Event::HoldEnded {
        hold_id: locked.id,
        outcome: outcome.code(),
    };
    tell(conn, event, version, actor)
}

/// Remembers the order that a hold became.
///
/// # Errors
///
/// Those of the database.
pub fn note_order(conn: &mut PgConnection, locked: &Locked, order: OrderId) -> QueryResult<()> {
    NoteOrder {
        id: locked.id.get(),
        order_id: order.get(),
    }
    .execute(conn)
    .map(drop)
}

/// Ends a hold that has expired; `false` when it holds again, or is over already.
///
/// # Errors
///
/// Those of the database.
pub fn sweep(conn: &mut PgConnection, id: StockHoldId) -> Result<bool, HoldError> {
    let locked = lock(conn, id, &[])?;
    if !locked.is_open || locked.is_in_time {
        return Ok(false);
    }
    end(conn, &locked, Outcome::Expired, None)?;
    Ok(true)
}

/// Gives back what expired holds still keep of variants whose levels at the main location are locked, and tells
/// whether that was anything.
pub(crate) fn release_expired(conn: &mut PgConnection, variant_ids: Vec<i64>) -> QueryResult<bool> {
    ReleaseExpired { variant_ids }.get_result(conn)
}

fn tell(
    conn: &mut PgConnection,
    event: Event,
    version: i64,
    actor: Option<UserId>,
) -> QueryResult<()> {
    outbox::write(conn, &[Entry::new(event, version, actor)])
}
