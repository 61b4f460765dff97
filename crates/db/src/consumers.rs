//! Who reads the log of events, and how far each has come.
//!
//! A consumer is a name and a [`Position`]. Whoever handles events for it claims its lease, reads
//! what comes next, does what is to be done, and advances the position; all of it is fenced by an
//! epoch, so that a holder that was frozen or cut off cannot undo what its successor did.
//!
//! - [`advance`]: the effect was elsewhere, before: at least once
//! - [`advance_with`]: the effect is in this database, in the same transaction: exactly once
//! - [`fail`]: it did not work; it is tried again, later and later, and nothing is skipped

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};

use crate::outbox::{Position, Recorded};

/// Where a consumer begins that nobody knows yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event there is.
    Beginning,
    /// With what commits from now on.
    End,
}

/// The right to handle a consumer's next events, for a while.
#[derive(Debug)]
pub struct Lease {
    consumer: String,
    epoch: i64,
    /// Where its events begin.
    pub position: Position,
    /// Failures in a row at this position.
    pub failures: i32,
}

/// Why a position did not move.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Somebody else has claimed the consumer since.
    #[error("the lease was lost")]
    Fenced,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

crate::statement! {
    struct Register { name: String => Text, at_the_end: bool => Bool } -> BigInt =
    "INSERT INTO platform.consumers (name, xid, id) \
     VALUES ($1, CASE WHEN $2 THEN pg_snapshot_xmin(pg_current_snapshot()) ELSE '0'::xid8 END, 0) \
     ON CONFLICT (name) DO NOTHING"
}

crate::statement! {
    /// Writes nothing while there is nothing to do.
    struct Claim { name: String => Text, milliseconds: i64 => BigInt } -> (BigInt, BigInt, BigInt, Integer) =
    "WITH due AS MATERIALIZED ( \
       SELECT c.name FROM platform.consumers c \
        WHERE c.name = $1 AND c.lease_until <= clock_timestamp() AND c.retry_at <= clock_timestamp() \
          AND EXISTS (SELECT FROM platform.outbox o WHERE (o.xid, o.id) > (c.xid, c.id) \
                         AND o.xid < pg_snapshot_xmin(pg_current_snapshot())) \
          FOR UPDATE OF c SKIP LOCKED) \
     UPDATE platform.consumers c \
        SET epoch = c.epoch + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond' \
       FROM due WHERE c.name = due.name \
     RETURNING c.epoch, c.xid::text::bigint, c.id, c.failures"
}

crate::statement! {
    struct Advance {
        name: String => Text,
        epoch: i64 => BigInt,
        xid: i64 => BigInt,
        id: i64 => BigInt,
        handled: i64 => BigInt,
    } -> BigInt =
    "UPDATE platform.consumers SET xid = $3::text::xid8, id = $4, handled = handled + $5, \
            lease_until = '-infinity', failures = 0, failing_since = NULL, last_error = NULL \
      WHERE name = $1 AND epoch = $2"
}

crate::statement! {
    struct Fail { name: String => Text, epoch: i64 => BigInt, error: String => Text } -> BigInt =
    "UPDATE platform.consumers SET lease_until = '-infinity', failures = failures + 1, \
            failing_since = coalesce(failing_since, now()), last_error = left($3, 1000), \
            retry_at = clock_timestamp() + power(2, least(failures, 6)) * interval '1 second' \
      WHERE name = $1 AND epoch = $2"
}

crate::statement! {
    struct Release { name: String => Text, epoch: i64 => BigInt } -> BigInt =
    "UPDATE platform.consumers SET lease_until = '-infinity' WHERE name = $1 AND epoch = $2"
}

/// Makes a consumer known. One that is known stays where it is.
///
/// # Errors
///
/// Those of the database.
pub fn register(conn: &mut PgConnection, name: &str, start: Start) -> QueryResult<()> {
    let statement = Register {
        name: name.to_owned(),
        at_the_end: start == Start::End,
    };
    statement.execute(conn).map(|_| ())
}

/// Claims a consumer for whom there is something to do, and whom nobody else holds.
///
/// # Errors
///
/// Those of the database.
pub fn claim(conn: &mut PgConnection, name: &str, lease: Duration) -> QueryResult<Option<Lease>> {
    let statement = Claim {
        name: name.to_owned(),
        milliseconds: i64::try_from(lease.as_millis()).unwrap_or(i64::MAX),
    };
    let claimed: Option<(i64, i64, i64, i32)> = statement.get_result(conn).optional()?;
    Ok(claimed.map(|(epoch, xid, id, failures)| Lease {
        consumer: name.to_owned(),
        epoch,
        position: Position { xid, id },
        failures,
    }))
}

