//! Leases: taken, renewed, lost and given back.
//!
//! A queue's limit holds over all replicas, because the places are counted under a lock of the
//! queue's row. A worker takes only kinds it has a handler for, so that an older release leaves
//! the jobs of a newer one alone.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use domain::{JobId, JobState};

use super::{Claim, Job, JobColumns, job_id, select_jobs};

crate::statement! {
    struct ClaimJobs {
        holder: String => Text,
        kinds: Vec<String> => Array<Text>,
        most: i32 => Integer,
        lease_seconds: i32 => Integer,
    } -> JobColumns =
    select_jobs!("FROM platform.claim_jobs($1, $2, $3, $4)")
}

crate::statement! {
    struct RenewLeases {
        ids: Vec<i64> => Array<BigInt>,
        attempts: Vec<i32> => Array<Integer>,
        lease_seconds: i32 => Integer,
    } -> BigInt =
    "WITH held AS MATERIALIZED ( \
       SELECT j.id FROM platform.jobs j \
         JOIN unnest($1, $2) AS mine (id, attempt) ON j.id = mine.id AND j.attempts = mine.attempt \
        WHERE j.state = 'running' AND j.cancel_requested_at IS NULL), \
     free AS MATERIALIZED ( \
       SELECT j.id FROM platform.jobs j WHERE j.id IN (SELECT id FROM held) AND j.state = 'running' \
        ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED), \
     renewed AS ( \
       UPDATE platform.jobs j SET lease_until = clock_timestamp() + make_interval(secs => $3) \
         FROM free WHERE j.id = free.id) \
     SELECT id FROM held"
}

crate::statement! {
    struct ReclaimLost { limit: i64 => BigInt } -> (BigInt, Text, Text) =
    "WITH lost AS MATERIALIZED ( \
       SELECT id FROM platform.jobs WHERE state = 'running' AND lease_until < now() \
        ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED), \
     judged AS ( \
       SELECT j.id, CASE WHEN j.cancel_requested_at IS NOT NULL THEN 'cancelled' \
                         WHEN j.failures + 1 >= j.max_attempts THEN 'failed' ELSE 'queued' END AS state \
         FROM platform.jobs j JOIN lost ON lost.id = j.id) \
     UPDATE platform.jobs j \
        SET state = judged.state, failures = j.failures + 1, \
            last_error = 'lease lost: ' || j.holder || ' did not renew it in time', \
            holder = NULL, lease_until = NULL, run_at = now(), \
            finished_at = CASE WHEN judged.state <> 'queued' THEN now() END \
       FROM judged WHERE j.id = judged.id RETURNING j.id, j.kind, j.state"
}

crate::statement! {
    struct GiveBack { ids: Vec<i64> => Array<BigInt>, attempts: Vec<i32> => Array<Integer> } -> BigInt =
    "UPDATE platform.jobs j \
        SET state = CASE WHEN j.cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END, \
            finished_at = CASE WHEN j.cancel_requested_at IS NOT NULL THEN now() END, \
            holder = NULL, lease_until = NULL, run_at = now() \
       FROM unnest($1, $2) AS mine (id, attempt) \
      WHERE j.id = mine.id AND j.attempts = mine.attempt AND j.state = 'running' RETURNING j.id"
}

/// A job whose worker did not renew its lease.
#[derive(Clone, Debug, Queryable)]
pub struct Lost {
    #[diesel(deserialize_as = i64)]
    pub id: JobId,
    pub kind: String,
    /// What became of it: queued again, given up, or cancelled as somebody had asked.
    #[diesel(deserialize_as = String)]
    pub state: JobState,
}

/// Claims up to `most` due jobs of the given kinds: the lowest priority number first, then the
/// longest due, and never more of a queue than its limit over all replicas.
///
/// # Errors
///
/// Those of the database.
pub fn claim(
    conn: &mut PgConnection,
    holder: &str,
    kinds: &[&str],
    most: usize,
    lease: Duration,
) -> QueryResult<Vec<Job>> {
    let statement = ClaimJobs {
        holder: holder.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        most: i32::try_from(most).unwrap_or(i32::MAX),
        lease_seconds: seconds(lease),
    };
    statement.load(conn)
}

/// Renews leases, and returns the ids of the jobs that still are the caller's to work on.
///
/// One that is missing was lost to another worker, or somebody wants it cancelled. A job whose row
/// is locked is just being finished by its own worker; it stays as it is.
///
/// # Errors
///
/// Those of the database.
pub fn renew(
    conn: &mut PgConnection,
    claims: &[Claim],
    lease: Duration,
) -> QueryResult<Vec<JobId>> {
    let statement = RenewLeases {
        ids: claims.iter().map(|claim| claim.id.get()).collect(),
        attempts: claims.iter().map(|claim| claim.attempt).collect(),
        lease_seconds: seconds(lease),
    };
    let held: Vec<i64> = statement.load(conn)?;
    held.into_iter().map(job_id).collect()
}

/// Takes jobs away from workers that did not renew their leases: dead, frozen or cut off.
///
/// # Errors
///
/// Those of the database.
pub fn reclaim(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<Lost>> {
    ReclaimLost { limit }.load(conn)
}

/// Gives leases back, as a worker does that stops: the jobs are due again at once, and the attempt
/// does not count as one that came to nothing.
///
/// # Errors
///
/// Those of the database.
pub fn give_back(conn: &mut PgConnection, claims: &[Claim]) -> QueryResult<usize> {
    let statement = GiveBack {
        ids: claims.iter().map(|claim| claim.id.get()).collect(),
        attempts: claims.iter().map(|claim| claim.attempt).collect(),
    };
    statement.execute(conn)
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
