//! Reading the log in an order that never skips.
//!
//! A transaction that took its id early may commit late. So nobody reads beyond the oldest
//! transaction that is still running: what lies below has ended, one way or the other. The price
//! is that a long writing transaction, of any database of the server, holds up what came after it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid};

use super::Position;

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Recorded {
    xid: i64,
    id: i64,
    pub event_id: uuid::Uuid,
    pub kind: String,
    pub resource_type: String,
    pub resource_id: i64,
    pub payload: serde_json::Value,
    pub occurred_at: DateTime<Utc>,
    /// `None` where the release before this one wrote it.
    pub sequence: Option<i64>,
    /// The version of the payload's form.
    pub version: i16,
    pub actor_id: Option<i64>,
    pub request_id: Option<String>,
}

impl Recorded {
    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            xid: self.xid,
            id: self.id,
        }
    }

    /// The name under which the world knows it; the same however often it is delivered.
    #[must_use]
    pub fn public_id(&self) -> String {
        format!("evt_{}", self.event_id.simple())
    }
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    pub events: Vec<Recorded>,
    /// Where to go on.
    pub end: Position,
    /// Whether more may be there already.
    pub has_more: bool,
}

/// How many events of kinds that are not wanted are passed over at a time.
const LOOKED_AT: i64 = 5_000;

type Columns = (
    BigInt,
    BigInt,
    Uuid,
    Text,
    Text,
    BigInt,
    Jsonb,
    Timestamptz,
    Nullable<BigInt>,
    SmallInt,
    Nullable<BigInt>,
    Nullable<Text>,
);

// A bare `xid` in ORDER BY would be the bigint that is selected here, which no index knows.
macro_rules! select_events {
    ($rest:literal) => {
        select_events!("payload", "", $rest)
    };
    ($payload:literal, $also:literal, $rest:literal) => {
        concat!(
            "SELECT xid::text::bigint, id, event_id, kind, resource_type, resource_id, ",
            $payload,
            ", occurred_at, sequence, version, actor_id, request_id",
            $also,
            " ",
            $rest
        )
    };
}

crate::statement! {
    struct ReadAfter { xid: i64 => BigInt, id: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_events!("FROM platform.outbox o \
      WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) \
      ORDER BY o.xid, o.id LIMIT $3")
}

crate::statement! {
    /// The last row that was looked at comes back whatever its kind: it tells how far that was.
    struct ReadKindAfter { xid: i64 => BigInt, id: i64 => BigInt, looked_at: i64 => BigInt, kind: String => Text }
        -> Columns =
    select_events!("FROM ( \
       SELECT *, lead(id) OVER (ORDER BY xid, id) IS NULL AS is_last FROM ( \
         SELECT * FROM platform.outbox \
          WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) \
          ORDER BY xid, id LIMIT $3) looked_at) o \
      WHERE kind = $4 OR is_last ORDER BY o.xid, o.id")
}

crate::statement! {
    /// As above: the last row comes back whatever its kind. And the number of each among those that were looked at.
    struct ReadOthersAfter {
        xid: i64 => BigInt,
        id: i64 => BigInt,
        looked_at: i64 => BigInt,
        kinds: Vec<String> => Array<Text>,
        limit: i64 => BigInt,
        with_payloads: bool => Bool,
    } -> (Columns, BigInt) =
    select_events!("CASE WHEN $6 THEN payload ELSE 'null' END", ", number", "FROM ( \
       SELECT *, lead(id) OVER w IS NULL AS is_last, row_number() OVER w AS number FROM ( \
         SELECT * FROM platform.outbox \
          WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) \
          ORDER BY xid, id LIMIT $3) looked_at WINDOW w AS (ORDER BY xid, id)) o \
      WHERE kind <> ALL ($4) OR is_last ORDER BY o.xid, o.id LIMIT $5")
}

crate::statement! {
    /// The planted bug `id_polling`: ids are given out in another order than transactions commit.
    struct ReadById { id: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_events!("FROM platform.outbox o WHERE id > $1 ORDER BY o.id LIMIT $2")
}

/// Reads the next events after a position, at most `limit`.
///
/// # Errors
///
/// Those of the database.
pub fn read(conn: &mut PgConnection, after: Position, limit: i64) -> QueryResult<Vec<Recorded>> {
    if crate::faults::mutant("id_polling") {
        return ReadById {
            id: after.id,
            limit,
        }
        .load(conn);
    }
    ReadAfter {
        xid: after.xid,
        id: after.id,
        limit,
    }
    .load(conn)
}

/// Which events are wanted of the log.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'k> {
    /// Kinds that are passed over, up to 5,000 events at a time.
    pub passes_over: &'k [&'k str],
    /// Whether with what they say; those without have a payload of null, and take a tenth of the memory.
    pub with_payloads: bool,
    /// Most events that are read.
    pub limit: i64,
}

