//! Workers in this process, with kinds of jobs made for the test.

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
    let cache = Arc::new(Cache::new(&config.cache, shared));
    let db = db::Db::new(&config.pool()).expect("a pool");
    Arc::new(State::new(config, db, cache))
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

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_longer_than_its_lease_keeps_it() {
    let database = database();
    let conn = &mut database.connect();
    let (id, go) = (enqueued(conn, work()), Arc::new(Notify::new()));
    let kind = || {
        let go = Arc::clone(&go);
        Kind::new("work", move |_| {
            let go = Arc::clone(&go);
            async move {
                go.notified().await;
                Ok(Done::All)
            }
        })
    };
    let _workers = [start(&database, kind()), start(&database, kind())];
    let first = becomes(conn, id, JobState::Running).await.lease_until;
    let three_leases_later = format!(
        "platform.jobs WHERE id = {id} AND lease_until > started_at + interval '3.5 seconds'"
    );
    let conn_of_its_own = Mutex::new(database.connect());
    let renewed = async || {
        count(
            &mut conn_of_its_own.lock().expect("not poisoned"),
            &three_leases_later,
        ) == 1
    };
    eventually("the lease is renewed", SOON, renewed).await;

    go.notify_waiters();

    let done = becomes(conn, id, JobState::Succeeded).await;
    assert!(first.is_some());
    assert_eq!((done.attempts, done.failures), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_that_is_cancelled_is_cut_off_and_leaves_no_effect() {
    let database = database();
    let conn = &mut database.connect();
    conn.batch_execute("CREATE TABLE effects (at timestamptz)")
        .expect("a table");
    let (id, go) = (enqueued(conn, work()), Arc::new(Notify::new()));
    let _worker = start(
        &database,
        Kind::new("work", {
            let go = Arc::clone(&go);
            move |run| {
                let go = Arc::clone(&go);
                async move {
                    go.notified().await;
                    run.settle(|conn| {
                        conn.batch_execute("INSERT INTO effects VALUES (now())")?;
                        Ok(())
                    })
                    .await
                }
            }
        }),
    );
    becomes(conn, id, JobState::Running).await;

    cancel(conn, id).expect("it runs");
    go.notify_waiters(); // its last chance to do harm

    becomes(conn, id, JobState::Cancelled).await;
    assert_eq!(count(conn, "effects"), 0);
}

fn leave_a_trace(conn: &mut PgConnection) -> Result<(), JobError> {
    conn.batch_execute("INSERT INTO effects VALUES (now())")?;
    Ok(())
}

/// Five workers. The first one lives on a thread of its own that its handler blocks, so that it renews
/// nothing either: what SIGSTOP does to a replica. The effect is one that is seen twice when it
/// happens twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_freezes_in_a_job_has_no_effect_when_it_thaws() {
    let database = Arc::new(database());
    let conn = &mut database.connect();
    conn.batch_execute("CREATE TABLE effects (at timestamptz)")
        .expect("a table");
    let id = enqueued(conn, work());
    let (thaw, frozen) = std::sync::mpsc::channel::<()>();
    let first = std::thread::spawn({
        let database = Arc::clone(&database);
        move || freeze_in_a_job(&database, frozen)
    });
    becomes(conn, id, JobState::Running).await;

    let others = || Kind::new("work", |run| async move { run.settle(leave_a_trace).await });
    let _others: Vec<Worker> = (0..4).map(|_| start(&database, others())).collect();
    let done = becomes(conn, id, JobState::Succeeded).await;
    thaw.send(()).expect("it waits");

    let thawed = tokio::task::block_in_place(|| first.join().expect("it ends"));
    assert!(matches!(thawed, Err(JobError::Lost(_))), "{thawed:?}");
    assert_eq!(count(conn, "effects"), 1);
    assert_eq!((done.attempts, done.failures), (2, 1));
}

/// Runs a worker until its one job was done, and returns what came of it.
fn freeze_in_a_job(
    database: &TestDatabase,
    frozen: std::sync::mpsc::Receiver<()>,
) -> Result<Done, JobError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let frozen = Mutex::new(frozen);
    let kind = Kind::new("work", move |run| {
        let _ = frozen.lock().expect("not poisoned").recv();
        let tell = tell.clone();
        // In a task of its own, which goes on when the worker notices its loss first and drops this.
        let writes = tokio::spawn(async move {
            let result = run.settle(leave_a_trace).await;
            let _ = tell.send(result).await;
        });
        async move {
            let _ = writes.await;
            Ok(Done::Settled)
        }
    });
    runtime.block_on(async {
        let worker = start(database, kind);
        let result = told.recv().await.expect("the handler ends");
        worker.stop().await;
        result
    })
}

/// Tells when it is dropped.
struct Told(tokio::sync::mpsc::UnboundedSender<i32>, i32);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

