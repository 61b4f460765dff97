//! Events, written in the transaction of the change they tell of.
//!
//! A change and its event commit together or not at all. What is written here is a log: no row is
//! ever updated, and whoever reads keeps its own [`Position`]; see [`consumers`](crate::consumers).
//!
//! - [`write`]: what writers call
//! - [`log`]: reading in an order that never skips
//! - [`upkeep`]: forgetting old events, and adopting a log from another server

pub mod log;
mod position;
pub mod upkeep;

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid};
use domain::{Event, UserId};

pub use log::Recorded;
pub use position::{InvalidPosition, Position};
pub use upkeep::prune;

use crate::request;

/// An event, and what the log tells beside it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub event: Event,
    /// Which of its resource's events this is, from 1. It comes from a version that the writer
    /// raised under the resource's lock, in a statement before; the log has them in this order.
    pub sequence: i64,
    /// The user who caused it; `None` for the system, and for callers without a token.
    pub actor: Option<UserId>,
    /// The request that caused it, where there was one.
    pub request_id: Option<Arc<str>>,
}

impl Entry {
    /// Tells of an event that the current request caused.
    #[must_use]
    pub fn new(event: Event, sequence: i64, actor: Option<UserId>) -> Self {
        Self {
            event,
            sequence,
            actor,
            request_id: request::current().map(|request| request.id),
        }
    }
}

crate::statement! {
    /// Writes one row per event, behind the one its resource had last.
    ///
    /// A transaction has its id since its first write, which may be long before it locks this
    /// resource: somebody with a greater id may have written an event of it meanwhile. Then the
    /// new one takes a place in that transaction instead, where ids, given out under the lock, keep
    /// them in order. Nobody has read that far: while this transaction runs, readers stay below
    /// its own id.
    struct InsertEvents {
        event_ids: Vec<uuid::Uuid> => Array<Uuid>,
        kinds: Vec<&'static str> => Array<Text>,
        resource_types: Vec<&'static str> => Array<Text>,
        resource_ids: Vec<i64> => Array<BigInt>,
        payloads: Vec<serde_json::Value> => Array<Jsonb>,
        sequences: Vec<i64> => Array<BigInt>,
        actor_ids: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        request_ids: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> BigInt =
    "INSERT INTO platform.outbox \
       (event_id, kind, resource_type, resource_id, payload, sequence, actor_id, request_id, xid) \
     SELECT e.*, greatest(pg_current_xact_id(), \
              (SELECT o.xid FROM platform.outbox o \
                WHERE o.resource_type = e.resource_type AND o.resource_id = e.resource_id \
                  AND o.sequence < e.sequence ORDER BY o.sequence DESC LIMIT 1)) \
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[], \
                   $6::bigint[], $7::bigint[], $8::text[]) \
         AS e (event_id, kind, resource_type, resource_id, payload, sequence, actor_id, request_id)"
}

/// Writes events in the caller's transaction, in the order given.
///
/// # Errors
///
/// Those of the database; an event that does not serialise is [`diesel::result::Error::SerializationError`].
pub fn write(conn: &mut PgConnection, entries: &[Entry]) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let events = || entries.iter().map(|entry| &entry.event);
    let payloads = events()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let request_id = |entry: &Entry| entry.request_id.as_deref().map(str::to_owned);
    let insert = InsertEvents {
        event_ids: events().map(|_| uuid::Uuid::now_v7()).collect(),
        kinds: events().map(Event::kind).collect(),
        resource_types: events().map(|event| event.resource().0).collect(),
        resource_ids: events().map(|event| event.resource().1).collect(),
        payloads,
        sequences: entries.iter().map(|entry| entry.sequence).collect(),
        actor_ids: entries
            .iter()
            .map(|entry| entry.actor.map(UserId::get))
            .collect(),
        request_ids: entries.iter().map(request_id).collect(),
    };
    insert.execute(conn)?;
    crate::faults::point("after_outbox_write");
    Ok(())
}
