//! Work that is done later, by any replica, at least once and with one effect.
//!
//! A job is enqueued in the transaction of the change that asks for it. A worker claims it with a
//! lease and an attempt number, and whatever it writes is fenced by that number: a worker that was
//! frozen while its lease went to another one finds that it may not write any more. An effect that
//! commits in one transaction with the end of its job ([`settle`]) happens exactly once.
//!
//! - [`enqueue`]: in the caller's transaction, at most one unfinished job per key
//! - [`claiming`]: leases, taken, renewed, lost and given back
//! - [`finishing`]: what a worker may write as long as the job is its own
//! - [`managing`]: what people do: look, retry, cancel, run now; and what is thrown away

pub mod claiming;
pub mod finishing;
pub mod managing;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Float8, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use domain::{InvalidId, JobId, JobState};
use serde_json::Value;

pub use finishing::{LeaseLost, fenced, settle};

/// The queue of work that nobody waits for in particular.
pub const DEFAULT: &str = "default";
/// The queue of what keeps the shop clean.
pub const UPKEEP: &str = "upkeep";

/// The largest payload, in bytes of its text; a CHECK holds it too.
pub const MAX_PAYLOAD_BYTES: usize = 65_536;

/// A job to be done.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// A row of `platform.queues`.
    pub queue: String,
    /// Which handler does it.
    pub kind: String,
    /// While a job of this kind and key is unfinished, no other one is enqueued. One that runs
    /// already counts too: work that has to see every change takes no key.
    pub key: Option<String>,
    /// The lowest first.
    pub priority: i16,
    /// Ids of what it is about: an object of at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Value,
    /// How long it waits at least.
    pub delay_seconds: f64,
    /// After so many attempts in a row that came to nothing it is given up.
    pub max_attempts: i32,
}

impl NewJob {
    /// A job that is due at once, without a key and with ten attempts.
    #[must_use]
    pub fn new(queue: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            queue: queue.into(),
            kind: kind.into(),
            key: None,
            priority: 0,
            payload: Value::Object(serde_json::Map::new()),
            delay_seconds: 0.0,
            max_attempts: 10,
        }
    }
}

/// A job as it stands.
#[derive(Clone, Debug, Queryable)]
pub struct Job {
    #[diesel(deserialize_as = i64)]
    pub id: JobId,
    pub queue: String,
    pub kind: String,
    pub key: Option<String>,
    pub priority: i16,
    pub payload: Value,
    #[diesel(deserialize_as = String)]
    pub state: JobState,
    /// When it may run; for one that failed before, when it is tried again.
    pub run_at: DateTime<Utc>,
    /// How often it was claimed: the number that fences the current attempt.
    pub attempts: i32,
    /// How many attempts in a row came to nothing.
    pub failures: i32,
    pub max_attempts: i32,
    /// The worker that holds the lease.
    pub holder: Option<String>,
    pub lease_until: Option<DateTime<Utc>>,
    /// Somebody wants it to stop; its worker will notice.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub progress: i64,
    /// `None` while nobody knows how much there is to do.
    pub progress_total: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Job {
    /// What its worker fences its writes with.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim {
            id: self.id,
            attempt: self.attempts,
        }
    }
}

/// One attempt at a job. It is void as soon as the job has been claimed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub id: JobId,
    pub attempt: i32,
}

pub(crate) type JobColumns = (
    BigInt,
    Text,
    Text,
    Nullable<Text>,
    SmallInt,
    Jsonb,
    Text,
    Timestamptz,
    Integer,
    Integer,
    Integer,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    BigInt,
    Nullable<BigInt>,
    Nullable<Text>,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
);

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, queue, kind, key, priority, payload, state, run_at, attempts, failures, max_attempts, holder, \
                    lease_until, cancel_requested_at, progress, progress_total, last_error, created_at, started_at, \
                    finished_at ",
            $rest
        )
    };
}
pub(crate) use select_jobs;

crate::statement! {
    struct InsertJob {
        queue: String => Text,
        kind: String => Text,
        key: Option<String> => Nullable<Text>,
        priority: i16 => SmallInt,
        payload: Value => Jsonb,
        delay_seconds: f64 => Float8,
        max_attempts: i32 => Integer,
    } -> BigInt =
    "INSERT INTO platform.jobs (queue, kind, key, priority, payload, run_at, max_attempts) \
     VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7) \
     ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING RETURNING id"
}

crate::statement! {
    struct FindJob { id: i64 => BigInt } -> JobColumns =
    select_jobs!("FROM platform.jobs WHERE id = $1")
}

crate::statement! {
    struct FindUnfinished { kind: String => Text, key: String => Text } -> JobColumns =
    select_jobs!("FROM platform.jobs WHERE kind = $1 AND key = $2 AND state IN ('queued', 'running')")
}

/// Enqueues a job in the caller's transaction: it exists if and only if that commits.
///
/// Returns `None` when an unfinished job has its key; that one will do.
///
/// # Errors
///
/// Those of the database; `jobs_payload_size` and `jobs_queue_fkey` are the caller's mistakes.
pub fn enqueue(conn: &mut PgConnection, job: NewJob) -> QueryResult<Option<JobId>> {
    let insert = InsertJob {
        queue: job.queue,
        kind: job.kind,
        key: job.key,
        priority: job.priority,
        payload: job.payload,
        delay_seconds: job.delay_seconds,
        max_attempts: job.max_attempts,
    };
    let id = insert.get_result::<i64>(conn).optional()?;
    id.map(job_id).transpose()
}

/// Finds a job.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: JobId) -> QueryResult<Option<Job>> {
    FindJob { id: id.get() }.get_result(conn).optional()
}

/// Finds the one unfinished job with a key.
///
/// # Errors
///
/// Those of the database.
pub fn find_unfinished(conn: &mut PgConnection, kind: &str, key: &str) -> QueryResult<Option<Job>> {
    let (kind, key) = (kind.to_owned(), key.to_owned());
    FindUnfinished { kind, key }.get_result(conn).optional()
}

pub(crate) fn job_id(id: i64) -> QueryResult<JobId> {
    id.try_into()
        .map_err(|error: InvalidId| diesel::result::Error::DeserializationError(error.into()))
}
