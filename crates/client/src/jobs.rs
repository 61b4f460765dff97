//! What is done later: jobs and schedules, for staff.

use chrono::{DateTime, Utc};
use domain::{JobId, JobState, MissedTicks};
use reqwest::Method;
use serde::Deserialize;

use crate::{Answer, Client, Error, Request};

/// A piece of work that is done later.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Names the job.
    pub id: JobId,
    /// Where it waits.
    pub queue: String,
    /// What it does.
    pub kind: String,
    /// While it is unfinished, there is no other one of its kind with this key.
    pub key: Option<String>,
    /// The lowest first.
    pub priority: i16,
    /// Ids of what it is about.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub state: JobState,
    /// When it may run, or be tried again.
    pub run_at: DateTime<Utc>,
    /// How often it was begun.
    pub attempts: i32,
    /// How many attempts in a row came to nothing.
    pub failures: i32,
    /// After how many of those it is given up.
    pub max_attempts: i32,
    /// How far it has come.
    pub progress: JobProgress,
    /// Who runs it.
    pub worker: Option<String>,
    /// How long that worker has it, unless it renews its lease.
    pub lease_until: Option<DateTime<Utc>>,
    /// Since when it is to be cancelled.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Why its last failed attempt failed.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How far a job has come, in whatever it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct JobProgress {
    /// What is done.
    pub done: i64,
    /// Of how much; `None` while nobody knows.
    pub total: Option<i64>,
}

/// A part of the jobs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPage {
    /// At most `limit` jobs, newest first.
    pub jobs: Vec<Job>,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which jobs to list; `None`: all.
#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// Where they stand.
    pub state: Option<JobState>,
    /// Where they wait.
    pub queue: Option<String>,
    /// What they do.
    pub kind: Option<String>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

/// A job that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Names the schedule.
    pub name: String,
    /// Where its jobs wait.
    pub queue: String,
    /// What its jobs do.
    pub kind: String,
    /// Seconds between two ticks; `None` where `cron` tells.
    pub every_seconds: Option<i32>,
    /// Five fields, in UTC.
    pub cron: Option<String>,
    /// What becomes of ticks that nobody was there to run.
    pub missed: MissedTicks,
    /// The planned time of its next tick.
    pub next_at: DateTime<Utc>,
    /// The planned time of its last tick; `None` when that is forgotten.
    pub last_at: Option<DateTime<Utc>>,
}

/// All schedules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ScheduleList {
    /// By name.
    pub schedules: Vec<Schedule>,
}

