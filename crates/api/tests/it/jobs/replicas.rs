//! Real replicas that freeze, stop, or are workers and nothing else.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use super::post;
use super::unpaid::{assert_expired_once, unpaid_order};
use crate::support::{
    Cluster, Shop, alone, count, eventually, number, status_of, text, wait_until,
};

/// The process that runs the job which expires orders.
fn holder(cluster: &Cluster) -> Option<usize> {
    let mut conn = cluster.conn();
    let holder = text(
        &mut conn,
        "(SELECT coalesce(max(holder), '') FROM platform.jobs WHERE kind = 'expireUnpaidOrders' AND state = 'running')",
    );
    let pid = holder.split(':').nth(1)?.to_owned();
    cluster.find_replica(&pid)
}

/// Has the job that expires orders run, and holds it up at the lock of this order. Returns who runs
/// it, and the transaction that is in its way.
async fn held_up(cluster: &Cluster, staff: &Shop, order: i64) -> (usize, diesel::PgConnection) {
    let mut in_the_way = cluster.conn();
    let lock = format!("BEGIN; SELECT FROM ordering.orders WHERE id = {order} FOR UPDATE");
    in_the_way.batch_execute(&lock).expect("locked");
    post(staff, "/api/schedules/expireUnpaidOrders/run").await;
    let mut found = None;
    let at_the_lock =
        "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let mut watcher = cluster.conn();
    tokio::task::block_in_place(|| {
        wait_until("the job waits for the order", || {
            found = holder(cluster);
            found.is_some() && count(&mut watcher, at_the_lock) > 0
        });
    });
    (found.expect("just found"), in_the_way)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_five_replicas_freezes_in_a_job_and_its_thawing_has_no_second_effect() {
    let _alone = alone().await;
    // Five minutes frozen are as good as any time beyond the lease.
    let cluster = Cluster::with_command(5, &[("JOBS__LEASE_SECONDS", "1")], &["serve"]);
    let staff = cluster.admin().await;
    let (order, product) = unpaid_order(&cluster).await;
    let (frozen, in_the_way) = held_up(&cluster, &staff, order).await;

    cluster.signal(frozen, "STOP");
    drop(in_the_way);
    let expired = format!("ordering.orders WHERE id = {order} AND status = 'cancelled'");
    let mut conn = cluster.conn();
    tokio::task::block_in_place(|| {
        wait_until("another replica does it", || {
            count(&mut conn, &expired) == 1
        });
    });
    cluster.signal(frozen, "CONT");

    let refused = async || {
        let metrics = reqwest::get(cluster.metrics_url(frozen)).await;
        let text = metrics.expect("it thawed").text().await.expect("text");
        text.contains("job_writes_fenced_total 1")
    };
    eventually(
        "its late writes are refused",
        Duration::from_secs(10),
        refused,
    )
    .await;
    let over = "platform.jobs WHERE kind = 'expireUnpaidOrders' AND state IN ('queued', 'running')";
    tokio::task::block_in_place(|| {
        wait_until("the job ends", || count(&mut conn, over) == 0);
    });
    assert_expired_once(&cluster, &staff, order, product).await;
    let attempts =
        "(SELECT max(attempts)::bigint FROM platform.jobs WHERE kind = 'expireUnpaidOrders')";
    assert!(number(&mut conn, attempts) >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_asked_to_stop_in_mid_job_gives_the_job_back() {
    let _alone = alone().await;
    // With such leases nobody else would get the job in time, were it not given back.
    let cluster = Cluster::with_command(2, &[("JOBS__LEASE_SECONDS", "600")], &["serve"]);
    let staff = cluster.admin().await;
    let (order, product) = unpaid_order(&cluster).await;
    let (busy, in_the_way) = held_up(&cluster, &staff, order).await;

    let code = tokio::task::block_in_place(|| cluster.stop(busy));

    assert_eq!(code, 0);
    drop(in_the_way);
    let expired = format!("ordering.orders WHERE id = {order} AND status = 'cancelled'");
    let mut conn = cluster.conn();
    tokio::task::block_in_place(|| {
        wait_until("the other replica does it", || {
            count(&mut conn, &expired) == 1
        });
    });
    assert_expired_once(&cluster, &staff, order, product).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_comes_as_a_job_and_what_it_finds_is_a_failure() {
    let cluster = Cluster::with_command(1, &[], &["serve"]);
    let staff = cluster.admin().await;
    for (harm, state) in [
        ("SELECT", "succeeded"),
        (
            "UPDATE catalog.stock_levels SET on_hand = on_hand + 1",
            "failed",
        ),
    ] {
        cluster.conn().batch_execute(harm).expect("harm");
        let job = post(&staff, "/api/schedules/doctor/run").await.expect(201);
        let path = format!("/api/jobs/{}", job["id"]);
        let ends = async || staff.get(&path).send().await.json()["state"] == state;
        eventually(state, Duration::from_secs(20), ends).await;
        let error = staff.get(&path).send().await.json()["lastError"].clone();
        assert_eq!(error.is_string(), state == "failed", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_for_its_health_alone_and_does_what_replicas_leave_to_it() {
    let _alone = alone().await;
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let none = staff.get("/api/schedules").send().await.expect(200);
    assert_eq!(none["schedules"], json!([]), "nobody has planned anything");

    let (worker, port) = tokio::task::block_in_place(|| cluster.start_beside(&["worker"]));

    assert_eq!(status_of(port, "/livez"), Some(200));
    assert_eq!(status_of(port, "/api/products"), Some(404));
    let runs = async || {
        post(&staff, "/api/schedules/pruneSessions/run")
            .await
            .status
            < 300
    };
    eventually("it plans", Duration::from_secs(10), runs).await;
    let done = "platform.jobs WHERE kind = 'pruneSessions' AND state = 'succeeded'";
    let mut conn = cluster.conn();
    tokio::task::block_in_place(|| {
        wait_until("it works", || count(&mut conn, done) > 0);
        worker.signal("TERM");
        assert_eq!(worker.wait_for_exit(), 0);
    });
}