/// Reads the next events after a position that are wanted. Where kinds are passed over, the last one that was looked at comes back whatever
/// its kind: it tells how far that was.
///
/// # Errors
///
/// Those of the database.
pub fn read_wanted(
    conn: &mut PgConnection,
    after: Position,
    wanted: Wanted<'_>,
) -> QueryResult<Slice> {
    let Wanted {
        passes_over,
        with_payloads,
        limit,
    } = wanted;
    let numbered: Vec<(Recorded, i64)> = if passes_over.is_empty() && with_payloads {
        (1..)
            .zip(read(conn, after, limit)?)
            .map(|(number, event)| (event, number))
            .collect()
    } else {
        ReadOthersAfter {
            xid: after.xid,
            id: after.id,
            looked_at: LOOKED_AT,
            kinds: passes_over.iter().map(ToString::to_string).collect(),
            limit,
            with_payloads,
        }
        .load(conn)?
    };
    let looked_at = numbered.last().map_or(0, |(_, number)| *number);
    let events: Vec<Recorded> = numbered.into_iter().map(|(event, _)| event).collect();
    let is_full = i64::try_from(events.len()).is_ok_and(|read| read >= limit);
    Ok(Slice {
        end: events.last().map_or(after, Recorded::position),
        has_more: is_full || looked_at >= LOOKED_AT,
        events,
    })
}

crate::statement! {
    struct IsLost { xid: i64 => BigInt, id: i64 => BigInt } -> Bool =
    "SELECT $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()) \
         OR EXISTS (SELECT FROM platform.outbox_start s WHERE (s.xid, s.id) > ($1::text::xid8, $2))"
}

/// Whether events behind this position were pruned before they could be read, or the position is
/// one of another server's log.
///
/// # Errors
///
/// Those of the database.
pub fn is_lost(conn: &mut PgConnection, after: Position) -> QueryResult<bool> {
    IsLost {
        xid: after.xid,
        id: after.id,
    }
    .get_result(conn)
}

crate::statement! {
    struct FindStart {} -> (BigInt, BigInt) =
    "SELECT xid::text::bigint, id FROM platform.outbox_start"
}

/// Where the log begins: before the oldest event that is kept.
///
/// # Errors
///
/// Those of the database.
pub fn start(conn: &mut PgConnection) -> QueryResult<Position> {
    let (xid, id) = FindStart {}.get_result(conn)?;
    Ok(Position { xid, id })
}

/// Reads a page of the log, of all kinds or of one.
///
/// A page of one kind may be short, or empty, although there is more: then it ends where the
/// search did.
///
/// # Errors
///
/// Those of the database.
pub fn page(
    conn: &mut PgConnection,
    after: Position,
    kind: Option<&str>,
    limit: i64,
) -> QueryResult<Slice> {
    let mut events = match kind {
        None => read(conn, after, limit + 1)?,
        Some(kind) => ReadKindAfter {
            xid: after.xid,
            id: after.id,
            looked_at: LOOKED_AT,
            kind: kind.to_owned(),
        }
        .load(conn)?,
    };
    let end = events.last().map_or(after, Recorded::position);
    if let Some(kind) = kind {
        events.retain(|event| event.kind == kind);
    }
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    if events.len() > wanted {
        events.truncate(wanted);
        let end = events.last().map_or(after, Recorded::position);
        return Ok(Slice {
            events,
            end,
            has_more: true,
        });
    }
    let has_more = kind.is_some() && !read(conn, end, 1)?.is_empty();
    Ok(Slice {
        events,
        end,
        has_more,
    })
}
