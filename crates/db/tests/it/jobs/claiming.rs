use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use db::jobs::claiming::{claim, give_back, reclaim, renew};
use db::jobs::finishing::succeed;
use db::jobs::managing::{cancel, set_concurrency};
use db::jobs::{Claim, NewJob, enqueue};
use diesel::connection::SimpleConnection;
use domain::JobState;

use super::{LEASE, claimed, enqueued, job, keyed, let_leases_run_out, read};
use crate::{count, wait_until};

const CLAIMERS: usize = 16;
const LIMIT: i32 = 3;
const JOBS: usize = 120;

/// Sixteen claimers, each with more room than the queue allows: what any of them sees running at
/// any moment never exceeds the queue's limit, and every job is done exactly once.
#[test]
fn a_limit_holds_over_all_claimers() {
    let database = crate::database();
    let conn = &mut database.connect();
    set_concurrency(conn, "default", LIMIT).unwrap();
    for _ in 0..JOBS {
        enqueued(conn, job());
    }
    // Not asserted in the threads: one that panicked would leave the others waiting for its jobs.
    let (most, done) = (AtomicI64::new(0), AtomicUsize::new(0));

    thread::scope(|scope| {
        for _ in 0..CLAIMERS {
            scope.spawn(|| {
                let conn = &mut database.connect();
                while done.load(Ordering::SeqCst) < JOBS {
                    for job in claim(conn, "ann", &["mail"], 5, LEASE).unwrap() {
                        let seen = count(conn, "platform.jobs WHERE state = 'running'");
                        most.fetch_max(seen, Ordering::SeqCst);
                        succeed(conn, job.claim()).unwrap();
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });

    assert_eq!(most.load(Ordering::SeqCst), i64::from(LIMIT));
    assert_eq!(done.load(Ordering::SeqCst), JOBS);
    let once = "platform.jobs WHERE state = 'succeeded' AND attempts = 1";
    assert_eq!(count(conn, once), i64::try_from(JOBS).unwrap());
}

#[test]
fn a_full_queue_leaves_the_others_alone() {
    let conn = &mut crate::database().connect();
    set_concurrency(conn, "default", 1).unwrap();
    for _ in 0..3 {
        enqueued(conn, job());
        enqueued(conn, NewJob::new("upkeep", "mail"));
    }

    let first = claim(conn, "ann", &["mail"], 10, LEASE).unwrap();
    let queues: Vec<_> = first.iter().map(|job| job.queue.as_str()).collect();
    assert_eq!(queues, ["default", "upkeep", "upkeep", "upkeep"]);
    assert_eq!(claim(conn, "bob", &["mail"], 10, LEASE).unwrap().len(), 0);

    assert!(succeed(conn, first[0].claim()).unwrap());
    assert_eq!(claim(conn, "bob", &["mail"], 10, LEASE).unwrap().len(), 1);
}

#[test]
fn the_lowest_priority_number_goes_first_then_the_longest_due() {
    let conn = &mut crate::database().connect();
    let late = enqueued(conn, job());
    let early = enqueued(conn, job());
    let urgent = NewJob {
        priority: -1,
        ..job()
    };
    let urgent = enqueued(conn, urgent);
    let tomorrow = NewJob {
        delay_seconds: 86_400.0,
        priority: -9,
        ..job()
    };
    enqueued(conn, tomorrow);
    let earlier = format!(
        "UPDATE platform.jobs SET run_at = run_at - interval '1 minute' WHERE id = {early}"
    );
    conn.batch_execute(&earlier).unwrap();

    let order: Vec<_> = (0..3).map(|_| claimed(conn).id).collect();

    assert_eq!(order, [urgent, early, late]);
    assert_eq!(claim(conn, "ann", &["mail"], 1, LEASE).unwrap().len(), 0);
}

#[test]
fn a_kind_that_a_worker_does_not_know_is_left_to_others() {
    let conn = &mut crate::database().connect();
    enqueued(conn, NewJob::new("default", "of a newer release"));
    let known = enqueued(conn, job());

    let claims = claim(conn, "ann", &["mail"], 10, LEASE).unwrap();

    assert_eq!(claims.iter().map(|job| job.id).collect::<Vec<_>>(), [known]);
}

#[test]
fn enqueuing_does_not_wait_for_claims_nor_claims_for_it() {
    let database = crate::database();
    let (enqueuer, claimer) = (&mut database.connect(), &mut database.connect());
    enqueued(claimer, job());
    for conn in [&mut *enqueuer, &mut *claimer] {
        conn.batch_execute("SET lock_timeout = 50; BEGIN").unwrap();
    }

    enqueued(enqueuer, job());
    assert_eq!(claim(claimer, "ann", &["mail"], 5, LEASE).unwrap().len(), 1);
    enqueued(enqueuer, job());
}

#[test]
fn a_lease_that_runs_out_goes_to_somebody_else_under_the_next_number() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    let frozen = claimed(conn);
    assert_eq!(reclaim(conn, 10).unwrap().len(), 0, "it holds");
    let_leases_run_out(conn);

    let lost = reclaim(conn, 10).unwrap();
    assert_eq!((lost[0].id, lost[0].state), (id, JobState::Queued));
    let second = claimed(conn);

    assert_eq!((second.id, second.attempts, second.failures), (id, 2, 1));
    assert!(second.last_error.unwrap().contains("ann"));
    assert_eq!(renew(conn, &[frozen.claim()], LEASE).unwrap(), []);
    let second = Claim { id, attempt: 2 };
    assert_eq!(renew(conn, &[second], LEASE).unwrap(), [id]);
}

#[test]
fn whoever_loses_the_lease_each_time_is_given_up() {
    let conn = &mut crate::database().connect();
    let id = enqueued(
        conn,
        NewJob {
            max_attempts: 2,
            ..job()
        },
    );
    for expected in [JobState::Queued, JobState::Failed] {
        claimed(conn);
        let_leases_run_out(conn);
        assert_eq!(reclaim(conn, 10).unwrap()[0].state, expected);
    }
    let job = read(conn, id);
    assert!(job.finished_at.is_some() && job.last_error.is_some());
}

#[test]
fn a_renewed_lease_does_not_run_out() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    let short = claim(conn, "ann", &["mail"], 1, Duration::from_secs(1)).unwrap();

    assert_eq!(renew(conn, &[short[0].claim()], LEASE).unwrap(), [id]);

    let later =
        format!("platform.jobs WHERE id = {id} AND lease_until > now() + interval '20 seconds'");
    assert_eq!(count(conn, &later), 1);
}

#[test]
fn a_lease_that_is_given_back_costs_no_attempt() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, keyed("once"));
    let first = claimed(conn);

    assert_eq!(give_back(conn, &[first.claim()]).unwrap(), 1);

    let again = claimed(conn);
    assert_eq!((again.id, again.attempts, again.failures), (id, 2, 0));
    assert_eq!(
        give_back(conn, &[first.claim()]).unwrap(),
        0,
        "it is not its own any more"
    );
}

#[test]
fn a_lost_job_that_was_to_be_cancelled_is_cancelled() {
    let conn = &mut crate::database().connect();
    let id = enqueued(conn, job());
    claimed(conn);
    cancel(conn, id).unwrap();
    let_leases_run_out(conn);

    assert_eq!(reclaim(conn, 10).unwrap()[0].state, JobState::Cancelled);
}

#[test]
fn what_is_just_being_finished_is_not_taken_away() {
    let database = crate::database();
    let (worker, other) = (&mut database.connect(), &mut database.connect());
    let id = enqueued(worker, job());
    let mine = claimed(worker).claim();
    let_leases_run_out(worker);
    worker.batch_execute("BEGIN").unwrap();
    assert!(succeed(worker, mine).unwrap());

    other.batch_execute("SET lock_timeout = 50").unwrap();
    assert_eq!(reclaim(other, 10).unwrap().len(), 0);
    assert_eq!(
        renew(other, &[mine], LEASE).unwrap(),
        [id],
        "neither lost nor waited for"
    );

    worker.batch_execute("COMMIT").unwrap();
    assert_eq!(reclaim(other, 10).unwrap().len(), 0);
    assert_eq!(read(other, id).state, JobState::Succeeded);
}

#[test]
fn two_who_enqueue_one_key_at_once_make_one_job() {
    let database = crate::database();
    let first = &mut database.connect();
    first.batch_execute("BEGIN").unwrap();
    enqueued(first, keyed("once"));
    let second = thread::spawn({
        let conn = &mut database.connect();
        let mut conn = std::mem::replace(conn, database.connect());
        move || enqueue(&mut conn, keyed("once")).unwrap()
    });
    let waiting =
        "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let watcher = &mut database.connect();
    wait_until("the second one waits", || count(watcher, waiting) == 1);

    first.batch_execute("COMMIT").unwrap();

    assert_eq!(second.join().unwrap(), None);
    assert_eq!(count(watcher, "platform.jobs"), 1);
}