/// Says that `events`, the next ones of this lease, have been handled, and gives the lease back.
///
/// # Errors
///
/// [`AdvanceError::Fenced`] when the lease was lost: then they are handled again by somebody else.
pub fn advance(
    conn: &mut PgConnection,
    lease: &Lease,
    events: &[Recorded],
) -> Result<(), AdvanceError> {
    let to = events.last().map_or(lease.position, Recorded::position);
    let statement = Advance {
        name: lease.consumer.clone(),
        epoch: lease.epoch,
        xid: to.xid,
        id: to.id,
        handled: i64::try_from(events.len()).unwrap_or(i64::MAX),
    };
    crate::faults::point("before_position_advance");
    match statement.execute(conn)? {
        0 => Err(AdvanceError::Fenced),
        _ => Ok(()),
    }
}

/// Handles `events` with an effect in this database, and advances in the same transaction: the
/// effect is there exactly once, whoever dies or freezes when.
///
/// # Errors
///
/// Those of `effect`, and [`AdvanceError`]; nothing was written then.
pub fn advance_with<E>(
    conn: &mut PgConnection,
    lease: &Lease,
    events: &[Recorded],
    effect: impl FnOnce(&mut PgConnection, &[Recorded]) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<AdvanceError> + From<diesel::result::Error>,
{
    conn.transaction(|conn| {
        // First, so that the row stays locked: nobody can claim it until this is decided.
        advance(conn, lease, events)?;
        effect(conn, events)
    })
}

/// Says that the next event could not be handled, and why. It is tried again after 1, 2, 4 …
/// and at last every 64 seconds.
///
/// # Errors
///
/// Those of the database; that the lease was lost is none.
pub fn fail(conn: &mut PgConnection, lease: &Lease, error: &str) -> QueryResult<()> {
    let statement = Fail {
        name: lease.consumer.clone(),
        epoch: lease.epoch,
        error: error.replace('\0', ""), // Postgres has no such character
    };
    statement.execute(conn).map(|_| ())
}

/// Gives a lease back unused.
///
/// # Errors
///
/// Those of the database; that the lease was lost is none.
pub fn release(conn: &mut PgConnection, lease: &Lease) -> QueryResult<()> {
    let statement = Release {
        name: lease.consumer.clone(),
        epoch: lease.epoch,
    };
    statement.execute(conn).map(|_| ())
}

crate::statement! {
    struct Rewind { name: String => Text } -> BigInt =
    "UPDATE platform.consumers SET xid = '0', id = 0, epoch = epoch + 1, lease_until = '-infinity', retry_at = '-infinity', \
            failures = 0, failing_since = NULL, last_error = NULL WHERE name = $1"
}

/// Has a consumer handle all events again that there are, in the caller's transaction; whoever has its lease loses it. For an effect that
/// is taken back in the same transaction.
///
/// # Errors
///
/// Those of the database.
pub fn rewind(conn: &mut PgConnection, name: &str) -> QueryResult<()> {
    let name = name.to_owned();
    Rewind { name }.execute(conn).map(|_| ())
}

/// How a consumer is doing.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Standing {
    pub name: String,
    /// Events that wait for it, counted up to 10,000.
    pub waiting: i64,
    /// Seconds since the oldest of them occurred.
    pub oldest_seconds: Option<f64>,
    pub handled: i64,
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

crate::statement! {
    struct ListStandings {}
        -> (Text, BigInt, Nullable<Double>, BigInt, Integer, Nullable<Timestamptz>, Nullable<Text>) =
    "SELECT c.name, \
            (SELECT count(*) FROM (SELECT FROM platform.outbox o WHERE (o.xid, o.id) > (c.xid, c.id) \
                LIMIT 10000) w), \
            (SELECT extract(epoch FROM clock_timestamp() - o.occurred_at)::float8 FROM platform.outbox o \
               WHERE (o.xid, o.id) > (c.xid, c.id) ORDER BY o.xid, o.id LIMIT 1), \
            c.handled, c.failures, c.failing_since, c.last_error \
       FROM platform.consumers c ORDER BY c.name"
}

/// Lists all consumers and how they are doing.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection) -> QueryResult<Vec<Standing>> {
    ListStandings {}.load(conn)
}
