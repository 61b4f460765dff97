//! Jobs: what staff sees and does, what a worker does, and what becomes of it when replicas freeze,
//! stop and race.

mod replicas;
mod unpaid;
mod worker;

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use crate::support::{Shop, eventually, fresh_key, number, open};

/// Inserts a job of a kind that no worker knows.
fn unknown_job(state: &str, kind: &str) -> i64 {
    let mut conn = open().conn();
    let (finished, lease) = match state {
        "running" => ("NULL", "now() + interval '1 day'"),
        "queued" => ("NULL", "NULL"),
        _ => ("now()", "NULL"),
    };
    let holder = if state == "running" {
        "'nobody'"
    } else {
        "NULL"
    };
    let insert = format!(
        "INSERT INTO platform.jobs (queue, kind, state, run_at, finished_at, lease_until, holder) \
         VALUES ('default', '{kind}', '{state}', now() + interval '1 hour', {finished}, {lease}, {holder})"
    );
    conn.batch_execute(&insert).expect("inserted");
    let newest = format!("(SELECT max(id) FROM platform.jobs WHERE kind = '{kind}')");
    number(&mut conn, &newest)
}

async fn post(staff: &Shop, path: &str) -> crate::support::Answer {
    staff.request("POST", path).send().await
}

#[tokio::test]
async fn staff_lists_jobs_page_by_page_and_by_what_they_are() {
    let (staff, kind) = (open().admin().await, fresh_key());
    let ids: Vec<i64> = ["failed", "queued", "succeeded"]
        .iter()
        .map(|state| unknown_job(state, &kind))
        .collect();

    let first = staff
        .get(&format!("/api/jobs?kind={kind}&limit=2"))
        .send()
        .await
        .expect(200);
    assert_eq!(first["jobs"][0]["id"], ids[2]);
    assert_eq!(first["jobs"][1]["id"], ids[1]);
    assert_eq!(first["hasMore"], true);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let rest = format!("/api/jobs?kind={kind}&limit=2&cursor={cursor}");
    let rest = staff.get(&rest).send().await.expect(200);
    assert_eq!(rest["jobs"][0]["id"], ids[0]);
    assert_eq!(rest["hasMore"], false);

    let failed = format!("/api/jobs?kind={kind}&state=failed&queue=default");
    let failed = staff.get(&failed).send().await.expect(200);
    assert_eq!(failed["jobs"].as_array().map(Vec::len), Some(1));
    let elsewhere = format!("/api/jobs?kind={kind}&queue=upkeep");
    let elsewhere = staff.get(&elsewhere).send().await.expect(200);
    assert_eq!(elsewhere["jobs"], json!([]));
    for (query, named) in [
        ("state=done", "state"),
        ("limit=0", "limit"),
        ("cursor=7", "cursor"),
    ] {
        let refused = staff.get(&format!("/api/jobs?{query}")).send().await;
        assert_eq!(
            refused.refused(400, "invalid_query")["errors"][0]["field"],
            named
        );
    }
    let unknown = staff.get("/api/jobs?sort=id").send().await;
    unknown.refused(400, "invalid_query");
}

#[tokio::test]
async fn a_job_that_failed_is_retried_run_now_and_cancelled() {
    let (staff, kind) = (open().admin().await, fresh_key());
    let path = format!("/api/jobs/{}", unknown_job("failed", &kind));

    let refused = post(&staff, &format!("{path}/run-now"))
        .await
        .refused(409, "invalid_job_state");
    assert_eq!(
        (&refused["state"], &refused["allowed"]),
        (&json!("failed"), &json!(["queued"]))
    );
    let (retry, key) = (format!("{path}/retry"), fresh_key());
    let again = staff.request("POST", &retry).key(&key).send().await;
    assert_eq!(again.json()["state"], "queued");
    let refused = post(&staff, &retry).await.refused(409, "invalid_job_state");
    assert_eq!(refused["allowed"], json!(["failed", "cancelled"]));
    let repeated = staff.request("POST", &retry).key(&key).send().await;
    assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
    assert_eq!(repeated.body, again.body);

    post(&staff, &format!("{path}/run-now")).await.expect(200);
    for _ in 0..2 {
        let cancelled = post(&staff, &format!("{path}/cancel")).await.expect(200);
        assert_eq!(cancelled["state"], "cancelled");
    }
    assert_eq!(
        staff.get(&path).send().await.expect(200)["state"],
        "cancelled"
    );
}

