//! What a worker may write as long as the job is its own.
//!
//! All of it is fenced by the attempt number: once another worker has claimed the job, or somebody
//! has asked to cancel it, nothing here writes any more.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use super::Claim;
use crate::faults;

/// The job is not this worker's any more: its lease went to another one, or it was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the job is not this worker's any more")]
pub struct LeaseLost;

crate::statement! {
    /// Only locks: an UPDATE would make whoever enqueues a job with the same key wait for the end
    /// of this transaction, which may wait for a row of theirs.
    struct Hold { id: i64 => BigInt, attempt: i32 => Integer } -> Bool =
    "SELECT true FROM platform.jobs \
      WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NULL FOR NO KEY UPDATE"
}

crate::statement! {
    struct Succeed { id: i64 => BigInt, attempt: i32 => Integer } -> BigInt =
    "UPDATE platform.jobs SET state = 'succeeded', finished_at = now(), holder = NULL, lease_until = NULL \
      WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NULL RETURNING id"
}

crate::statement! {
    struct GoOn { id: i64 => BigInt, attempt: i32 => Integer } -> BigInt =
    "UPDATE platform.jobs SET state = 'queued', failures = 0, run_at = now(), holder = NULL, lease_until = NULL \
      WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NULL RETURNING id"
}

crate::statement! {
    /// Waits 1 to 2 s after the first failure, twice as long after each further one, at most an
    /// hour. The jitter keeps what failed together from being tried again together.
    struct Fail { id: i64 => BigInt, attempt: i32 => Integer, error: String => Text, is_final: bool => Bool } -> Text =
    "WITH judged AS ( \
       SELECT id, $4 OR failures + 1 >= max_attempts AS is_over FROM platform.jobs \
        WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NULL FOR NO KEY UPDATE) \
     UPDATE platform.jobs j \
        SET state = CASE WHEN is_over THEN 'failed' ELSE 'queued' END, failures = j.failures + 1, last_error = $3, \
            run_at = CASE WHEN is_over THEN j.run_at ELSE \
              now() + make_interval(secs => least(3600, power(2, least(j.failures + 1, 12))) * (0.5 + random() / 2)) END, \
            finished_at = CASE WHEN is_over THEN now() END, holder = NULL, lease_until = NULL \
       FROM judged WHERE j.id = judged.id RETURNING j.state"
}

crate::statement! {
    struct ConfirmCancelled { id: i64 => BigInt, attempt: i32 => Integer } -> BigInt =
    "UPDATE platform.jobs SET state = 'cancelled', finished_at = now(), holder = NULL, lease_until = NULL \
      WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NOT NULL RETURNING id"
}

crate::statement! {
    struct Progress {
        id: i64 => BigInt,
        attempt: i32 => Integer,
        done: i64 => BigInt,
        total: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "UPDATE platform.jobs SET progress = $3, progress_total = $4 \
      WHERE id = $1 AND attempts = $2 AND state = 'running' AND cancel_requested_at IS NULL RETURNING id"
}

/// Runs `work` in a transaction in which nobody can take the job away: it commits while the job is
/// this worker's, or not at all. The job goes on.
///
/// # Errors
///
/// [`LeaseLost`], and those of `work`; nothing is written then.
pub fn fenced<T, E>(
    conn: &mut PgConnection,
    claim: Claim,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<LeaseLost> + From<diesel::result::Error>,
{
    conn.transaction(|conn| {
        if !hold(conn, claim)? {
            return Err(E::from(LeaseLost));
        }
        work(conn)
    })
}

/// Keeps the job from being taken away until the transaction ends, and returns whether it still is the worker's: what
/// [`fenced`] does for work that has a transaction of its own already. Before any row that the work locks.
///
/// # Errors
///
/// Those of the database.
pub fn hold(conn: &mut PgConnection, claim: Claim) -> QueryResult<bool> {
    let hold = Hold {
        id: claim.id.get(),
        attempt: claim.attempt,
    };
    let is_ours = hold.get_result::<bool>(conn).optional()?.is_some();
    Ok(is_ours || faults::mutant("unfenced_finish"))
}

/// Commits an effect and the end of its job in one transaction, so that the effect happens once,
/// however often the job was claimed.
///
/// # Errors
///
/// [`LeaseLost`], and those of `work`; nothing is written then.
pub fn settle<T, E>(
    conn: &mut PgConnection,
    claim: Claim,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<LeaseLost> + From<diesel::result::Error>,
{
    fenced(conn, claim, |conn| {
        let result = work(conn)?;
        if succeed(conn, claim)? {
            Ok(result)
        } else {
            Err(E::from(LeaseLost)) // `work` itself has ended the job
        }
    })
}

/// Ends a job that has done its work. Returns whether it still was the worker's to end.
///
/// # Errors
///
/// Those of the database.
pub fn succeed(conn: &mut PgConnection, claim: Claim) -> QueryResult<bool> {
    let (id, attempt) = (claim.id.get(), claim.attempt);
    faults::point("before_job_finish");
    Ok(Succeed { id, attempt }.execute(conn)? > 0 || faults::mutant("unfenced_finish"))
}

/// Puts a job back that did a part of its work: it is due again at once. Returns whether it still
/// was the worker's.
///
/// # Errors
///
/// Those of the database.
pub fn go_on(conn: &mut PgConnection, claim: Claim) -> QueryResult<bool> {
    let (id, attempt) = (claim.id.get(), claim.attempt);
    Ok(GoOn { id, attempt }.execute(conn)? > 0)
}

/// Writes down that an attempt came to nothing. The job is tried again later, or given up after
/// its last attempt, or at once if `is_final`.
///
/// Returns whether it was given up, and `None` when the job was not the worker's any more.
///
/// # Errors
///
/// Those of the database.
pub fn fail(
    conn: &mut PgConnection,
    claim: Claim,
    error: &str,
    is_final: bool,
) -> QueryResult<Option<bool>> {
    let statement = Fail {
        id: claim.id.get(),
        attempt: claim.attempt,
        // Postgres has no NUL character.
        error: error.chars().filter(|c| *c != '\0').take(2_000).collect(),
        is_final,
    };
    let state = statement.get_result::<String>(conn).optional()?;
    Ok(state.map(|state| state == "failed"))
}

/// Ends a job that somebody wants cancelled; its worker has let go of it. Returns whether there was
/// such a wish.
///
/// # Errors
///
/// Those of the database.
pub fn confirm_cancelled(conn: &mut PgConnection, claim: Claim) -> QueryResult<bool> {
    let (id, attempt) = (claim.id.get(), claim.attempt);
    Ok(ConfirmCancelled { id, attempt }.execute(conn)? > 0)
}

/// Tells how far a job has come. Returns whether it still is the worker's.
///
/// # Errors
///
/// Those of the database.
pub fn progress(
    conn: &mut PgConnection,
    claim: Claim,
    done: i64,
    total: Option<i64>,
) -> QueryResult<bool> {
    let statement = Progress {
        id: claim.id.get(),
        attempt: claim.attempt,
        done,
        total,
    };
    Ok(statement.execute(conn)? > 0)
}
