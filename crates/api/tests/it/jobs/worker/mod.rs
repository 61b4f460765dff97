//! Workers in this process, with kinds of jobs made for the test.

mod leases;
mod stopping;
mod ticks;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::cache::{Cache, shared::SharedTier};
use api::config::{Config, Secret};
use api::state::State;
use api::worker::{Done, JobError, Kind, Kinds, Worker, start_with};
use db::jobs::managing::cancel;
use db::jobs::{Job, NewJob, enqueue, find};
use db::schedules::Timing;
use db::testing::{self, TestDatabase};
use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use domain::{JobId, JobState, MissedTicks};
use tokio::sync::Notify;

use crate::support::{count, eventually};

const SOON: Duration = Duration::from_secs(15);
const STOP_BUDGET: Duration = Duration::from_millis(100);

/// A worker's surroundings, with leases of one second.
fn state(database: &TestDatabase) -> Arc<State> {
    let mut config = Config::load(None).expect("the defaults");
    config.database.url = Secret::new(database.url.clone());
    config.database.pool_size = 4;
    config.jobs.lease_seconds = 1;
    config.jobs.poll_ms = 20;
    let shared = SharedTier::new(&config.redis, &config.cache).expect("no Redis");
    let db = db::Db::new(&config.pool()).expect("a pool");
    let cache = Arc::new(Cache::new(&config.cache, shared, db.clone()));
    Arc::new(State::new(config, (db.clone(), db), cache))
}

fn start(database: &TestDatabase, kind: Kind) -> Worker {
    start_with(state(database), Kinds::new([kind]), STOP_BUDGET)
}

fn database() -> TestDatabase {
    testing::database(&api::OWNERS)
}

fn enqueued(conn: &mut PgConnection, job: NewJob) -> JobId {
    enqueue(conn, job).expect("enqueued").expect("no key")
}

fn work() -> NewJob {
    NewJob::new("default", "work")
}

fn read(conn: &mut PgConnection, id: JobId) -> Job {
    find(conn, id).expect("an answer").expect("it exists")
}

async fn becomes(conn: &mut PgConnection, id: JobId, state: JobState) -> Job {
    let conn = Mutex::new(conn);
    let is_so = async || read(&mut conn.lock().expect("not poisoned"), id).state == state;
    eventually(&format!("job {id} is {state}"), SOON, is_so).await;
    read(&mut conn.lock().expect("not poisoned"), id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_that_is_kept_and_the_worker_goes_on() {
    let database = database();
    let conn = &mut database.connect();
    let once = NewJob {
        max_attempts: 1,
        ..work()
    };
    let bad = enqueued(conn, once);
    let calls = Arc::new(AtomicUsize::new(0));
    let _worker = start(
        &database,
        Kind::new("work", {
            let calls = Arc::clone(&calls);
            move |_| {
                let call = calls.fetch_add(1, Ordering::SeqCst);
                async move {
                    assert!(call > 0, "the first one panics");
                    Ok(Done::All)
                }
            }
        }),
    );

    let failed = becomes(conn, bad, JobState::Failed).await;
    assert_eq!(failed.last_error.as_deref(), Some("panicked"));
    let good = enqueued(conn, work());
    becomes(conn, good, JobState::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_and_one_that_is_final_is_not() {
    let database = database();
    let conn = &mut database.connect();
    let (passing, hopeless) = (enqueued(conn, work()), enqueued(conn, work()));
    let _worker = start(
        &database,
        Kind::new("work", move |run| async move {
            match run.job.attempts {
                _ if run.job.id == hopeless => Err(JobError::Final("no such order".into())),
                1 => Err(JobError::Retry("not now".into())),
                _ => Ok(Done::All),
            }
        }),
    );

    let passed = becomes(conn, passing, JobState::Succeeded).await;
    assert_eq!((passed.attempts, passed.failures), (2, 1));
    let failed = becomes(conn, hopeless, JobState::Failed).await;
    assert_eq!(failed.attempts, 1);
    assert_eq!(failed.last_error.as_deref(), Some("no such order"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_work_is_followed_by_the_next_at_once() {
    let database = database();
    let conn = &mut database.connect();
    let id = enqueued(conn, work());
    let _worker = start(
        &database,
        Kind::new("work", |run| async move {
            run.progress(run.job.attempts.into(), Some(3)).await?;
            Ok(if run.job.attempts < 3 {
                Done::Part
            } else {
                Done::All
            })
        }),
    );

    let done = becomes(conn, id, JobState::Succeeded).await;

    assert_eq!((done.attempts, done.failures), (3, 0));
    assert_eq!((done.progress, done.progress_total), (3, Some(3)));
}