#[tokio::test]
async fn a_job_that_waits_for_its_time_is_made_due() {
    let staff = open().admin().await;
    let path = format!("/api/jobs/{}", unknown_job("queued", &fresh_key()));
    let before = staff.get(&path).send().await.expect(200)["runAt"].clone();
    let after = post(&staff, &format!("{path}/run-now")).await.expect(200)["runAt"].clone();
    assert!(after.as_str() < before.as_str(), "{after} {before}");
}

#[tokio::test]
async fn a_job_that_runs_is_asked_to_stop_and_one_that_is_done_is_left_alone() {
    let staff = open().admin().await;
    let running = unknown_job("running", &fresh_key());
    let asked = post(&staff, &format!("/api/jobs/{running}/cancel"))
        .await
        .expect(200);
    assert_eq!(asked["state"], "running");
    assert!(asked["cancelRequestedAt"].is_string());
    let done = unknown_job("succeeded", &fresh_key());
    let refused = post(&staff, &format!("/api/jobs/{done}/cancel")).await;
    let refused = refused.refused(409, "invalid_job_state");
    assert_eq!(
        refused["allowed"],
        json!(["queued", "running", "cancelled"])
    );
    for path in ["/api/jobs/999999999", "/api/jobs/first"] {
        staff.get(path).send().await.refused(404, "job_not_found");
        post(&staff, &format!("{path}/retry"))
            .await
            .refused(404, "job_not_found");
    }
}

#[tokio::test]
async fn a_schedule_is_listed_with_its_times_and_runs_when_staff_says_so() {
    let staff = open().admin().await;
    let listed = staff.get("/api/schedules").send().await.expect(200);
    let schedules = listed["schedules"].as_array().expect("a list");
    let prune = schedules
        .iter()
        .find(|schedule| schedule["name"] == "pruneSessions")
        .expect("it is built in");
    assert_eq!(
        (&prune["everySeconds"], &prune["cron"]),
        (&json!(300), &json!(null))
    );
    assert_eq!(prune["missed"], "skip");

    // The doctor would find what other tests have left.
    for name in [
        "settlePayments",
        "expireUnpaidOrders",
        "expireHolds",
        "collectMedia",
        "forgetSales",
        "pruneIdempotencyKeys",
        "pruneSessions",
        "pruneFiles",
        "pruneJobs",
        "pruneEvents",
    ] {
        let started = post(&staff, &format!("/api/schedules/{name}/run")).await;
        assert!([200, 201].contains(&started.status), "{started:?}");
        let path = format!("/api/jobs/{}", started.json()["id"]);
        let succeeds = async || {
            let state = staff.get(&path).send().await.json()["state"].clone();
            state == "succeeded"
        };
        eventually(name, Duration::from_secs(10), succeeds).await;
    }
    let unknown = post(&staff, "/api/schedules/nothing/run").await;
    unknown.refused(404, "schedule_not_found");
}

#[tokio::test]
async fn metrics_tell_of_queues_and_runs() {
    let told = async || {
        let metrics = reqwest::get(open().metrics_url(0))
            .await
            .expect("an answer");
        let text = metrics.text().await.expect("text");
        [
            "jobs_queued{queue=\"upkeep\"}",
            "jobs_running{",
            "jobs_failed{",
            "jobs_oldest_due_seconds{",
        ]
        .iter()
        .all(|name| text.contains(name))
            && text.contains("job_run_seconds_bucket{kind=\"settlePayments\",outcome=\"succeeded\"")
    };
    eventually("both are told", Duration::from_secs(20), told).await;
}
