use db::jobs::claiming::reclaim;
use db::jobs::finishing::{confirm_cancelled, fail, go_on, progress, succeed};
use db::jobs::managing::cancel;
use db::jobs::{Claim, LeaseLost, NewJob, enqueue, fenced, settle};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::JobState;

use super::{claimed, enqueued, job, keyed, let_leases_run_out, read};
use crate::{count, text};

/// What a handler's effect may end with.
#[derive(Debug, PartialEq)]
enum Failed {
    Lost,
    Db(diesel::result::Error),
}

impl From<LeaseLost> for Failed {
    fn from(_: LeaseLost) -> Self {
        Self::Lost
    }
}

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error)
    }
}

/// An effect that is plainly seen twice when it happens twice.
fn effect(conn: &mut PgConnection) -> Result<(), Failed> {
    conn.batch_execute("INSERT INTO effects VALUES (now())")?;
    Ok(())
}

fn with_effects(conn: &mut PgConnection) {
    conn.batch_execute("CREATE TABLE effects (at timestamptz)")
        .unwrap();
}

#[test]
fn a_worker_that_was_frozen_has_no_effect_after_another_one_took_over() {
    let database = crate::database();
    let (frozen, other) = (&mut database.connect(), &mut database.connect());
    with_effects(frozen);
    let id = enqueued(frozen, job());
    let old = claimed(frozen).claim();
    let_leases_run_out(other);
    reclaim(other, 10).unwrap();
    let new = claimed(other).claim();

    // It thaws while the other one is at work, and once more after that.
    assert_eq!(settle(frozen, old, effect), Err(Failed::Lost));
    assert_eq!(fenced(frozen, old, effect), Err(Failed::Lost));
    assert_eq!(settle(other, new, effect), Ok(()));
    assert_eq!(settle(frozen, old, effect), Err(Failed::Lost));
    for wrote in [
        succeed(frozen, old).unwrap(),
        go_on(frozen, old).unwrap(),
        progress(frozen, old, 1, None).unwrap(),
        fail(frozen, old, "x", false).unwrap().is_some(),
    ] {
        assert!(!wrote);
    }

    assert_eq!(count(other, "effects"), 1);
    assert_eq!(read(other, id).state, JobState::Succeeded);
}

#[test]
fn an_effect_and_the_end_of_its_job_commit_together_or_not_at_all() {
    let conn = &mut crate::database().connect();
    with_effects(conn);
    let id = enqueued(conn, job());
    let mine = claimed(conn).claim();

    let undone = settle(conn, mine, |conn| {
        effect(conn)?;
        Err::<(), _>(Failed::Db(diesel::result::Error::NotFound))
    });
    assert_eq!(undone, Err(Failed::Db(diesel::result::Error::NotFound)));
    assert_eq!(count(conn, "effects"), 0);
    assert_eq!(read(conn, id).state, JobState::Running);

    assert_eq!(settle(conn, mine, effect), Ok(()));
    assert_eq!(
        settle(conn, mine, effect),
        Err(Failed::Lost),
        "it has ended"
    );
    assert_eq!(count(conn, "effects"), 1);
}

#[test]
fn a_job_cannot_be_taken_away_during_a_fenced_effect() {
    let database = crate::database();
    let (worker, other) = (&mut database.connect(), &mut database.connect());
    enqueued(worker, job());
    let mine = claimed(worker).claim();
    let_leases_run_out(worker);

    let lost = fenced(worker, mine, |_| {
        // A key that is in use can be enqueued meanwhile without waiting.
        other.batch_execute("SET lock_timeout = 50").unwrap();
        enqueue(other, keyed("another")).unwrap();
        Ok::<_, Failed>(reclaim(other, 10).unwrap().len())
    });

    assert_eq!(lost, Ok(0));
    assert_eq!(reclaim(other, 10).unwrap().len(), 1);
}

/// The order of the worker's effect and of the enqueuer's transaction are opposite: without care
/// each would wait for the other.
#[test]
fn whoever_enqueues_a_key_does_not_wait_for_the_effect_of_its_running_job() {
    let database = crate::database();
    let (worker, other) = (&mut database.connect(), &mut database.connect());
    enqueued(worker, keyed("order 17"));
    let mine = claimed(worker).claim();

    let joined = settle(worker, mine, |_| {
        other.batch_execute("SET lock_timeout = 50").unwrap();
        Ok::<_, Failed>(enqueue(other, keyed("order 17")).unwrap())
    });

    assert_eq!(joined, Ok(None));
}

