//! Checks of what must always be true of the data, and the few repairs that are provably right.
//!
//! Each owner has checks of its own tables; what crosses owners is checked where they meet. A check
//! is one query that finds what breaks it, so that none of them asks row by row.

mod repairs;
mod schema;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

pub use schema::{checks, guards};

/// Most findings of one check that are listed; all are counted.
pub const LISTED: i64 = 100;

/// Something that must always be true.
#[derive(Clone, Debug)]
pub struct Check {
    /// The invariant it belongs to, as `docs/operations.md` numbers them; several checks may share one.
    pub id: &'static str,
    /// What is true, in words.
    pub name: &'static str,
    /// A query of `(number bigint, subject text, message text)` with a row for each violation;
    /// `number` orders them and may be NULL.
    pub sql: Cow<'static, str>,
    /// What whoever reads a finding should do.
    pub todo: &'static str,
    /// `None` where no repair is provably right.
    pub repair: Option<Repair>,
}

/// Looks again, repairs what it still finds, and tells of each. Not to be called in a transaction:
/// each repair is one of its own.
pub type Repair = fn(&mut PgConnection) -> QueryResult<Vec<Repaired>>;

/// What became of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    pub check: &'static str,
    pub subject: String,
    /// What was done, or why it could not be.
    pub outcome: Result<String, String>,
}

/// What a check came to.
#[derive(Clone, Debug)]
pub struct Examined {
    pub check: Check,
    /// All violations.
    pub count: i64,
    /// The first [`LISTED`] of them.
    pub findings: Vec<Finding>,
    pub took: Duration,
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: `variant 17`.
    pub subject: String,
    pub message: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Runs a check, in the caller's transaction where there is one.
///
/// # Errors
///
/// Those of the database.
pub fn examine(conn: &mut PgConnection, check: Check) -> QueryResult<Examined> {
    let began = Instant::now();
    let query = format!(
        "SELECT subject, message, count(*) OVER () AS total FROM ({}) AS found (number, subject, message) \
          ORDER BY number, subject, message LIMIT {LISTED}",
        check.sql
    );
    let rows: Vec<Row> = diesel::sql_query(query).load(conn)?;
    Ok(Examined {
        check,
        count: rows.first().map_or(0, |row| row.total),
        findings: rows
            .into_iter()
            .map(|row| Finding {
                subject: row.subject,
                message: row.message,
            })
            .collect(),
        took: began.elapsed(),
    })
}

/// Deletes with `delete`, in transactions of `limit` rows each, until nothing is left to delete.
///
/// # Errors
///
/// Those of the database.
pub fn prune_all(
    conn: &mut PgConnection,
    limit: i64,
    delete: impl Fn(&mut PgConnection, i64) -> QueryResult<usize>,
) -> QueryResult<usize> {
    let mut deleted = 0;
    loop {
        match delete(conn, limit)? {
            0 => return Ok(deleted),
            count => deleted += count,
        }
    }
}
