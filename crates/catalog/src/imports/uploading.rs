//! A file comes in, part by part.

use db::jobs::{self, NewJob};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use domain::UserId;

use super::{JOB, NewImport, OTHER_JOB, QUEUE};
use crate::import::{Form, OnError};

/// Bytes of a part.
pub const PART: usize = 256 * 1024;

db::statement! {
    struct InsertImport {
        kind: &'static str => Text,
        format: &'static str => Text,
        profile: Option<&'static str> => Nullable<Text>,
        currency: Option<&'static str> => Nullable<Text>,
        mode: &'static str => Text,
        on_error: &'static str => Text,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "INSERT INTO catalog.imports (kind, format, profile, currency, mode, on_error, actor_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"
}

db::statement! {
    struct InsertPart { import_id: i64 => BigInt, number: i64 => BigInt, bytes: Vec<u8> => Binary } -> BigInt =
    "INSERT INTO catalog.import_parts (import_id, number, bytes) VALUES ($1, $2, $3) RETURNING number"
}

db::statement! {
    struct Complete { id: i64 => BigInt, bytes: i64 => BigInt } -> Text =
    "UPDATE catalog.imports SET state = 'waiting', bytes = $2 WHERE id = $1 AND state = 'uploading' RETURNING kind"
}

db::statement! {
    struct Discard { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.imports WHERE id = $1 AND state = 'uploading' RETURNING id"
}

/// Makes an import whose file is yet to come, and returns its id.
///
/// # Errors
///
/// Those of the database.
pub fn begin(conn: &mut PgConnection, new: &NewImport) -> QueryResult<i64> {
    let currency = match new.form {
        Form::Of(_, currency) => currency,
        Form::Collections(_, shop) => Some(shop),
        _ => None,
    };
    InsertImport {
        kind: new.kind(),
        format: new.format(),
        profile: new.profile().map(|profile| profile.code()),
        currency: currency.map(|currency| currency.code()),
        mode: if new.how.dry_run { "validate" } else { "apply" },
        on_error: match new.how.on_error {
            OnError::Skip => "skip",
            OnError::Stop => "stop",
        },
        actor_id: new.actor.map(UserId::get),
    }
    .get_result(conn)
}

/// Keeps a part of the file; the first one has number 0.
///
/// # Errors
///
/// Those of the database.
pub fn add(conn: &mut PgConnection, id: i64, number: i64, bytes: Vec<u8>) -> QueryResult<()> {
    let part = InsertPart {
        import_id: id,
        number,
        bytes,
    };
    part.execute(conn).map(drop)
}

/// Says that the file is there, and enqueues the job that reads it. Returns whether it still was to come.
///
/// # Errors
///
/// Those of the database.
pub fn complete(conn: &mut PgConnection, id: i64, bytes: i64) -> QueryResult<bool> {
    let kind: Option<String> = Complete { id, bytes }.get_result(conn).optional()?;
    let Some(kind) = kind else {
        return Ok(false);
    };
    let job = match kind.as_str() {
        "products" | "prices" | "stock" => JOB,
        _ => OTHER_JOB,
    };
    let job = NewJob {
        key: Some(id.to_string()),
        payload: serde_json::json!({ "importId": id }),
        ..NewJob::new(QUEUE, job)
    };
    jobs::enqueue(conn, job)?;
    Ok(true)
}

/// Forgets a file that does not come.
///
/// # Errors
///
/// Those of the database.
pub fn discard(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    Discard { id }.execute(conn).map(drop)
}
