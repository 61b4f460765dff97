//! What people do with jobs, and what is thrown away.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Float8, Integer, Nullable, Text};
use domain::{JobId, JobState, PageSize};

use super::{Job, JobColumns, find, select_jobs};

/// Which jobs to list; `None`: all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<JobState>,
    pub queue: Option<String>,
    pub kind: Option<String>,
}

/// Why a job was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    #[error("no such job")]
    NotFound,
    /// Its state does not allow that; these would.
    #[error("a job that is {state} cannot be changed this way")]
    WrongState {
        state: JobState,
        allowed: &'static [JobState],
    },
    /// Another job with the same key has yet to finish.
    #[error("another job with the same key has yet to finish")]
    KeyTaken,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// What a queue holds.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct QueueCounts {
    pub queue: String,
    pub queued: i64,
    pub running: i64,
    pub failed: i64,
    /// How long the longest due job has been due, in seconds; 0 when none is.
    pub oldest_due_seconds: f64,
}

crate::statement! {
    struct ListJobs {
        before: i64 => BigInt,
        limit: i64 => BigInt,
        state: Option<&'static str> => Nullable<Text>,
        queue: Option<String> => Nullable<Text>,
        kind: Option<String> => Nullable<Text>,
    } -> JobColumns =
    select_jobs!(
        "FROM platform.jobs \
          WHERE id < $1 AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5) \
          ORDER BY id DESC LIMIT $2"
    )
}

crate::statement! {
    struct LockState { id: i64 => BigInt } -> Text =
    "SELECT state FROM platform.jobs WHERE id = $1 FOR UPDATE"
}

crate::statement! {
    struct Requeue { id: i64 => BigInt } -> BigInt =
    "UPDATE platform.jobs SET state = 'queued', failures = 0, run_at = now(), finished_at = NULL, cancel_requested_at = NULL \
      WHERE id = $1 RETURNING id"
}

crate::statement! {
    struct CancelQueued { id: i64 => BigInt } -> BigInt =
    "UPDATE platform.jobs SET state = 'cancelled', cancel_requested_at = now(), finished_at = now() WHERE id = $1 RETURNING id"
}

crate::statement! {
    struct AskToCancel { id: i64 => BigInt } -> BigInt =
    "UPDATE platform.jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = $1 RETURNING id"
}

crate::statement! {
    struct MakeDue { id: i64 => BigInt } -> BigInt =
    "UPDATE platform.jobs SET run_at = least(run_at, now()) WHERE id = $1 RETURNING id"
}

crate::statement! {
    struct SetConcurrency { queue: String => Text, concurrency: i32 => Integer } -> Text =
    "INSERT INTO platform.queues AS q VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET concurrency = excluded.concurrency RETURNING q.name"
}

crate::statement! {
    struct CountByQueue {} -> (Text, BigInt, BigInt, BigInt, Float8) =
    "SELECT q.name, coalesce(queued, 0), coalesce(running, 0), coalesce(failed, 0), coalesce(oldest, 0) \
       FROM platform.queues q \
       LEFT JOIN (SELECT queue, count(*) AS queued, \
                         greatest(0, extract(epoch FROM now() - min(run_at)))::float8 AS oldest \
                    FROM platform.jobs WHERE state = 'queued' GROUP BY queue) w ON w.queue = q.name \
       LEFT JOIN (SELECT queue, count(*) AS running FROM platform.jobs WHERE state = 'running' GROUP BY queue) r \
         ON r.queue = q.name \
       LEFT JOIN (SELECT queue, count(*) AS failed FROM platform.jobs WHERE state = 'failed' GROUP BY queue) f \
         ON f.queue = q.name \
      ORDER BY q.name"
}

crate::statement! {
    struct Prune { succeeded_hours: i32 => Integer, others_days: i32 => Integer, limit: i64 => BigInt } -> BigInt =
    "DELETE FROM platform.jobs WHERE id IN ( \
       SELECT id FROM platform.jobs \
        WHERE finished_at < now() - make_interval(hours => $1) \
          AND (state = 'succeeded' OR finished_at < now() - make_interval(days => $2)) \
        ORDER BY finished_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id"
}

