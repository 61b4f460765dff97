//! Files that a job writes of the shop, as it was at one moment, and that are kept in the database until they are fetched.
//!
//! A file in parts of one size can be read from any byte on, so a download that breaks off goes on where it was.

pub mod working;

use chrono::{DateTime, Utc};
use db::jobs::{self, NewJob};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz};
use domain::UserId;

use crate::export::{Form, Scope, What};
use crate::imports::QUEUE;

/// The kind of the job that writes a file of products.
pub const JOB: &str = "export";
/// The kind of the job that writes any other one, which older releases could not.
pub const OTHER_JOB: &str = "exportOther";
/// Bytes of every part but the last one.
pub const PART: usize = 256 * 1024;

/// An export as it stands.
#[derive(Clone, Debug, Queryable)]
pub struct Export {
    pub id: i64,
    pub kind: String,
    pub format: String,
    /// Whether what customers do not see is left out.
    pub on_sale: bool,
    /// `waiting`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// The one that wrote the file.
    pub attempt: Option<i32>,
    /// The moment that the file tells of.
    pub as_of: Option<DateTime<Utc>>,
    pub bytes: i64,
    pub products: i64,
    pub variants: i64,
    pub prices: i64,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub rows: i64,
}

impl Export {
    pub(crate) fn form(&self) -> Form {
        match self.format.as_str() {
            "ndjson" => Form::Ndjson,
            _ => Form::Csv,
        }
    }

    /// What the file tells of; `None` where only a later release knows.
    #[must_use]
    pub fn what(&self) -> Option<What> {
        let scope = if self.on_sale {
            Scope::OnSale
        } else {
            Scope::All
        };
        What::of(&self.kind, scope)
    }
}

type ExportColumns = (
    BigInt,
    Text,
    Text,
    Bool,
    Text,
    Nullable<Integer>,
    Nullable<Timestamptz>,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Timestamptz,
    Nullable<Timestamptz>,
    BigInt,
);

macro_rules! select_exports {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, format, on_sale, state, attempt, as_of, bytes, products, variants, prices, created_at, \
                    finished_at, rows FROM catalog.exports ",
            $rest
        )
    };
}

db::statement! {
    struct InsertExport {
        kind: &'static str => Text,
        format: &'static str => Text,
        on_sale: bool => Bool,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "INSERT INTO catalog.exports (kind, format, on_sale, actor_id) VALUES ($1, $2, $3, $4) RETURNING id"
}

db::statement! {
    struct FindExport { id: i64 => BigInt } -> ExportColumns = select_exports!("WHERE id = $1")
}

db::statement! {
    struct ListExports { before: i64 => BigInt, limit: i64 => BigInt } -> ExportColumns =
    select_exports!("WHERE id < $1 ORDER BY id DESC LIMIT $2")
}

db::statement! {
    struct ReadPart { export_id: i64 => BigInt, number: i64 => BigInt } -> Binary =
    "SELECT p.bytes FROM catalog.exports e \
       JOIN catalog.export_parts p ON p.export_id = e.id AND p.attempt = e.attempt AND p.number = $2 WHERE e.id = $1"
}

db::statement! {
    struct ListUnfinished { after: i64 => BigInt } -> BigInt =
    "SELECT id FROM catalog.exports WHERE finished_at IS NULL AND id > $1 ORDER BY id LIMIT 100"
}

db::statement! {
    struct Lose { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.exports SET state = 'failed', finished_at = now() WHERE id = $1 AND finished_at IS NULL RETURNING id"
}

db::statement! {
    struct Prune { days: i32 => Integer, limit: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.exports WHERE id IN ( \
       SELECT id FROM catalog.exports WHERE finished_at < now() - make_interval(days => $1) \
        ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id"
}

/// Makes an export, enqueues the job that writes its file, and returns its id.
///
/// # Errors
///
/// Those of the database.
pub fn begin(
    conn: &mut PgConnection,
    what: What,
    form: Form,
    actor: Option<UserId>,
) -> QueryResult<i64> {
    let job = match what {
        What::Products(_) => JOB,
        What::Collections | What::Categories | What::Options => OTHER_JOB,
    };
    let insert = InsertExport {
        kind: what.code(),
        format: match form {
            Form::Csv => "csv",
            Form::Ndjson => "ndjson",
        },
        on_sale: what == What::Products(Scope::OnSale),
        actor_id: actor.map(UserId::get),
    };
    let id: i64 = insert.get_result(conn)?;
    let job = NewJob {
        key: Some(id.to_string()),
        payload: serde_json::json!({ "exportId": id }),
        ..NewJob::new(QUEUE, job)
    };
    jobs::enqueue(conn, job)?;
    Ok(id)
}

/// Finds an export.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: i64) -> QueryResult<Option<Export>> {
    FindExport { id }.get_result(conn).optional()
}

/// Lists exports, newest first, those before an id.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, before: i64, limit: i64) -> QueryResult<Vec<Export>> {
    ListExports { before, limit }.load(conn)
}

/// Reads a part of the file of an export that is finished, from 0; `None` behind the last one.
///
/// # Errors
///
/// Those of the database.
pub fn part(conn: &mut PgConnection, id: i64, number: i64) -> QueryResult<Option<Vec<u8>>> {
    let part = ReadPart {
        export_id: id,
        number,
    };
    part.get_result(conn).optional()
}

/// Says of exports whose job is over without them that they failed.
///
/// # Errors
///
/// Those of the database.
pub fn abandon_lost(conn: &mut PgConnection) -> QueryResult<()> {
    let mut after = 0;
    loop {
        let unfinished: Vec<i64> = ListUnfinished { after }.load(conn)?;
        let Some(last) = unfinished.last() else {
            return Ok(());
        };
        after = *last;
        for id in unfinished {
            let key = id.to_string();
            if jobs::find_unfinished(conn, JOB, &key)?.is_none()
                && jobs::find_unfinished(conn, OTHER_JOB, &key)?.is_none()
            {
                Lose { id }.execute(conn)?;
            }
        }
    }
}

/// Forgets up to `limit` exports that were over so many days ago, and returns how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn prune(conn: &mut PgConnection, days: i32, limit: i64) -> QueryResult<usize> {
    Prune { days, limit }.execute(conn)
}
