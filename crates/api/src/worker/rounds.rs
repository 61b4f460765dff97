//! The rounds of a worker: look, claim, run; renew leases meanwhile; stop in good order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::DbError;
use db::jobs::claiming::{self, Lost};
use db::jobs::finishing;
use db::jobs::{Claim, Job};
use db::schedules::{self, Ticked};
use domain::JobId;
use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use tokio::task::JoinSet;

use super::{Done, JobError, Run, Running, Shared};

/// Leases of dead workers that are taken away at a time.
const RECLAIM_LIMIT: i64 = 100;
/// The longest a lease goes without being renewed; also how soon a wish to cancel is noticed.
const RENEW_AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// How long what was cut off may take to write that it was.
const LAST_WRITES: Duration = Duration::from_secs(3);

/// Looks for work until the worker stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    let mut runs = JoinSet::new();
    let mut has_schedules = false;
    while !shared.is_stopping() {
        while runs.try_join_next().is_some() {} // what has ended takes no place
        let claimed = match round(&shared, &mut has_schedules, runs.len()).await {
            Ok(jobs) => jobs,
            Err(error) => {
                log::warn!(error:% = error; "cannot look for jobs, trying again");
                Vec::new()
            }
        };
        let found_some = !claimed.is_empty();
        for job in claimed {
            runs.spawn(begin(&shared, job));
        }
        if found_some {
            continue; // there may be more
        }
        tokio::select! {
            _ = stop.changed() => {}
            Some(_) = runs.join_next() => {} // a place is free, and its job may be due again
            () = tokio::time::sleep(jittered(shared.poll)) => {}
        }
    }
    finish(&shared, runs).await;
}

/// Runs due ticks, takes jobs from dead workers, and claims as many as there is room for.
async fn round(
    shared: &Arc<Shared>,
    has_schedules: &mut bool,
    running: usize,
) -> Result<Vec<Job>, DbError> {
    let room = shared.parallelism.saturating_sub(running);
    let (ours, is_new) = (Arc::clone(shared), !*has_schedules);
    let look = move |conn: &mut diesel::PgConnection| {
        let kinds = ours.kinds.names();
        if is_new {
            for schedule in ours.kinds.schedules() {
                schedules::ensure(conn, schedule)?;
            }
        }
        let scheduled = ours.kinds.schedules();
        let scheduled: Vec<&str> = scheduled.map(|s| s.kind.as_str()).collect();
        let ticked = schedules::tick(conn, &scheduled)?;
        let lost = claiming::reclaim(conn, RECLAIM_LIMIT)?;
        let jobs = match room {
            0 => Vec::new(),
            _ => claiming::claim(conn, &ours.holder, &kinds, room, ours.lease)?,
        };
        Ok::<_, DbError>((ticked, lost, jobs))
    };
    let (ticked, lost, jobs) = shared.state.background.run(look).await?;
    if !jobs.is_empty() {
        db::faults::point("after_job_claim");
    }
    *has_schedules = true;
    tell_looked(&ticked, &lost);
    Ok(jobs)
}

fn tell_looked(ticked: &Ticked, lost: &[Lost]) {
    if ticked.skipped > 0 {
        log::warn!(skipped = ticked.skipped; "ticks were missed and left out");
        metrics::counter!("job_ticks_skipped_total").increment(ticked.skipped);
    }
    for job in lost {
        log::warn!(job:% = job.id, kind = job.kind.as_str(), state = job.state.code(); "a lease was lost");
        metrics::counter!("job_leases_lost_total", "kind" => job.kind.clone()).increment(1);
    }
}

/// Half of `pause` to all of it, so that workers do not look in step.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// Notes that a job runs, and returns what does it. It is noted before anything is awaited, so that
/// no lease goes unrenewed. An earlier attempt may be under way here, if this worker was frozen for
/// longer than its lease: that is cut off.
fn begin(shared: &Arc<Shared>, job: Job) -> impl Future<Output = ()> + Send + use<> {
    let (abort, registration) = AbortHandle::new_pair();
    let claim = job.claim();
    let earlier = shared.with_running(|running| running.insert(job.id, Running { claim, abort }));
    if let Some(earlier) = earlier {
        earlier.abort.abort();
    }
    let shared = Arc::clone(shared);
    async move {
        let (id, kind, started) = (job.id, job.kind.clone(), Instant::now());
        let handled = match shared.kinds.handler(&kind) {
            Some(handler) => {
                let run = Run {
                    state: Arc::clone(&shared.state),
                    job,
                    stop: shared.stop.clone(),
                };
                let work = AssertUnwindSafe(async move { handler(Arc::new(run)).await });
                Abortable::new(work.catch_unwind(), registration).await
            }
            None => Ok(Ok(Err(JobError::Retry("no handler".into())))), // only known kinds are claimed
        };
        let result = match handled {
            Ok(Ok(result)) => Some(result),
            Ok(Err(_)) => Some(Err(JobError::Retry("panicked".into()))),
            Err(Aborted) => None,
        };
        let outcome = end(&shared, claim, result).await;
        shared.with_running(|running| {
            if running.get(&id).is_some_and(|run| run.claim == claim) {
                running.remove(&id); // and no later attempt
            }
        });
        let duration = started.elapsed();
        log::debug!(job:% = id, kind = kind.as_str(), outcome, duration_us = duration.as_micros(); "job");
        metrics::histogram!("job_run_seconds", "kind" => kind, "outcome" => outcome)
            .record(duration.as_secs_f64());
    }
}

