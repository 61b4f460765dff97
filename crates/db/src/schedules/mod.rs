//! Jobs that come again and again.
//!
//! A schedule says when; each planned time is a tick, a row that only one replica can insert, and
//! whoever inserts it enqueues the job in the same transaction. So any number of replicas run each
//! tick once, and the time that counts is Postgres's.
//!
//! - [`timing`]: which ticks are due, as a pure function
//! - [`tick`]: enqueues what is due

pub mod timing;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use domain::{JobId, MissedTicks};
use serde_json::json;

use crate::jobs::{self, Job, NewJob};
pub use timing::{InvalidCron, Timing};

/// Scheduled jobs are given up soon: the next tick is another attempt.
const MAX_ATTEMPTS: i32 = 3;

/// A schedule that is to exist.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    pub name: String,
    pub queue: String,
    pub kind: String,
    pub timing: Timing,
    pub missed: MissedTicks,
}

/// A schedule as it stands.
#[derive(Clone, Debug, Queryable)]
pub struct Schedule {
    pub name: String,
    pub queue: String,
    pub kind: String,
    pub every_seconds: Option<i32>,
    /// Five fields, in UTC.
    pub cron: Option<String>,
    #[diesel(deserialize_as = String)]
    pub missed: MissedTicks,
    pub next_at: DateTime<Utc>,
    /// The planned time of its last tick, as long as that is remembered.
    pub last_at: Option<DateTime<Utc>>,
}

/// What a look at the schedules came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// The jobs of ticks that nobody had run.
    pub enqueued: Vec<JobId>,
    /// Ticks that the unfinished job of an earlier one stands for.
    pub joined: usize,
    /// Ticks that were missed and left out, as their schedules want it.
    pub skipped: u64,
}

#[derive(Queryable)]
struct Due {
    name: String,
    queue: String,
    kind: String,
    every_seconds: Option<i32>,
    cron: Option<String>,
    #[diesel(deserialize_as = String)]
    missed: MissedTicks,
    next_at: DateTime<Utc>,
    now: DateTime<Utc>,
}

crate::statement! {
    struct Now {} -> Timestamptz = "SELECT now()"
}

crate::statement! {
    /// The next tick is planned anew only when the timing has changed.
    struct EnsureSchedule {
        name: String => Text,
        queue: String => Text,
        kind: String => Text,
        every_seconds: Option<i32> => Nullable<Integer>,
        cron: Option<String> => Nullable<Text>,
        missed: &'static str => Text,
        next_at: DateTime<Utc> => Timestamptz,
    } -> Text =
    "INSERT INTO platform.schedules AS s (name, queue, kind, every_seconds, cron, missed, next_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (name) DO UPDATE SET \
       queue = excluded.queue, kind = excluded.kind, every_seconds = excluded.every_seconds, cron = excluded.cron, \
       missed = excluded.missed, \
       next_at = CASE WHEN (s.every_seconds, s.cron) IS DISTINCT FROM (excluded.every_seconds, excluded.cron) \
                      THEN excluded.next_at ELSE s.next_at END \
     WHERE (s.queue, s.kind, s.every_seconds, s.cron, s.missed) IS DISTINCT FROM \
           (excluded.queue, excluded.kind, excluded.every_seconds, excluded.cron, excluded.missed) \
     RETURNING s.name"
}

crate::statement! {
    /// Other replicas pass over what one is looking at; should two look at the same tick all the
    /// same, `ticks_pkey` lets only one have it.
    struct DueSchedules { kinds: Vec<String> => Array<Text> }
        -> (Text, Text, Text, Nullable<Integer>, Nullable<Text>, Text, Timestamptz, Timestamptz) =
    "SELECT name, queue, kind, every_seconds, cron, missed, next_at, now() FROM platform.schedules \
      WHERE next_at <= now() AND kind = ANY ($1) ORDER BY name FOR NO KEY UPDATE SKIP LOCKED"
}

crate::statement! {
    struct InsertTick { schedule: String => Text, planned_at: DateTime<Utc> => Timestamptz } -> Bool =
    "INSERT INTO platform.ticks (schedule, planned_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
}

crate::statement! {
    struct NameJob { schedule: String => Text, planned_at: DateTime<Utc> => Timestamptz, job_id: i64 => BigInt } -> Bool =
    "UPDATE platform.ticks SET job_id = $3 WHERE schedule = $1 AND planned_at = $2 RETURNING true"
}

crate::statement! {
    struct PlanNext { name: String => Text, next_at: DateTime<Utc> => Timestamptz } -> Bool =
    "UPDATE platform.schedules SET next_at = $2 WHERE name = $1 RETURNING true"
}

crate::statement! {
    struct ListSchedules {}
        -> (Text, Text, Text, Nullable<Integer>, Nullable<Text>, Text, Timestamptz, Nullable<Timestamptz>) =
    "SELECT name, queue, kind, every_seconds, cron, missed, next_at, \
            (SELECT max(planned_at) FROM platform.ticks WHERE schedule = name) \
       FROM platform.schedules ORDER BY name"
}

