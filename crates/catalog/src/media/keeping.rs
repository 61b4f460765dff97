//! What jobs do about bytes: smaller renditions, and an end.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use domain::MediaId;

/// How long the bytes of a picture may take to come.
const PATIENCE: &str = "1 hour";

/// The bytes of a picture of which renditions are to be made.
#[derive(Clone, Debug, Queryable)]
pub struct Original {
    /// Names them in the store.
    pub file: String,
    pub content_type: String,
    /// Of the renditions it is to have.
    pub widths: Vec<i32>,
}

db::statement! {
    struct FindOriginal { id: i64 => BigInt } -> (Text, Text, Array<Integer>) =
    "SELECT file::text, content_type, widths FROM catalog.media WHERE id = $1 AND state = 'kept'"
}

db::statement! {
    struct IsGone { id: i64 => BigInt } -> Bool =
    "SELECT NOT EXISTS (SELECT FROM catalog.media WHERE id = $1 AND state <> 'dropped')"
}

db::statement! {
    struct NoteRendered { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.media SET rendered_at = now() WHERE id = $1 AND state = 'kept' RETURNING id"
}

db::statement! {
    struct Condemn { patience: &'static str => Text } -> BigInt =
    "UPDATE catalog.media SET state = 'dropped' WHERE id IN ( \
       SELECT id FROM catalog.media WHERE state = 'incoming' AND created_at < now() - $1::text::interval FOR UPDATE SKIP LOCKED) \
     RETURNING id"
}

db::statement! {
    struct ListDropped { after: i64 => BigInt, limit: i64 => BigInt } -> (BigInt, Text) =
    "SELECT id, file::text FROM catalog.media WHERE state = 'dropped' AND id > $1 ORDER BY id LIMIT $2"
}

db::statement! {
    struct Forget { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.media WHERE id = $1 AND state = 'dropped' RETURNING id"
}

/// Finds the original of a picture that is kept.
///
/// # Errors
///
/// Those of the database.
pub fn find_original(conn: &mut PgConnection, id: MediaId) -> QueryResult<Option<Original>> {
    FindOriginal { id: id.get() }.get_result(conn).optional()
}

/// Whether a picture was there and is no more, so that its bytes are nobody's.
///
/// # Errors
///
/// Those of the database.
pub fn is_gone(conn: &mut PgConnection, id: MediaId) -> QueryResult<bool> {
    IsGone { id: id.get() }.get_result(conn)
}

/// Says that the renditions are there. Returns whether the picture still is.
///
/// # Errors
///
/// Those of the database.
pub fn note_rendered(conn: &mut PgConnection, id: MediaId) -> QueryResult<bool> {
    Ok(NoteRendered { id: id.get() }.execute(conn)? > 0)
}

/// Finds up to `limit` pictures behind `after` that are gone, or whose bytes did not come, and makes sure that they do not
/// come any more. Returns ids in their order, and what names their bytes in the store.
///
/// # Errors
///
/// Those of the database.
pub fn condemn(conn: &mut PgConnection, after: i64, limit: i64) -> QueryResult<Vec<(i64, String)>> {
    Condemn { patience: PATIENCE }.execute(conn)?;
    ListDropped { after, limit }.load(conn)
}

/// Forgets a picture whose bytes are gone.
///
/// # Errors
///
/// Those of the database.
pub fn forget(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    Forget { id }.execute(conn).map(drop)
}
