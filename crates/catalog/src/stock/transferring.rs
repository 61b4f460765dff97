//! Stock is put from locations into others: at once, all lines or none.
//!
//! What is reserved or kept back stays where it is, so no order is left without its units.

mod checking;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::{Event, LocationId, Sku, StockTransferId, UserId, VariantId};

pub use checking::variants_of;

/// Most lines of one transfer.
pub const MAX_LINES: usize = 1_000;

/// How a line names what it moves.
#[derive(Clone, Debug)]
pub enum Moved {
    Variant(VariantId),
    Sku(Sku),
}

/// What is to be moved.
#[derive(Clone, Debug)]
pub struct NewLine {
    pub moved: Moved,
    /// Units, 1 to [`MAX_ON_HAND`](super::MAX_ON_HAND).
    pub quantity: i64,
    pub from: LocationId,
    /// Another one than `from`.
    pub to: LocationId,
}

/// What was moved.
#[derive(Clone, Debug, Queryable)]
pub struct Line {
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    pub sku: String,
    pub quantity: i64,
    #[diesel(deserialize_as = i64)]
    pub from: LocationId,
    #[diesel(deserialize_as = i64)]
    pub to: LocationId,
}

/// Stock that was put from locations into others, in one step.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub id: StockTransferId,
    pub note: Option<String>,
    pub actor_id: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub lines: Vec<Line>,
}

/// Why nothing was moved. Lines are counted from 0.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("line {0} names no variant")]
    UnknownVariant(usize),
    #[error("line {0} names a variant without stock of its own")]
    NotStocked(usize),
    #[error("line {line} names a location that does not exist, {location}")]
    UnknownLocation { line: usize, location: LocationId },
    /// Lines that ask for more than is free, and how much that is.
    #[error("{} line(s) ask for more than is free", .0.len())]
    Insufficient(Vec<(usize, i64)>),
    #[error("line {0} would leave more than a shop counts")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct InsertTransfer { note: Option<String> => Nullable<Text>, actor_id: Option<i64> => Nullable<BigInt> } -> BigInt =
    "INSERT INTO catalog.stock_transfers (note, actor_id) VALUES ($1, $2) RETURNING id"
}

