//! Jobs: enqueued with their change, claimed once, fenced.

mod claiming;
mod finishing;
mod managing;

use std::time::Duration;

use db::jobs::claiming::claim;
use db::jobs::{Job, MAX_PAYLOAD_BYTES, NewJob, enqueue, find, find_unfinished};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use domain::JobId;
use serde_json::json;

use crate::count;

const LEASE: Duration = Duration::from_secs(30);

fn job() -> NewJob {
    NewJob::new("default", "mail")
}

fn keyed(key: &str) -> NewJob {
    NewJob {
        key: Some(key.into()),
        ..job()
    }
}

fn enqueued(conn: &mut PgConnection, job: NewJob) -> JobId {
    enqueue(conn, job).unwrap().unwrap()
}

/// Claims the one job that is due.
fn claimed(conn: &mut PgConnection) -> Job {
    let mut jobs = claim(conn, "ann", &["mail"], 1, LEASE).unwrap();
    jobs.pop().unwrap()
}

fn read(conn: &mut PgConnection, id: JobId) -> Job {
    find(conn, id).unwrap().unwrap()
}

/// Lets the leases of all running jobs run out, as five frozen minutes would.
fn let_leases_run_out(conn: &mut PgConnection) {
    let past = "UPDATE platform.jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'";
    conn.batch_execute(past).unwrap();
}

#[test]
fn a_job_exists_if_and_only_if_its_change_commits() {
    let conn = &mut crate::database().connect();

    let undone = conn.transaction(|conn| {
        enqueue(conn, job())?;
        Err::<(), _>(Error::RollbackTransaction)
    });

    assert_eq!(undone, Err(Error::RollbackTransaction));
    assert_eq!(count(conn, "platform.jobs"), 0);
    let new = NewJob {
        payload: json!({"orderId": 17}),
        priority: -1,
        ..keyed("order 17")
    };
    let id = conn
        .transaction(|conn| enqueue(conn, new))
        .unwrap()
        .unwrap();
    let job = read(conn, id);
    assert_eq!((job.queue.as_str(), job.kind.as_str()), ("default", "mail"));
    assert_eq!((job.payload, job.priority), (json!({"orderId": 17}), -1));
    assert_eq!((job.attempts, job.failures, job.max_attempts), (0, 0, 10));
}

#[test]
fn a_key_has_at_most_one_unfinished_job_of_a_kind() {
    let conn = &mut crate::database().connect();
    let first = enqueued(conn, keyed("order 17"));

    assert_eq!(enqueue(conn, keyed("order 17")).unwrap(), None);
    let found = find_unfinished(conn, "mail", "order 17").unwrap().unwrap();
    assert_eq!(found.id, first);
    let other_kind = NewJob {
        kind: "index".into(),
        ..keyed("order 17")
    };
    assert!(enqueue(conn, other_kind).unwrap().is_some());
    assert!(enqueue(conn, keyed("order 18")).unwrap().is_some());
    assert!(enqueue(conn, job()).unwrap().is_some(), "without a key");
    assert!(
        enqueue(conn, job()).unwrap().is_some(),
        "as often as one likes"
    );

    let running = claimed(conn);
    assert_eq!(running.id, first);
    assert_eq!(
        enqueue(conn, keyed("order 17")).unwrap(),
        None,
        "running is unfinished"
    );
    assert!(db::jobs::finishing::succeed(conn, running.claim()).unwrap());
    assert!(enqueue(conn, keyed("order 17")).unwrap().is_some());
}

#[test]
fn a_payload_holds_ids_and_no_more_than_64_kilobytes() {
    let conn = &mut crate::database().connect();
    let with = |length: usize| NewJob {
        payload: json!({"ids": "7".repeat(length - r#"{"ids": ""}"#.len())}),
        ..job()
    };
    enqueued(conn, with(MAX_PAYLOAD_BYTES));

    let refused = enqueue(conn, with(MAX_PAYLOAD_BYTES + 1));

    let Err(Error::DatabaseError(_, info)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(info.constraint_name(), Some("jobs_payload_size"));
}

#[test]
fn a_job_goes_to_a_queue_there_is() {
    let conn = &mut crate::database().connect();
    let refused = enqueue(conn, NewJob::new("nowhere", "mail"));
    let Err(Error::DatabaseError(_, info)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(info.constraint_name(), Some("jobs_queue_fkey"));
}