impl Client {
    /// Lists jobs, newest first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 401 or 403 for anyone else.
    pub async fn list_jobs(&self, query: &JobQuery) -> Result<Answer<JobPage>, Error> {
        let request = Request::new(Method::GET, "/api/jobs")
            .query_if("state", query.state.as_ref())
            .query_if("queue", query.queue.as_ref())
            .query_if("kind", query.kind.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a job. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `job_not_found`; finished jobs are thrown away after a while.
    pub async fn get_job(&self, id: JobId) -> Result<Answer<Job>, Error> {
        self.fetch(Request::new(Method::GET, format!("/api/jobs/{id}")))
            .await
    }

    /// Queues a job again that failed or was cancelled. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_job_state`, whose [`crate::Problem::more`] has
    /// `allowed`, or `job_key_taken`.
    pub async fn retry_job(&self, id: JobId) -> Result<Answer<Job>, Error> {
        self.change_job(id, "retry").await
    }

    /// Cancels a job; one that runs is cancelled as soon as its worker has let go of it. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_job_state` once it has ended.
    pub async fn cancel_job(&self, id: JobId) -> Result<Answer<Job>, Error> {
        self.change_job(id, "cancel").await
    }

    /// Makes a job due that waits for its time. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_job_state` when it is not queued.
    pub async fn run_job_now(&self, id: JobId) -> Result<Answer<Job>, Error> {
        self.change_job(id, "run-now").await
    }

    async fn change_job(&self, id: JobId, change: &str) -> Result<Answer<Job>, Error> {
        let path = format!("/api/jobs/{id}/{change}");
        self.fetch(Request::new(Method::POST, path)).await
    }

    /// Lists all schedules. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 401 or 403 for anyone else.
    pub async fn list_schedules(&self) -> Result<Answer<ScheduleList>, Error> {
        self.fetch(Request::new(Method::GET, "/api/schedules"))
            .await
    }

    /// Enqueues the job of a schedule now: status 201, or 200 with the unfinished one there is. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `schedule_not_found`.
    pub async fn run_schedule(&self, name: &str) -> Result<Answer<Job>, Error> {
        let path = format!("/api/schedules/{name}/run");
        self.fetch(Request::new(Method::POST, path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    const JOB: &str = r#"{"id":17,"queue":"upkeep","kind":"pruneSessions","key":"pruneSessions","priority":0,
        "payload":{"schedule":"pruneSessions"},"state":"queued","runAt":"2026-03-01T10:00:00Z","attempts":1,
        "failures":1,"maxAttempts":3,"progress":{"done":5,"total":null},"worker":null,"leaseUntil":null,
        "cancelRequestedAt":null,"lastError":"no answer","createdAt":"2026-03-01T09:00:00Z",
        "startedAt":"2026-03-01T09:00:01Z","finishedAt":null,"colour":"blue"}"#;

    fn job(status: &'static str) -> Reply {
        Reply::With(status, &[], JOB.to_owned())
    }

    #[tokio::test]
    async fn a_job_is_listed_read_and_changed_where_the_api_says() {
        let page = format!(r#"{{"jobs":[{JOB}],"hasMore":true,"nextCursor":"c0000000000000011"}}"#);
        let mut replies = vec![Reply::With("200 OK", &[], page)];
        replies.extend((0..4).map(|_| job("200 OK")));
        replies.push(job("201 Created"));
        let server = TestServer::start(replies).await;
        let staff = server.client().build().unwrap();
        let query = JobQuery {
            state: Some(JobState::Failed),
            limit: Some(1),
            ..JobQuery::default()
        };

        let listed = staff.list_jobs(&query).await.unwrap().body;
        let id = listed.jobs[0].id;
        let read = staff.get_job(id).await.unwrap().body;
        staff.retry_job(id).await.unwrap();
        staff.cancel_job(id).await.unwrap();
        staff.run_job_now(id).await.unwrap();
        let started = staff.run_schedule("pruneSessions").await.unwrap();

        assert_eq!((read.state, read.progress.done), (JobState::Queued, 5));
        assert_eq!(started.status, 201);
        let asked: Vec<String> = server
            .heard()
            .iter()
            .map(|request| request.split(" HTTP").next().unwrap().to_owned())
            .collect();
        assert_eq!(
            asked,
            [
                "GET /api/jobs?state=failed&limit=1",
                "GET /api/jobs/17",
                "POST /api/jobs/17/retry",
                "POST /api/jobs/17/cancel",
                "POST /api/jobs/17/run-now",
                "POST /api/schedules/pruneSessions/run",
            ]
        );
        let keys = server.headers("idempotency-key");
        assert!(keys[..2].iter().all(Option::is_none));
        assert!(keys[2..].iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn schedules_are_read() {
        let list = r#"{"schedules":[{"name":"doctor","queue":"upkeep","kind":"doctor","everySeconds":null,
            "cron":"17 4 * * *","missed":"runOnce","nextAt":"2026-03-02T04:17:00Z","lastAt":null}]}"#;
        let server = TestServer::start(vec![Reply::With("200 OK", &[], list.to_owned())]).await;
        let staff = server.client().build().unwrap();

        let listed = staff.list_schedules().await.unwrap().body;

        assert_eq!(listed.schedules[0].missed, MissedTicks::RunOnce);
        assert_eq!(listed.schedules[0].cron.as_deref(), Some("17 4 * * *"));
    }
}
