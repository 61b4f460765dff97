//! Jobs, for staff: what is to be done, what failed, and what to do about it.

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use chrono::{DateTime, Utc};
use db::idempotency::RequestKey;
use db::jobs::managing::{self, Filter, ManageError};
use db::jobs::{self, Job};
use diesel::PgConnection;
use domain::{Cursor, JobId, JobState, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::money::ProblemBody;
use crate::http::{Answer, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::state::State;

/// A piece of work that is done later.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub struct JobBody {
    #[schema(value_type = i64, example = 17)]
    id: JobId,
    queue: String,
    kind: String,
    /// While this job is unfinished, there is no other one of its kind with this key.
    #[schema(required = true)]
    key: Option<String>,
    /// The lowest first.
    priority: i16,
    /// Ids of what it is about.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    state: JobState,
    /// When it may run, or be tried again.
    run_at: DateTime<Utc>,
    /// How often it was begun.
    attempts: i32,
    /// How many attempts in a row came to nothing.
    failures: i32,
    max_attempts: i32,
    progress: ProgressBody,
    /// The worker that runs it.
    #[schema(required = true)]
    worker: Option<String>,
    #[schema(required = true)]
    lease_until: Option<DateTime<Utc>>,
    /// Since when it is to be cancelled.
    #[schema(required = true)]
    cancel_requested_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
}

/// How far a job has come, in whatever it counts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobProgress)]
pub struct ProgressBody {
    done: i64,
    /// `null` while nobody knows.
    #[schema(required = true)]
    total: Option<i64>,
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            queue: job.queue,
            kind: job.kind,
            key: job.key,
            priority: job.priority,
            payload: job.payload,
            state: job.state,
            run_at: job.run_at,
            attempts: job.attempts,
            failures: job.failures,
            max_attempts: job.max_attempts,
            progress: ProgressBody {
                done: job.progress,
                total: job.progress_total,
            },
            worker: job.holder,
            lease_until: job.lease_until,
            cancel_requested_at: job.cancel_requested_at,
            last_error: job.last_error,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobPage)]
pub struct JobPageBody {
    jobs: Vec<JobBody>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    queue: Option<String>,
    kind: Option<String>,
    /// Entries on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists jobs, newest first. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(JobQuery),
    responses(
        (status = 200, body = JobPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/jobs")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<JobQuery>,
) -> Result<Answer, Problem> {
    let query = query.0;
    let size = params::page_size(query.limit.as_deref())?;
    let before = params::position(query.cursor.as_deref())?;
    let filter = Filter {
        state: params::parse("state", query.state.as_deref())?,
        queue: query.queue,
        kind: query.kind,
    };
    let rows = state
        .db
        .run(move |conn| managing::list(conn, filter, before, size).map_err(Problem::from))
        .await?;
    let page = Page::from_overfetched(rows, size, |job: &Job| job.id.get());
    Ok(Answer::ok(&JobPageBody {
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        jobs: page.items.into_iter().map(JobBody::from).collect(),
    }))
}

/// Reads a job. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = JobBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/jobs/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = job_id(&id)?;
    let job = state
        .db
        .run(move |conn| jobs::find(conn, id).map_err(Problem::from))
        .await?;
    Ok(Answer::ok(&JobBody::from(job.ok_or_else(not_found)?)))
}

/// Queues a job again that failed or was cancelled, with all its attempts. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/jobs/{id}/retry")]
pub async fn retry(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    change(&state, bind(key, staff), &id, managing::retry).await
}

/// Cancels a job. One that runs may not write any more; it is `cancelled` as soon as its worker has
/// let go of it. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/jobs/{id}/cancel")]
pub async fn cancel(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    change(&state, bind(key, staff), &id, managing::cancel).await
}

/// Makes a job due that waits for its time. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/jobs/{id}/run-now")]
pub async fn run_now(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    change(&state, bind(key, staff), &id, managing::run_now).await
}

async fn change(
    state: &State,
    key: Option<RequestKey>,
    id: &str,
    write: impl FnOnce(&mut PgConnection, JobId) -> Result<Job, ManageError> + Send + 'static,
) -> Result<Answer, Problem> {
    let id = job_id(id)?;
    idempotency::once(&state.db, key, move |conn| {
        let job = write(conn, id).map_err(refuse)?;
        Ok(Answer::ok(&JobBody::from(job)))
    })
    .await
}

pub(super) fn bind(key: Key, staff: Staff) -> Option<RequestKey> {
    key.bind(&Caller::User(staff.0), b"")
}

fn job_id(text: &str) -> Result<JobId, Problem> {
    params::path_id(text, "job_not_found", "There is no such job")
}

fn not_found() -> Problem {
    Problem::not_found("job_not_found", "There is no such job")
}

fn refuse(error: ManageError) -> Problem {
    match error {
        ManageError::NotFound => not_found(),
        ManageError::WrongState { state, allowed } => {
            let codes: Vec<_> = allowed.iter().map(|state| state.code()).collect();
            Problem::conflict("invalid_job_state", "The job is not in a state for that")
                .detail(format!(
                    "it is {state}; only a job that is {} may be changed this way",
                    codes.join(" or ")
                ))
                .with("state", state.code())
                .with("allowed", codes)
        }
        ManageError::KeyTaken => Problem::conflict(
            "job_key_taken",
            "Another job with the same key has yet to finish",
        )
        .detail("wait for it, or cancel it first"),
        ManageError::Db(error) => error.into(),
    }
}
