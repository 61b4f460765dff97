//! Schedules: each tick once, by the clock of Postgres.

use std::sync::Barrier;
use std::thread;

use db::schedules::{NewSchedule, Timing, ensure, find, list, prune_ticks, run_now, tick};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::MissedTicks;

use crate::{count, text};

fn schedule(timing: Timing, missed: MissedTicks) -> NewSchedule {
    NewSchedule {
        name: "sweep".into(),
        queue: "upkeep".into(),
        kind: "sweep".into(),
        timing,
        missed,
    }
}

fn every_minute(missed: MissedTicks) -> NewSchedule {
    schedule(Timing::Every { seconds: 60 }, missed)
}

/// Moves the next tick into the past, as if nobody had looked since.
fn let_pass(conn: &mut PgConnection, interval: &str) {
    let past = format!("UPDATE platform.schedules SET next_at = now() - interval '{interval}'");
    conn.batch_execute(&past).unwrap();
}

/// How long ago the ticks were planned, in whole seconds, oldest first.
fn ages(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT coalesce(string_agg(round(extract(epoch FROM now() - planned_at))::text, ' ' ORDER BY planned_at), '') \
            FROM platform.ticks)",
    )
}

fn seconds_to_next(conn: &mut PgConnection) -> f64 {
    let wait = "(SELECT extract(epoch FROM next_at - now())::text FROM platform.schedules)";
    text(conn, wait).parse().unwrap()
}

#[test]
fn a_tick_is_run_by_one_of_many_replicas() {
    let database = crate::database();
    let conn = &mut database.connect();
    ensure(conn, &every_minute(MissedTicks::CatchUp)).unwrap();
    for round in 1..=5 {
        let_pass(conn, "59 seconds");
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let conn = &mut database.connect();
                    start.wait();
                    tick(conn, &["sweep"]).unwrap();
                });
            }
        });
        assert_eq!(count(conn, "platform.ticks"), round);
        assert_eq!(count(conn, "platform.jobs"), round);
    }
}

#[test]
fn the_row_of_a_tick_is_what_keeps_it_single() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::CatchUp)).unwrap();
    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 1);
    // Somebody turns the schedule back to a tick that was run.
    let back =
        "UPDATE platform.schedules SET next_at = (SELECT max(planned_at) FROM platform.ticks)";
    conn.batch_execute(back).unwrap();

    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 0);

    assert_eq!(count(conn, "platform.jobs"), 1);
}

#[test]
fn a_tick_while_its_job_is_unfinished_joins_it() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::Skip)).unwrap();
    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 1);
    assert_eq!(
        tick(conn, &["sweep"]).unwrap().enqueued.len(),
        0,
        "not due yet"
    );
    let_pass(conn, "1 second");

    let second = tick(conn, &["sweep"]).unwrap();

    assert_eq!((second.enqueued.len(), second.joined), (0, 1));
    assert_eq!(count(conn, "platform.ticks WHERE job_id IS NULL"), 1);
    assert_eq!(count(conn, "platform.jobs"), 1);
}

#[test]
fn after_five_missed_minutes_each_policy_does_what_it_says() {
    let conn = &mut crate::database().connect();
    let cases = [
        (MissedTicks::Skip, "340 seconds", ""),
        (MissedTicks::Skip, "305 seconds", "5"),
        (MissedTicks::RunOnce, "340 seconds", "40"),
        (MissedTicks::CatchUp, "310 seconds", "310 250 190 130 70 10"),
    ];
    for (missed, passed, run) in cases {
        conn.batch_execute("TRUNCATE platform.schedules, platform.ticks, platform.jobs")
            .unwrap();
        ensure(conn, &every_minute(missed)).unwrap();
        let_pass(conn, passed);

        let ticked = tick(conn, &["sweep"]).unwrap();

        assert_eq!(ages(conn), run, "{missed} after {passed}");
        assert_eq!(ticked.enqueued.len(), run.split_whitespace().count());
        assert_eq!(ticked.skipped > 0, missed != MissedTicks::CatchUp);
        let wait = seconds_to_next(conn);
        assert!(wait > 0.0 && wait <= 60.0, "{missed}: {wait}");
        assert_eq!(
            tick(conn, &["sweep"]).unwrap(),
            db::schedules::Ticked::default()
        );
    }
}

#[test]
fn a_cron_expression_is_read_in_utc() {
    let conn = &mut crate::database().connect();
    conn.batch_execute("SET timezone = 'Pacific/Auckland'")
        .unwrap();
    let nightly = schedule(Timing::cron("17 4 * * *").unwrap(), MissedTicks::RunOnce);
    ensure(conn, &nightly).unwrap();
    let wall = "(SELECT to_char(next_at AT TIME ZONE 'UTC', 'HH24:MI:SS') FROM platform.schedules)";
    assert_eq!(text(conn, wall), "04:17:00");
    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 0);

    let two_days = "UPDATE platform.schedules SET next_at = next_at - interval '2 days'";
    conn.batch_execute(two_days).unwrap();

    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 1);
    assert_eq!(text(conn, wall), "04:17:00");
    assert!(seconds_to_next(conn) > 0.0);
}

#[test]
fn ensuring_again_changes_the_plan_only_with_the_timing() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::Skip)).unwrap();
    let_pass(conn, "-30 seconds");

    ensure(conn, &every_minute(MissedTicks::RunOnce)).unwrap();
    assert!(seconds_to_next(conn) > 20.0);
    let found = find(conn, "sweep").unwrap().unwrap();
    assert_eq!(
        (found.every_seconds, found.missed),
        (Some(60), MissedTicks::RunOnce)
    );

    ensure(
        conn,
        &schedule(Timing::Every { seconds: 5 }, MissedTicks::RunOnce),
    )
    .unwrap();
    assert!(seconds_to_next(conn) <= 0.0);
    assert_eq!(list(conn).unwrap().len(), 1);
}

#[test]
fn a_schedule_of_a_kind_that_a_worker_does_not_know_is_left_to_others() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::Skip)).unwrap();
    assert_eq!(tick(conn, &["mail"]).unwrap().enqueued.len(), 0);
    assert_eq!(tick(conn, &["mail", "sweep"]).unwrap().enqueued.len(), 1);
}

#[test]
fn a_schedule_runs_now_without_a_tick() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::Skip)).unwrap();

    let (job, is_new) = run_now(conn, "sweep").unwrap().unwrap();
    let (same, is_new_again) = run_now(conn, "sweep").unwrap().unwrap();

    assert_eq!((job.kind.as_str(), is_new), ("sweep", true));
    assert_eq!((same.id, is_new_again), (job.id, false));
    assert_eq!(count(conn, "platform.ticks"), 0);
    assert!(run_now(conn, "unknown").unwrap().is_none());
}

#[test]
fn old_ticks_are_thrown_away_and_do_not_come_back() {
    let conn = &mut crate::database().connect();
    ensure(conn, &every_minute(MissedTicks::CatchUp)).unwrap();
    let_pass(conn, "130 seconds");
    tick(conn, &["sweep"]).unwrap();
    conn.batch_execute("UPDATE platform.ticks SET created_at = created_at - interval '8 days'")
        .unwrap();

    assert_eq!(prune_ticks(conn, 7, 2).unwrap(), 2);
    assert_eq!(prune_ticks(conn, 7, 2).unwrap(), 1);

    assert_eq!(tick(conn, &["sweep"]).unwrap().enqueued.len(), 0);
}
