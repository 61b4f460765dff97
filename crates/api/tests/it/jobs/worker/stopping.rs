//! A worker that is told to stop.

use super::*;

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