/// As the only worker does that was frozen for longer than its lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_gets_its_own_lost_job_again_lets_go_of_the_first_attempt_only() {
    let database = database();
    let conn = &mut database.connect();
    let (id, go) = (enqueued(conn, work()), Arc::new(Notify::new()));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _worker = start(
        &database,
        Kind::new("work", {
            let go = Arc::clone(&go);
            move |run| {
                let (go, told) = (Arc::clone(&go), Told(tell.clone(), run.job.attempts));
                async move {
                    go.notified().await;
                    drop(told);
                    Ok(Done::All)
                }
            }
        }),
    );
    becomes(conn, id, JobState::Running).await;

    let lose = format!(
        "UPDATE platform.jobs SET lease_until = now() - interval '1 second' \
          WHERE id = {id} AND attempts = 1 AND state = 'running'"
    );
    let looks_again = Mutex::new(database.connect());
    let second = async || {
        let conn = &mut looks_again.lock().expect("not poisoned");
        conn.batch_execute(&lose).expect("lost, unless it was");
        count(
            conn,
            &format!("platform.jobs WHERE id = {id} AND attempts = 2"),
        ) == 1
    };
    eventually("a second attempt", SOON, second).await;
    let dropped = tokio::time::timeout(SOON, told.recv()).await;

    assert_eq!(dropped, Ok(Some(1)));
    let renewed = format!(
        "platform.jobs WHERE id = {id} AND lease_until > started_at + interval '3.5 seconds' AND attempts = 2"
    );
    let renewed = async || count(&mut looks_again.lock().expect("not poisoned"), &renewed) == 1;
    eventually("the second lease is renewed", SOON, renewed).await;
    go.notify_waiters();
    let done = becomes(conn, id, JobState::Succeeded).await;
    assert_eq!(done.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_waits_for_what_ends_in_time() {
    let database = database();
    let conn = &mut database.connect();
    let id = enqueued(conn, work());
    let worker = start(
        &database,
        Kind::new("work", |run| async move {
            while !run.should_stop() {
                tokio::task::yield_now().await;
            }
            run.settle(|_| Ok(())).await
        }),
    );
    becomes(conn, id, JobState::Running).await;

    worker.stop().await;

    assert_eq!(read(conn, id).state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_gives_back_what_does_not_end() {
    let database = database();
    let conn = &mut database.connect();
    let id = enqueued(conn, work());
    let worker = start(
        &database,
        Kind::new("work", |_| async { std::future::pending().await }),
    );
    becomes(conn, id, JobState::Running).await;
    let next = enqueued(
        conn,
        NewJob {
            delay_seconds: 0.2,
            ..work()
        },
    );

    worker.stop().await;

    let back = read(conn, id);
    assert_eq!((back.state, back.failures), (JobState::Queued, 0));
    assert!(back.holder.is_none() && back.lease_until.is_none());
    assert_eq!(read(conn, next).attempts, 0, "nothing new was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_workers_run_each_tick_once() {
    let database = database();
    let planned = Arc::new(Mutex::new(Vec::new()));
    let kind = || {
        let planned = Arc::clone(&planned);
        let tick = Kind::new("tick", move |run| {
            let at = run.job.payload["plannedAt"].to_string();
            planned.lock().expect("not poisoned").push(at);
            async { Ok(Done::All) }
        });
        tick.scheduled(Timing::Every { seconds: 1 }, MissedTicks::CatchUp)
    };
    let workers: Vec<Worker> = (0..5).map(|_| start(&database, kind())).collect();

    let four = async || planned.lock().expect("not poisoned").len() >= 4;
    eventually("four ticks", SOON, four).await;
    for worker in workers {
        worker.stop().await;
    }

    let planned = planned.lock().expect("not poisoned");
    let different: HashSet<&String> = planned.iter().collect();
    assert_eq!(different.len(), planned.len(), "{planned:?}");
    let conn = &mut database.connect();
    let seconds = "(SELECT planned_at FROM platform.ticks) t";
    let in_steps = "(SELECT DISTINCT extract(microsecond FROM planned_at)::bigint % 1000000 FROM platform.ticks) t";
    assert_eq!(count(conn, seconds), count(conn, "platform.jobs"));
    assert_eq!(count(conn, in_steps), 1, "one second apart");
}

/// As the doctor, when `doctor_cron` is empty after it was not. The beat comes by in the same look at
/// the schedules.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_scheduled_any_more_does_not_tick() {
    let database = database();
    let conn = &mut database.connect();
    let visit = || Kind::new("visit", |_| async { Ok(Done::All) });
    let beat = || Kind::new("beat", |_| async { Ok(Done::All) }).every(1);
    let ticks = |conn: &mut PgConnection, name| {
        count(conn, &format!("platform.ticks WHERE schedule = '{name}'"))
    };
    let before = start_with(
        state(&database),
        Kinds::new([visit().every(1), beat()]),
        STOP_BUDGET,
    );
    let conn_of_its_own = Mutex::new(database.connect());
    let ticked = async || ticks(&mut conn_of_its_own.lock().expect("not poisoned"), "visit") > 0;
    eventually("a visit", SOON, ticked).await;
    before.stop().await;
    conn.batch_execute("UPDATE platform.schedules SET next_at = now()")
        .expect("both are due");
    let (visits, beats) = (ticks(conn, "visit"), ticks(conn, "beat"));

    let _after = start_with(state(&database), Kinds::new([visit(), beat()]), STOP_BUDGET);
    let ticked = async || ticks(&mut conn_of_its_own.lock().expect("not poisoned"), "beat") > beats;
    eventually("another beat", SOON, ticked).await;

    assert_eq!(ticks(conn, "visit"), visits);
}
