//! Effects that the crate `torture` can count: consumers and jobs that write a row each.
//!
//! Only with the cargo feature `faults`, and only where `CARTWRIGHT_PROBES` is set: then the harness
//! has made the tables `torture.delivered` and `torture.done`, which have no constraints.

use std::sync::Arc;
use std::time::Duration;

use db::consumers::Start;
use db::outbox::Recorded;
use db::{Db, DbError};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid};

use crate::relay::{Consumer, Effect, Reading};
use crate::state::State;
use crate::worker::{Kind, Run};

/// Short, so that a replica that dies is soon replaced and the next one can die.
const LEASE: Duration = Duration::from_secs(2);
/// How long a job takes, so that many a replica dies or freezes in the middle of one.
const WORK: Duration = Duration::from_millis(800);
/// Each comes every second.
const KINDS: [&str; 3] = ["probe1", "probe2", "probe3"];

db::statement! {
    struct Deliver { consumer: &'static str => Text, event_ids: Vec<uuid::Uuid> => Array<Uuid> } -> BigInt =
    "INSERT INTO torture.delivered (consumer, event_id) SELECT $1, unnest($2)"
}

db::statement! {
    struct Finish { job_id: i64 => BigInt } -> BigInt = "INSERT INTO torture.done (job_id) VALUES ($1)"
}

fn are_wanted() -> bool {
    std::env::var_os("CARTWRIGHT_PROBES").is_some()
}

/// One whose effect is elsewhere, and one whose effect commits with its position.
pub(crate) fn consumers(state: &Arc<State>) -> Vec<Consumer> {
    if !are_wanted() {
        return Vec::new();
    }
    let db = state.db.clone();
    let consumer = |name, effect| Consumer {
        name,
        start: Start::Beginning,
        passes_over: &[],
        lease: LEASE,
        reading: Reading::default(),
        effect,
    };
    let elsewhere = Effect::PerBatch(Arc::new(move |events| {
        let db: Db = db.clone();
        Box::pin(async move {
            let deliver = move |conn: &mut PgConnection| deliver(conn, "probeElsewhere", &events);
            Ok(db.run(deliver).await?)
        })
    }));
    let inside = Effect::InTransaction(Arc::new(|conn, events| {
        Ok(deliver(conn, "probeInside", events)?)
    }));
    vec![
        consumer("probeElsewhere", elsewhere),
        consumer("probeInside", inside),
    ]
}

fn deliver(
    conn: &mut PgConnection,
    consumer: &'static str,
    events: &[Recorded],
) -> Result<(), DbError> {
    let event_ids = events.iter().map(|event| event.event_id).collect();
    Deliver {
        consumer,
        event_ids,
    }
    .execute(conn)?;
    Ok(())
}

/// Jobs whose effect commits with their end.
pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    let names = if are_wanted() { &KINDS[..] } else { &[] };
    names.iter().map(|name| {
        let work = |run: Arc<Run>| async move {
            tokio::time::sleep(WORK).await;
            let job_id = run.job.id.get();
            let finish = move |conn: &mut PgConnection| {
                Finish { job_id }.execute(conn)?;
                Ok(())
            };
            run.settle(finish).await
        };
        Kind::new(name, work).every(1)
    })
}