db::statement! {
    /// The levels are there and locked. Each line leaves two movements, one after the other.
    struct Move {
        variant_ids: Vec<i64> => Array<BigInt>,
        from: Vec<i64> => Array<BigInt>,
        to: Vec<i64> => Array<BigInt>,
        quantities: Vec<i64> => Array<BigInt>,
        transfer_id: i64 => BigInt,
        note: Option<String> => Nullable<Text>,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "WITH steps AS MATERIALIZED ( \
       SELECT l.variant_id, s.location_id, s.delta, s.reason, l.position \
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY \
              AS l (variant_id, origin, target, quantity, position) \
        CROSS JOIN LATERAL (VALUES (origin, -quantity, 'transfer_out'), (target, quantity, 'transfer_in')) \
              AS s (location_id, delta, reason) \
     ), moved AS ( \
       UPDATE catalog.stock_levels s SET on_hand = s.on_hand + d.delta \
         FROM (SELECT variant_id, location_id, sum(delta)::bigint AS delta FROM steps GROUP BY variant_id, location_id) d \
        WHERE d.delta <> 0 AND s.variant_id = d.variant_id AND s.location_id = d.location_id \
     ) INSERT INTO catalog.stock_movements \
         (variant_id, location_id, on_hand_delta, reserved_delta, reason, transfer_id, note, actor_id) \
       SELECT variant_id, location_id, delta, 0, reason, $5, $6, $7 FROM steps ORDER BY position, delta RETURNING id"
}

db::statement! {
    /// The events of a variant are counted at its main location.
    struct CountEvents { variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.stock_levels s SET version = s.version + v.events \
       FROM (SELECT variant_id, count(*) AS events FROM unnest($1::bigint[]) AS variant_id GROUP BY variant_id) v \
      WHERE s.variant_id = v.variant_id AND s.location_id = 1 RETURNING s.variant_id, s.version - v.events"
}

db::statement! {
    struct FindTransfer { id: i64 => BigInt } -> (BigInt, Nullable<Text>, Nullable<BigInt>, Timestamptz) =
    "SELECT id, note, actor_id, created_at FROM catalog.stock_transfers WHERE id = $1"
}

db::statement! {
    /// What came in follows what went out.
    struct ListLines { id: i64 => BigInt } -> (BigInt, Text, BigInt, BigInt, BigInt) =
    "SELECT o.variant_id, v.sku, -o.on_hand_delta, o.location_id, i.location_id \
       FROM catalog.stock_movements o JOIN catalog.variants v ON v.id = o.variant_id \
      CROSS JOIN LATERAL (SELECT location_id FROM catalog.stock_movements \
             WHERE transfer_id = $1 AND id > o.id ORDER BY id LIMIT 1) i \
      WHERE o.transfer_id = $1 AND o.reason = 'transfer_out' ORDER BY o.id"
}

/// Moves stock between locations, all lines or none, and returns the transfer's id. To be called in a transaction.
///
/// # Errors
///
/// [`TransferError`]; the transaction is to be rolled back.
pub fn transfer(
    conn: &mut PgConnection,
    lines: &[NewLine],
    note: Option<String>,
    actor: Option<UserId>,
) -> Result<StockTransferId, TransferError> {
    let variant_ids = checking::lock(conn, lines)?;
    let actor_id = actor.map(UserId::get);
    let insert = InsertTransfer {
        note: note.clone(),
        actor_id,
    };
    let id: i64 = insert.get_result(conn)?;
    let id = StockTransferId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    Move {
        variant_ids: variant_ids.iter().map(|id| id.get()).collect(),
        from: lines.iter().map(|line| line.from.get()).collect(),
        to: lines.iter().map(|line| line.to.get()).collect(),
        quantities: lines.iter().map(|line| line.quantity).collect(),
        transfer_id: id.get(),
        note,
        actor_id,
    }
    .execute(conn)?;
    announce(conn, id, &variant_ids, lines, actor)?;
    Ok(id)
}

/// Tells of each line, in their order.
fn announce(
    conn: &mut PgConnection,
    transfer_id: StockTransferId,
    variant_ids: &[VariantId],
    lines: &[NewLine],
    actor: Option<UserId>,
) -> QueryResult<()> {
    let count = CountEvents {
        variant_ids: variant_ids.iter().map(|id| id.get()).collect(),
    };
    let mut last: HashMap<i64, i64> = count.load::<(i64, i64)>(conn)?.into_iter().collect();
    let mut entry = |(variant_id, line): (&VariantId, &NewLine)| {
        let sequence = last.get_mut(&variant_id.get())?;
        *sequence += 1;
        let event = Event::StockTransferred {
            variant_id: *variant_id,
            transfer_id,
            quantity: line.quantity,
            from_location_id: line.from,
            to_location_id: line.to,
        };
        Some(Entry::new(event, *sequence, actor))
    };
    let entries: Vec<Entry> = variant_ids
        .iter()
        .zip(lines)
        .filter_map(&mut entry)
        .collect();
    outbox::write(conn, &entries)
}

/// Finds a transfer, with its lines as they were sent.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: StockTransferId) -> QueryResult<Option<Transfer>> {
    type Row = (i64, Option<String>, Option<i64>, DateTime<Utc>);
    let found: Option<Row> = FindTransfer { id: id.get() }.get_result(conn).optional()?;
    let Some((_, note, actor_id, created_at)) = found else {
        return Ok(None);
    };
    let lines = ListLines { id: id.get() }.load(conn)?;
    Ok(Some(Transfer {
        id,
        note,
        actor_id,
        created_at,
        lines,
    }))
}
