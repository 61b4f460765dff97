//! A job belongs to who holds its lease, and to nobody else.

use super::*;

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
