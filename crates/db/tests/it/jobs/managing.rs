use db::jobs::finishing::{fail, succeed};
use db::jobs::managing::{
    Filter, ManageError, cancel, count_by_queue, list, prune, retry, run_now,
};
use db::jobs::{NewJob, enqueue};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{JobId, JobState, PageSize};

use super::{claimed, enqueued, job, keyed, read};
use crate::count;

fn failed(conn: &mut PgConnection, new: NewJob) -> JobId {
    let id = enqueued(conn, new);
    let mine = claimed(conn).claim();
    fail(conn, mine, "x", true).unwrap();
    id
}

fn wrong_state(outcome: Result<db::jobs::Job, ManageError>) -> (JobState, &'static [JobState]) {
    match outcome {
        Err(ManageError::WrongState { state, allowed }) => (state, allowed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_given_up_is_retried_with_all_its_attempts() {
    let conn = &mut crate::database().connect();
    let id = failed(conn, job());

    let again = retry(conn, id).unwrap();

    assert_eq!((again.state, again.failures), (JobState::Queued, 0));
    let second = claimed(conn);
    assert_eq!((second.id, second.attempts), (id, 2));
    let (state, allowed) = wrong_state(retry(conn, id));
    assert_eq!(state, JobState::Running);
    assert_eq!(allowed, [JobState::Failed, JobState::Cancelled]);
}

#[test]
fn a_retry_does_not_make_a_second_unfinished_job_of_a_key() {
    let conn = &mut crate::database().connect();
    let id = failed(conn, keyed("order 17"));
    enqueued(conn, keyed("order 17"));
    assert!(matches!(retry(conn, id), Err(ManageError::KeyTaken)));
    assert_eq!(read(conn, id).state, JobState::Failed);
}

#[test]
fn a_queued_job_is_cancelled_at_once_and_stays_so() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, keyed("order 17"));
    for _ in 0..2 {
        assert_eq!(cancel(conn, id).unwrap().state, JobState::Cancelled);
    }
    assert!(enqueue(conn, keyed("order 17")).unwrap().is_some());
    let other = claimed(conn);
    assert_ne!(other.id, id);
    succeed(conn, other.claim()).unwrap();
    assert_eq!(wrong_state(cancel(conn, other.id)).0, JobState::Succeeded);
}

#[test]
fn a_job_that_waits_for_its_time_runs_now() {
    let conn = &mut crate::database().connect();
    let id = enqueued(
        conn,
        NewJob {
            delay_seconds: 3_600.0,
            ..job()
        },
    );
    run_now(conn, id).unwrap();
    assert_eq!(claimed(conn).id, id);
    assert_eq!(wrong_state(run_now(conn, id)).0, JobState::Running);
    let unknown = JobId::try_from(999).unwrap();
    assert!(matches!(run_now(conn, unknown), Err(ManageError::NotFound)));
}

#[test]
fn jobs_are_listed_newest_first_by_state_queue_and_kind() {
    let conn = &mut crate::database().connect();
    let gone = failed(conn, job());
    let upkeep = enqueued(conn, NewJob::new("upkeep", "prune"));
    let mail = enqueued(conn, job());
    let mut ids = |filter: Filter, before, size| -> Vec<i64> {
        let size = PageSize::try_from(size).unwrap();
        let jobs = list(conn, filter, before, size).unwrap();
        jobs.iter().map(|job| job.id.get()).collect()
    };
    let all = Filter::default;

    assert_eq!(ids(all(), None, 10), [mail.get(), upkeep.get(), gone.get()]);
    assert_eq!(
        ids(all(), Some(mail.get()), 1),
        [upkeep.get(), gone.get()],
        "one more than asked"
    );
    let state = Some(JobState::Failed);
    assert_eq!(ids(Filter { state, ..all() }, None, 10), [gone.get()]);
    let queue = Some("upkeep".to_owned());
    assert_eq!(ids(Filter { queue, ..all() }, None, 10), [upkeep.get()]);
    let kind = Some("mail".to_owned());
    assert_eq!(
        ids(Filter { kind, ..all() }, None, 10),
        [mail.get(), gone.get()]
    );
}

#[test]
fn queues_tell_what_they_hold_and_how_long_it_is_due() {
    let conn = &mut crate::database().connect();
    failed(conn, job());
    enqueued(conn, job());
    claimed(conn);
    enqueued(conn, job());
    enqueued(conn, job());
    let due = "UPDATE platform.jobs SET run_at = now() - interval '90 seconds' WHERE id = \
               (SELECT max(id) FROM platform.jobs)";
    conn.batch_execute(due).unwrap();

    let counts = count_by_queue(conn).unwrap();

    let [default, fetches, imports, media, upkeep] = &counts[..] else {
        panic!("{counts:?}");
    };
    assert_eq!((default.queued, default.running, default.failed), (2, 1, 1));
    assert!((90.0..100.0).contains(&default.oldest_due_seconds));
    for idle in [fetches, imports, media, upkeep] {
        assert_eq!((idle.queued, idle.running, idle.failed), (0, 0, 0));
    }
}

#[test]
fn finished_jobs_are_thrown_away_by_age_and_failed_ones_later() {
    let conn = &mut crate::database().connect();
    failed(conn, job());
    for _ in 0..3 {
        enqueued(conn, job());
        let mine = claimed(conn).claim();
        succeed(conn, mine).unwrap();
    }
    enqueued(conn, job());
    let age = |days: i32| {
        format!(
            "UPDATE platform.jobs SET created_at = now() - interval '{days} days', \
                  finished_at = finished_at - interval '{days} days'"
        )
    };
    assert_eq!(prune(conn, 24, 30, 100).unwrap(), 0);

    conn.batch_execute(&age(2)).unwrap();
    assert_eq!(prune(conn, 24, 30, 2).unwrap(), 2);
    assert_eq!(prune(conn, 24, 30, 2).unwrap(), 1);
    assert_eq!(count(conn, "platform.jobs WHERE state = 'failed'"), 1);
    conn.batch_execute(&age(30)).unwrap();
    assert_eq!(prune(conn, 24, 30, 100).unwrap(), 1);
    assert_eq!(
        count(conn, "platform.jobs WHERE state = 'queued'"),
        1,
        "however old"
    );
}
