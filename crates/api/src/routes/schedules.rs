//! Schedules, for staff: when what comes by itself comes.

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use chrono::{DateTime, Utc};
use db::schedules::{self, Schedule};
use domain::MissedTicks;
use serde::Serialize;
use utoipa::ToSchema;

use super::jobs::{JobBody, bind};
use super::money::ProblemBody;
use crate::http::{Answer, Key, Problem, Staff, idempotency};
use crate::state::State;

/// A job that comes again and again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
pub struct ScheduleBody {
    name: String,
    queue: String,
    kind: String,
    /// Seconds between two ticks; `null` where `cron` tells.
    #[schema(required = true)]
    every_seconds: Option<i32>,
    /// Five fields, in UTC.
    #[schema(required = true)]
    cron: Option<String>,
    /// What becomes of ticks that nobody was there to run: `skip`, `runOnce` or `catchUp`.
    #[schema(value_type = String)]
    missed: MissedTicks,
    /// The planned time of its next tick.
    next_at: DateTime<Utc>,
    /// The planned time of its last tick; `null` when that is forgotten.
    #[schema(required = true)]
    last_at: Option<DateTime<Utc>>,
}

impl From<Schedule> for ScheduleBody {
    fn from(schedule: Schedule) -> Self {
        Self {
            name: schedule.name,
            queue: schedule.queue,
            kind: schedule.kind,
            every_seconds: schedule.every_seconds,
            cron: schedule.cron,
            missed: schedule.missed,
            next_at: schedule.next_at,
            last_at: schedule.last_at,
        }
    }
}

/// All schedules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleList)]
pub struct ScheduleListBody {
    schedules: Vec<ScheduleBody>,
}

/// Lists all schedules by name. Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    responses(
        (status = 200, body = ScheduleListBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/schedules")]
pub async fn list(state: Data<State>, _staff: Staff) -> Result<Answer, Problem> {
    let listed = state
        .db
        .run(|conn| schedules::list(conn).map_err(Problem::from))
        .await?;
    let schedules = listed.into_iter().map(ScheduleBody::from).collect();
    Ok(Answer::ok(&ScheduleListBody { schedules }))
}

/// Enqueues the job of a schedule now: 201 with the job, or 200 with the unfinished one there is.
/// Staff only.
#[utoipa::path(
    tag = "jobs",
    security(("token" = [])),
    params(("name" = String, Path)),
    responses(
        (status = 201, body = JobBody), (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/schedules/{name}/run")]
pub async fn run(
    state: Data<State>,
    staff: Staff,
    key: Key,
    name: Path<String>,
) -> Result<Answer, Problem> {
    let name = name.into_inner();
    idempotency::once(&state.db, bind(key, staff), move |conn| {
        let (job, is_new) = schedules::run_now(conn, &name)?.ok_or_else(not_found)?;
        let location = format!("/api/jobs/{}", job.id);
        let body = JobBody::from(job);
        Ok(if is_new {
            Answer::created(location, &body)
        } else {
            Answer::ok(&body)
        })
    })
    .await
}

fn not_found() -> Problem {
    Problem::not_found("schedule_not_found", "There is no such schedule")
}