crate::statement! {
    struct FindSchedule { name: String => Text }
        -> (Text, Text, Text, Nullable<Integer>, Nullable<Text>, Text, Timestamptz, Nullable<Timestamptz>) =
    "SELECT name, queue, kind, every_seconds, cron, missed, next_at, \
            (SELECT max(planned_at) FROM platform.ticks WHERE schedule = name) \
       FROM platform.schedules WHERE name = $1"
}

crate::statement! {
    struct PruneTicks { days: i32 => Integer, limit: i64 => BigInt } -> Text =
    "DELETE FROM platform.ticks WHERE (schedule, planned_at) IN ( \
       SELECT schedule, planned_at FROM platform.ticks WHERE created_at < now() - make_interval(days => $1) \
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING schedule"
}

/// Makes a schedule, or changes one of that name. A new one with an interval is due at once.
///
/// # Errors
///
/// Those of the database; a cron expression that is never due is a query builder error.
pub fn ensure(conn: &mut PgConnection, schedule: &NewSchedule) -> QueryResult<()> {
    let now: DateTime<Utc> = Now {}.get_result(conn)?;
    let (every_seconds, cron) = schedule.timing.columns();
    let statement = EnsureSchedule {
        name: schedule.name.clone(),
        queue: schedule.queue.clone(),
        kind: schedule.kind.clone(),
        every_seconds,
        cron,
        missed: schedule.missed.code(),
        next_at: schedule.timing.first(now).map_err(broken)?,
    };
    statement.execute(conn).map(|_| ())
}

/// Enqueues the jobs of all ticks that are due, for schedules of the given kinds.
///
/// To be called outside of a transaction: it makes its own.
///
/// # Errors
///
/// Those of the database; nothing is written then.
pub fn tick(conn: &mut PgConnection, kinds: &[&str]) -> QueryResult<Ticked> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    conn.transaction(|conn| {
        let mut ticked = Ticked::default();
        for due in (DueSchedules { kinds }).load::<Due>(conn)? {
            let timing = Timing::read(due.every_seconds, due.cron.as_deref()).map_err(broken)?;
            let plan = timing
                .plan(due.missed, due.next_at, due.now)
                .map_err(broken)?;
            ticked.skipped += plan.skipped;
            for planned_at in plan.run {
                run_tick(conn, &due, planned_at, &mut ticked)?;
            }
            PlanNext {
                name: due.name,
                next_at: plan.next,
            }
            .execute(conn)?;
        }
        Ok(ticked)
    })
}

fn run_tick(
    conn: &mut PgConnection,
    due: &Due,
    planned_at: DateTime<Utc>,
    ticked: &mut Ticked,
) -> QueryResult<()> {
    let schedule = due.name.clone();
    let insert = InsertTick {
        schedule: schedule.clone(),
        planned_at,
    };
    if insert.execute(conn)? == 0 {
        return Ok(());
    }
    let mut job = scheduled(&due.name, &due.queue, &due.kind);
    if due.missed == MissedTicks::CatchUp {
        // Each tick counts, so none stands for another.
        job.key = Some(format!("{schedule} {}", planned_at.to_rfc3339()));
    }
    job.payload = json!({"schedule": schedule, "plannedAt": planned_at});
    match jobs::enqueue(conn, job)? {
        None => ticked.joined += 1,
        Some(id) => {
            NameJob {
                schedule,
                planned_at,
                job_id: id.get(),
            }
            .execute(conn)?;
            ticked.enqueued.push(id);
        }
    }
    Ok(())
}

fn scheduled(name: &str, queue: &str, kind: &str) -> NewJob {
    NewJob {
        key: Some(name.to_owned()),
        payload: json!({"schedule": name}),
        max_attempts: MAX_ATTEMPTS,
        ..NewJob::new(queue, kind)
    }
}

/// Enqueues the job of a schedule now, whatever its ticks; `None` for an unknown schedule.
///
/// The flag tells whether the job is new: an unfinished one of the schedule will do.
///
/// # Errors
///
/// Those of the database.
pub fn run_now(conn: &mut PgConnection, name: &str) -> QueryResult<Option<(Job, bool)>> {
    conn.transaction(|conn| {
        let Some(schedule) = find(conn, name)? else {
            return Ok(None);
        };
        loop {
            let job = scheduled(name, &schedule.queue, &schedule.kind);
            if let Some(id) = jobs::enqueue(conn, job)? {
                return Ok(jobs::find(conn, id)?.map(|job| (job, true)));
            }
            // It may finish between the two looks; then there is room for a new one.
            if let Some(job) = jobs::find_unfinished(conn, &schedule.kind, name)? {
                return Ok(Some((job, false)));
            }
        }
    })
}

/// Lists all schedules.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection) -> QueryResult<Vec<Schedule>> {
    ListSchedules {}.load(conn)
}

/// Finds a schedule.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, name: &str) -> QueryResult<Option<Schedule>> {
    let name = name.to_owned();
    FindSchedule { name }.get_result(conn).optional()
}

/// Deletes up to `limit` ticks older than `days`, and returns how many there were. What is due is
/// told by the schedule itself, so none of them comes again.
///
/// # Errors
///
/// Those of the database.
pub fn prune_ticks(conn: &mut PgConnection, days: i32, limit: i64) -> QueryResult<usize> {
    PruneTicks { days, limit }.execute(conn)
}

fn broken(error: InvalidCron) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(error.into())
}
