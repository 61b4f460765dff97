//! A file is fetched from where it is, by a job of its own: as long as it is not there, nobody reads it.

use db::jobs::{self, NewJob};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{NewImport, uploading};

/// The kind of the job that fetches a file.
pub const JOB: &str = "fetchImport";
/// It is given up after so many attempts.
const ATTEMPTS: i32 = 6;
/// In their queue, where thousands may wait.
const BEFORE_PICTURES: i16 = -10;

db::statement! {
    struct SetUrl { id: i64 => BigInt, url: String => Text } -> BigInt =
    "UPDATE catalog.imports SET url = $2 WHERE id = $1 RETURNING id"
}

db::statement! {
    struct DropParts { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.import_parts WHERE import_id = $1 RETURNING number"
}

db::statement! {
    struct GiveUp { id: i64 => BigInt, error: String => Text } -> BigInt =
    "UPDATE catalog.imports SET state = 'failed', finished_at = now(), error = $2 \
      WHERE id = $1 AND state = 'uploading' RETURNING id"
}

/// Makes an import whose file a job fetches, and returns its id.
///
/// # Errors
///
/// Those of the database.
pub fn begin(conn: &mut PgConnection, new: &NewImport, url: &str) -> QueryResult<i64> {
    let id = uploading::begin(conn, new)?;
    let url = url.to_owned();
    SetUrl { id, url }.execute(conn)?;
    let job = NewJob {
        key: Some(id.to_string()),
        payload: serde_json::json!({ "importId": id }),
        max_attempts: ATTEMPTS,
        priority: BEFORE_PICTURES,
        ..NewJob::new(crate::media::wanted::QUEUE, JOB)
    };
    jobs::enqueue(conn, job)?;
    Ok(id)
}

/// Forgets what an earlier attempt has fetched.
///
/// # Errors
///
/// Those of the database.
pub fn begin_again(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    DropParts { id }.execute(conn).map(drop)
}

/// Says why the file does not come.
///
/// # Errors
///
/// Those of the database.
pub fn give_up(conn: &mut PgConnection, id: i64, error: &str) -> QueryResult<()> {
    let error = error.replace('\0', "\u{fffd}");
    GiveUp { id, error }.execute(conn)?;
    begin_again(conn, id)
}