/// Lists jobs, newest first, one more than `size` where there are more; `before` is the id to go
/// on below.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    filter: Filter,
    before: Option<i64>,
    size: PageSize,
) -> QueryResult<Vec<Job>> {
    let statement = ListJobs {
        before: before.unwrap_or(i64::MAX),
        limit: size.get() + 1,
        state: filter.state.map(JobState::code),
        queue: filter.queue,
        kind: filter.kind,
    };
    statement.load(conn)
}

/// Queues a job again that was given up or cancelled, with all its attempts.
///
/// # Errors
///
/// [`ManageError`].
pub fn retry(conn: &mut PgConnection, id: JobId) -> Result<Job, ManageError> {
    change(
        conn,
        id,
        &[JobState::Failed, JobState::Cancelled],
        |conn, _| Requeue { id: id.get() }.execute(conn),
    )
}

/// Cancels a job. One that runs is asked to stop: it may not write any more, and is cancelled as
/// soon as its worker has let go. One that is cancelled stays so.
///
/// # Errors
///
/// [`ManageError`].
pub fn cancel(conn: &mut PgConnection, id: JobId) -> Result<Job, ManageError> {
    let allowed = &[JobState::Queued, JobState::Running, JobState::Cancelled];
    let id_number = id.get();
    change(conn, id, allowed, |conn, state| match state {
        JobState::Queued => CancelQueued { id: id_number }.execute(conn),
        JobState::Running => AskToCancel { id: id_number }.execute(conn),
        _ => Ok(0),
    })
}

/// Makes a job due that waits for its time.
///
/// # Errors
///
/// [`ManageError`].
pub fn run_now(conn: &mut PgConnection, id: JobId) -> Result<Job, ManageError> {
    change(conn, id, &[JobState::Queued], |conn, _| {
        MakeDue { id: id.get() }.execute(conn)
    })
}

fn change(
    conn: &mut PgConnection,
    id: JobId,
    allowed: &'static [JobState],
    write: impl FnOnce(&mut PgConnection, JobState) -> QueryResult<usize>,
) -> Result<Job, ManageError> {
    conn.transaction(|conn| {
        let state: String = LockState { id: id.get() }
            .get_result(conn)
            .optional()?
            .ok_or(ManageError::NotFound)?;
        let state: JobState = state.parse().map_err(|error: domain::UnknownJobState| {
            diesel::result::Error::DeserializationError(error.into())
        })?;
        if !allowed.contains(&state) {
            return Err(ManageError::WrongState { state, allowed });
        }
        write(conn, state).map_err(key_taken)?;
        find(conn, id)?.ok_or(ManageError::NotFound)
    })
}

fn key_taken(error: diesel::result::Error) -> ManageError {
    match &error {
        diesel::result::Error::DatabaseError(_, info)
            if info.constraint_name() == Some("jobs_key_idx") =>
        {
            ManageError::KeyTaken
        }
        _ => error.into(),
    }
}

/// Sets how many jobs of a queue run at a time over all replicas, and makes the queue if need be.
///
/// # Errors
///
/// Those of the database; `queues_concurrency` when it is not 1 to 1000.
pub fn set_concurrency(conn: &mut PgConnection, queue: &str, concurrency: i32) -> QueryResult<()> {
    let queue = queue.to_owned();
    SetConcurrency { queue, concurrency }
        .execute(conn)
        .map(|_| ())
}

/// Counts what each queue holds.
///
/// # Errors
///
/// Those of the database.
pub fn count_by_queue(conn: &mut PgConnection) -> QueryResult<Vec<QueueCounts>> {
    CountByQueue {}.load(conn)
}

/// Deletes up to `limit` jobs that finished long ago, and returns how many there were. What failed
/// or was cancelled stays longer, because somebody may want to know why.
///
/// # Errors
///
/// Those of the database.
pub fn prune(
    conn: &mut PgConnection,
    succeeded_hours: i32,
    others_days: i32,
    limit: i64,
) -> QueryResult<usize> {
    let statement = Prune {
        succeeded_hours,
        others_days,
        limit,
    };
    statement.execute(conn)
}