#[test]
fn a_failure_is_tried_again_later_and_later_and_then_stays_visible() {
    let conn = &mut crate::database().connect();
    let three = NewJob {
        max_attempts: 3,
        ..job()
    };
    let id = enqueued(conn, three);
    for (least, most) in [(1.0, 2.0), (2.0, 4.0)] {
        let mine = claimed(conn).claim();
        assert_eq!(fail(conn, mine, "no answer", false), Ok(Some(false)));
        let job = read(conn, id);
        assert_eq!(job.state, JobState::Queued);
        let wait: f64 = text(
            conn,
            "(SELECT extract(epoch FROM run_at - now())::text FROM platform.jobs)",
        )
        .parse()
        .unwrap();
        assert!(wait > least - 0.5 && wait <= most, "{wait}");
        conn.batch_execute("UPDATE platform.jobs SET run_at = now()")
            .unwrap();
    }
    let mine = claimed(conn).claim();
    assert_eq!(fail(conn, mine, "no answer at all", false), Ok(Some(true)));

    let job = read(conn, id);
    assert_eq!((job.state, job.failures), (JobState::Failed, 3));
    assert_eq!(job.last_error.as_deref(), Some("no answer at all"));
    assert!(job.finished_at.is_some());
}

#[test]
fn no_wait_is_longer_than_an_hour_and_waits_are_spread() {
    let conn = &mut crate::database().connect();
    for _ in 0..4 {
        enqueued(
            conn,
            NewJob {
                max_attempts: 1_000,
                ..job()
            },
        );
    }
    conn.batch_execute("UPDATE platform.jobs SET failures = 500")
        .unwrap();
    for _ in 0..4 {
        let mine = claimed(conn).claim();
        fail(conn, mine, "x", false).unwrap();
    }
    let too_long = "platform.jobs WHERE run_at NOT BETWEEN now() + interval '29 minutes' AND now() + interval '1 hour'";
    assert_eq!(count(conn, too_long), 0);
    assert_eq!(
        count(conn, "(SELECT DISTINCT run_at FROM platform.jobs) d"),
        4
    );
}

#[test]
fn what_can_never_succeed_is_given_up_at_once() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    let mine = claimed(conn).claim();
    assert_eq!(fail(conn, mine, "no such order", true), Ok(Some(true)));
    assert_eq!(read(conn, id).state, JobState::Failed);
}

/// It may tell what a client or a provider sent.
#[test]
fn an_error_that_postgres_cannot_store_as_it_is_is_kept_all_the_same() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    let mine = claimed(conn).claim();
    assert_eq!(fail(conn, mine, "no \0 order", true), Ok(Some(true)));
    assert_eq!(read(conn, id).last_error.as_deref(), Some("no  order"));
}

#[test]
fn a_part_of_the_work_makes_room_for_the_rest_at_once() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    let first = claimed(conn).claim();
    assert_eq!(progress(conn, first, 20, Some(50)), Ok(true));
    let job = read(conn, id);
    assert_eq!((job.progress, job.progress_total), (20, Some(50)));

    assert_eq!(go_on(conn, first), Ok(true));

    let second = claimed(conn);
    assert_eq!((second.id, second.claim()), (id, Claim { id, attempt: 2 }));
}

#[test]
fn a_job_that_is_to_be_cancelled_writes_nothing_more() {
    let conn = &mut crate::database().connect();
    with_effects(conn);
    let id = enqueued(conn, job());
    let mine = claimed(conn).claim();
    assert_eq!(confirm_cancelled(conn, mine), Ok(false), "nobody wants it");
    let asked = cancel(conn, id).unwrap();
    assert_eq!(asked.state, JobState::Running);
    assert!(asked.cancel_requested_at.is_some());

    assert_eq!(settle(conn, mine, effect), Err(Failed::Lost));
    assert_eq!(fail(conn, mine, "x", false), Ok(None));
    assert_eq!(confirm_cancelled(conn, mine), Ok(true));

    assert_eq!(count(conn, "effects"), 0);
    assert_eq!(read(conn, id).state, JobState::Cancelled);
}
