//! Events, written in the transaction of the change they tell of.
//!
//! A change and its event commit together or not at all. Delivery is another matter and happens
//! later, at least once, by row state and never by "id greater than the last one seen": ids are
//! given out in another order than transactions commit.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Text, Uuid};
use domain::Event;

crate::statement! {
    /// Writes one row per event and returns their ids.
    struct InsertEvents {
        event_ids: Vec<uuid::Uuid> => Array<Uuid>,
        kinds: Vec<&'static str> => Array<Text>,
        resource_types: Vec<&'static str> => Array<Text>,
        resource_ids: Vec<i64> => Array<BigInt>,
        payloads: Vec<serde_json::Value> => Array<Jsonb>,
    } -> BigInt =
    "INSERT INTO platform.outbox (event_id, kind, resource_type, resource_id, payload) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[]) \
     RETURNING id"
}

/// Writes events in the caller's transaction, in the order given.
///
/// # Errors
///
/// Those of the database; an event that does not serialise is [`diesel::result::Error::SerializationError`].
pub fn write(conn: &mut PgConnection, events: &[Event]) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let payloads = events
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let insert = InsertEvents {
        event_ids: events.iter().map(|_| uuid::Uuid::now_v7()).collect(),
        kinds: events.iter().map(Event::kind).collect(),
        resource_types: events.iter().map(|event| event.resource().0).collect(),
        resource_ids: events.iter().map(|event| event.resource().1).collect(),
        payloads,
    };
    insert.execute(conn).map(|_| ())
}