/// Writes what an attempt came to, and names it. `None`: it was cut off.
async fn end(
    shared: &Shared,
    claim: Claim,
    result: Option<Result<Done, JobError>>,
) -> &'static str {
    let is_stopping = shared.is_stopping();
    let write = move |conn: &mut diesel::PgConnection| match result {
        Some(Ok(Done::Settled)) => Ok("succeeded"),
        Some(Ok(Done::All)) if finishing::succeed(conn, claim)? => Ok("succeeded"),
        Some(Ok(Done::Part)) if finishing::go_on(conn, claim)? => Ok("part"),
        Some(Err(JobError::Retry(error))) => failed(conn, claim, &error, false),
        Some(Err(JobError::Final(error))) => failed(conn, claim, &error, true),
        None if is_stopping && claiming::give_back(conn, &[claim])? > 0 => Ok("givenBack"),
        _ => lost(conn, claim),
    };
    match shared.state.background.run(write).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let error: DbError = error;
            log::warn!(job:% = claim.id, error:% = error; "cannot write how a job ended; its lease will run out");
            "unwritten"
        }
    }
}

fn failed(
    conn: &mut diesel::PgConnection,
    claim: Claim,
    error: &str,
    is_final: bool,
) -> Result<&'static str, DbError> {
    match finishing::fail(conn, claim, error, is_final)? {
        Some(true) => {
            log::error!(job:% = claim.id, attempt = claim.attempt, error; "a job was given up");
            Ok("failed")
        }
        Some(false) => {
            log::warn!(job:% = claim.id, attempt = claim.attempt, error; "a job is to be tried again");
            Ok("retried")
        }
        None => lost(conn, claim),
    }
}

/// The job is not ours any more, because it was cancelled or because our lease ran out.
fn lost(conn: &mut diesel::PgConnection, claim: Claim) -> Result<&'static str, DbError> {
    if finishing::confirm_cancelled(conn, claim)? {
        return Ok("cancelled");
    }
    log::warn!(job:% = claim.id, attempt = claim.attempt; "a job is not ours any more; nothing was written");
    metrics::counter!("job_writes_fenced_total").increment(1);
    Ok("lost")
}

/// Renews the leases of all that runs, and cuts off what is not ours any more.
pub(super) async fn renew(shared: Arc<Shared>) {
    let every = (shared.lease / 3).min(RENEW_AT_LEAST_EVERY);
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let claims: Vec<Claim> =
            shared.with_running(|running| running.values().map(|run| run.claim).collect());
        if claims.is_empty() {
            continue;
        }
        let (asked, lease) = (claims.clone(), shared.lease);
        let renewing = shared
            .state
            .background
            .run(move |conn| claiming::renew(conn, &asked, lease).map_err(DbError::from));
        match renewing.await {
            Ok(held) => cut_off(&shared, &claims, &held),
            Err(error) => log::warn!(error:% = error; "cannot renew leases, trying again"),
        }
    }
}

fn cut_off(shared: &Shared, claims: &[Claim], held: &[JobId]) {
    shared.with_running(|running| {
        for claim in claims.iter().filter(|claim| !held.contains(&claim.id)) {
            // It may have ended meanwhile, and run again.
            if let Some(run) = running.get(&claim.id)
                && run.claim == *claim
            {
                run.abort.abort();
            }
        }
    });
}

/// Waits for what runs, as long as the budget lasts, and gives the rest back.
async fn finish(shared: &Shared, mut runs: JoinSet<()>) {
    if runs.is_empty() {
        return;
    }
    log::info!(running = runs.len(); "stopping: finishing jobs under way");
    if wait_for(&mut runs, shared.stop_budget).await {
        return;
    }
    shared.with_running(|running| running.values().for_each(|run| run.abort.abort()));
    if !wait_for(&mut runs, LAST_WRITES).await {
        log::warn!(running = runs.len(); "jobs are left behind; their leases will run out");
    }
}

/// Whether all have ended in time.
async fn wait_for(runs: &mut JoinSet<()>, budget: Duration) -> bool {
    let ended = async { while runs.join_next().await.is_some() {} };
    tokio::time::timeout(budget, ended).await.is_ok()
}
