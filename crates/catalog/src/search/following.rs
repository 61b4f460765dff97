//! How the index hears of changes.
//!
//! Events of the log mark products, and whoever finds marked ones writes their documents anew. A mark outlives
//! whoever set it, and a document that is written twice is the same one. So it does not matter which replica does what,
//! or how often.

use std::time::Duration;

use db::outbox::Recorded;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text};
use serde_json::Value;

use crate::editing::CHANGES_CHANNEL;

/// What is announced on [`CHANGES_CHANNEL`] when other documents are to be found.
pub const CHANGED: &str = "search";

/// Products whose documents are written in one transaction: as many as take a fraction of a second.
pub const BATCH: i32 = 200;

/// Documents are written by one at a time, and nobody waits for them as one waits for an answer.
pub(super) const PATIENCE: &str =
    "SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '20s'";

/// How a location is called or ranked is in no document, but whether it is used.
const LOCATION: &str = "location.updated";
/// What the database calls it: all that is there is marked, because to ask what it changes of each takes longer than to
/// write them anew.
const SWITCHED: &str = "location.switched";

/// The events that make documents stale. An order that uses something up marks it itself: `catalog.reserve_stock`.
const KINDS: [&str; 13] = [
    "product.changed",
    "category.updated",
    "category.archived",
    "category.productsChanged",
    "priceList.changed",
    "stock.adjusted",
    "stock.limitsChanged",
    "stock.transferred",
    "hold.created",
    "hold.ended",
    LOCATION,
    "order.statusChanged",
    "order.cancelled",
];

db::statement! {
    struct Mark {
        kinds: Vec<String> => Array<Text>,
        resource_ids: Vec<i64> => Array<BigInt>,
        payloads: Vec<Value> => Array<Jsonb>,
    } -> BigInt = "SELECT catalog.search_mark($1, $2, $3)"
}

db::statement! {
    struct IsStale {} -> Bool =
    // By the index, which remembers that what it had is gone: the table is full of what was there.
    "SELECT (SELECT id FROM catalog.search_stale ORDER BY id LIMIT 1) IS NOT NULL \
         OR EXISTS (SELECT FROM catalog.search_live WHERE changes_at <= statement_timestamp())"
}

db::statement! {
    struct Refresh { most: i32 => Integer } -> Integer = "SELECT catalog.search_refresh($1)"
}

db::statement! {
    /// The first mark that is there was set before all others, or a moment after one that has yet to be seen.
    struct Lag {} -> Nullable<Double> =
    "SELECT extract(epoch FROM clock_timestamp() - least( \
       (SELECT marked_at FROM catalog.search_stale ORDER BY id LIMIT 1), \
       (SELECT changes_at FROM catalog.search_live WHERE changes_at <= clock_timestamp() ORDER BY changes_at LIMIT 1) \
     ))::float8"
}

/// Marks what events make stale, in the caller's transaction, and tells how many products that are.
///
/// # Errors
///
/// Those of the database.
pub fn mark(conn: &mut PgConnection, events: &[Recorded]) -> QueryResult<i64> {
    let says_something = |event: &&Recorded| {
        KINDS.contains(&event.kind.as_str())
            // A release that says nothing of it says so of every change.
            && (event.kind != LOCATION || event.payload.get("isActive") != Some(&Value::Null))
    };
    let events: Vec<&Recorded> = events.iter().filter(says_something).collect();
    if events.is_empty() {
        return Ok(0);
    }
    conn.batch_execute(PATIENCE)?; // an event may be of half of the products
    let kind = |event: &&Recorded| match event.kind.as_str() {
        LOCATION => SWITCHED.to_owned(),
        other => other.to_owned(),
    };
    Mark {
        kinds: events.iter().map(kind).collect(),
        resource_ids: events.iter().map(|event| event.resource_id).collect(),
        payloads: events.iter().map(|event| payload(event)).collect(),
    }
    .get_result(conn)
}

/// What of an event is not in its resource: most of them are orders, which are not sent back to where they came from.
fn payload(event: &Recorded) -> Value {
    match event.kind.as_str() {
        "category.productsChanged" => event.payload.clone(),
        _ => Value::Null,
    }
}

/// Writes documents anew that are marked, or that the clock has changed, and tells all replicas. Returns how many products
/// or marks that were, whichever are more; where they are as many as [`BATCH`], there may be more.
///
/// # Errors
///
/// Those of the database.
pub fn refresh(conn: &mut PgConnection) -> QueryResult<i32> {
    let is_stale: bool = IsStale {}.get_result(conn)?;
    if !is_stale {
        return Ok(0);
    }
    conn.transaction(|conn| {
        conn.batch_execute(PATIENCE)?;
        let refreshed: i32 = Refresh { most: BATCH }.get_result(conn)?;
        if refreshed > 0 {
            db::listen::notify(conn, CHANGES_CHANNEL, CHANGED)?;
        }
        Ok(refreshed)
    })
}

/// How long ago the oldest change became known that cannot be found yet; zero when there is none.
///
/// # Errors
///
/// Those of the database.
pub fn lag(conn: &mut PgConnection) -> QueryResult<Duration> {
    let seconds: Option<f64> = Lag {}.get_result(conn)?;
    let lag = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(lag.unwrap_or_default())
}
