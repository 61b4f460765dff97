//! Looks whether everything is true that must always be true, in one snapshot of all owners.
//!
//! Nothing is locked and nothing waits: a shop may sell while it is looked at. The snapshot keeps
//! Postgres from cleaning up behind writers for as long as it lasts.

mod references;
mod stock;

use std::fmt;

use chrono::{DateTime, Utc};
use db::doctor::{Check, Examined, Repaired, examine};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use serde_json::{Value, json};

/// Each query may take so long and sort and hash in so much memory. One core is enough: the shop has
/// better use for the others, and most sums have as many groups as rows, which workers only do twice.
const SESSION: &str = "SET LOCAL statement_timeout = '30min'; SET LOCAL work_mem = '64MB'; \
                       SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; \
                       SET LOCAL enable_material = on; \
                       SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off";

/// Invariants that no look at the database can decide, and who does.
const ELSEWHERE: [(&str, &str); 2] = [
    (
        "I5",
        "is about answers that clients got; only the torture harness, which keeps them, can check it",
    ),
    (
        "I11",
        "is about coupons and gift cards, which do not exist yet",
    ),
];

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The moment of the snapshot.
    pub checked_at: DateTime<Utc>,
    pub checks: Vec<Examined>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    #[error("there is no check {id}; there are {}", .known.join(", "))]
    Unknown {
        id: String,
        known: Vec<&'static str>,
    },
    #[error("{id} {reason}")]
    Elsewhere {
        id: &'static str,
        reason: &'static str,
    },
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Runs all checks. Not to be called in a transaction.
///
/// # Errors
///
/// Those of the database.
pub fn run(conn: &mut PgConnection) -> Result<Report, DoctorError> {
    run_only(conn, &[])
}

/// Runs the checks of some invariants, in any case of letters; of all, when none is named.
///
/// # Errors
///
/// [`DoctorError`].
pub fn run_only(conn: &mut PgConnection, only: &[String]) -> Result<Report, DoctorError> {
    conn.build_transaction()
        .repeatable_read()
        .read_only()
        .run(|conn| look(conn, only))
}

/// The same in the caller's transaction, whose time-out and memory for a statement it raises.
///
/// # Errors
///
/// [`DoctorError`].
pub fn look(conn: &mut PgConnection, only: &[String]) -> Result<Report, DoctorError> {
    conn.batch_execute(SESSION)?;
    let checked_at = diesel::select(sql::<Timestamptz>("now()")).get_result(conn)?;
    let examined = select(checks(conn)?, only)?
        .into_iter()
        .map(|check| examine(conn, check));
    Ok(Report {
        checked_at,
        checks: examined.collect::<QueryResult<_>>()?,
    })
}

/// Repairs what of a report is repairable. Each repair looks again first, in a transaction of its
/// own, so that repairing twice or twice at once is repairing once.
///
/// # Errors
///
/// Those of the database; a repair that Postgres refuses is told and stops no other.
pub fn repair(conn: &mut PgConnection, report: &Report) -> QueryResult<Vec<Repaired>> {
    let mut repaired = Vec::new();
    for examined in report.checks.iter().filter(|e| e.count > 0) {
        if let Some(repair) = examined.check.repair {
            repaired.extend(repair(conn)?);
        }
    }
    for Repaired {
        check,
        subject,
        outcome,
    } in &repaired
    {
        match outcome {
            Ok(done) => log::info!(check = *check, subject = subject.as_str(); "repaired: {done}"),
            Err(error) => {
                log::warn!(check = *check, subject = subject.as_str(); "not repaired: {error}");
            }
        }
    }
    Ok(repaired)
}

fn checks(conn: &mut PgConnection) -> QueryResult<Vec<Check>> {
    let mut checks = db::doctor::checks(conn)?;
    checks.extend(catalog::doctor::checks());
    checks.extend(accounts::doctor::checks());
    checks.extend(ordering::doctor::checks());
    checks.extend(stock::checks());
    checks.extend(references::checks());
    checks.sort_by_key(|check| place(check.id));
    Ok(checks)
}

/// I before S, then by number; checks of one invariant stay in the order of their owners.
fn place(id: &str) -> (Option<char>, Option<u32>) {
    let mut letters = id.chars();
    (letters.next(), letters.as_str().parse().ok())
}

fn select(mut checks: Vec<Check>, only: &[String]) -> Result<Vec<Check>, DoctorError> {
    for id in only {
        if let Some((id, reason)) = ELSEWHERE.iter().find(|(e, _)| e.eq_ignore_ascii_case(id)) {
            return Err(DoctorError::Elsewhere { id, reason });
        }
        if !checks.iter().any(|check| check.id.eq_ignore_ascii_case(id)) {
            let mut known: Vec<&str> = checks.iter().map(|check| check.id).collect();
            known.dedup();
            return Err(DoctorError::Unknown {
                id: id.clone(),
                known,
            });
        }
    }
    checks
        .retain(|check| only.is_empty() || only.iter().any(|id| check.id.eq_ignore_ascii_case(id)));
    Ok(checks)
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.total() == 0
    }

    /// All violations, also those that are not listed.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.checks.iter().map(|examined| examined.count).sum()
    }

    /// Whether something can be repaired without anybody's judgement.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        let repairable = |e: &Examined| e.count > 0 && e.check.repair.is_some();
        self.checks.iter().any(repairable)
    }

    /// For machines; documented in docs/operations.md.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks = self.checks.iter().map(|e| {
            let milliseconds = u64::try_from(e.took.as_millis()).unwrap_or(u64::MAX);
            json!({"id": e.check.id, "name": e.check.name, "findings": e.count, "durationMs": milliseconds})
        });
        let findings = self.checks.iter().flat_map(|e| {
            e.findings.iter().map(|finding| {
                json!({
                    "check": e.check.id, "subject": finding.subject, "message": finding.message,
                    "todo": e.check.todo, "repairable": e.check.repair.is_some(),
                })
            })
        });
        json!({
            "checkedAt": self.checked_at, "ok": self.is_ok(),
            "checks": checks.collect::<Vec<_>>(), "findings": findings.collect::<Vec<_>>(),
        })
    }
}

/// One line for a log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (checks, total) = (self.checks.len(), self.total());
        let violated = self.checks.iter().filter(|e| e.count > 0);
        let ids: Vec<&str> = violated.map(|e| e.check.id).collect();
        match total {
            0 => write!(f, "{checks} checks, no finding"),
            _ => write!(f, "{checks} checks, {total} findings ({})", ids.join(", ")),
        }
    }
}
