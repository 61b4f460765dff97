//! A picture, or another file, comes in: its row, its bytes, and then the row says that they are there.

use db::jobs::{self, NewJob};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Text};
use domain::{Event, MediaId, UserId};

use super::editing::tell;
use super::{Hash, JOB, QUEUE, find};

/// A picture whose bytes are about to be stored.
#[derive(Clone, Debug)]
pub struct NewMedia {
    pub hash: Hash,
    /// Of the file that it came as, before it was cleaned.
    pub source: Hash,
    /// `image/jpeg`, `image/png` or `image/webp`; all others are no pictures.
    pub content_type: &'static str,
    pub bytes: i64,
    /// In pixels, as is the height; 0 for what is no picture.
    pub width: i32,
    pub height: i32,
    /// Of the renditions it is to have, the smallest first.
    pub widths: Vec<i32>,
    /// At most [`super::MAX_NAME_CHARS`].
    pub name: String,
    /// At most [`super::MAX_ALT_CHARS`].
    pub alt: String,
}

db::statement! {
    struct InsertMedia {
        hash: Vec<u8> => Binary,
        content_type: &'static str => Text,
        bytes: i64 => BigInt,
        width: i32 => Integer,
        height: i32 => Integer,
        widths: Vec<i32> => Array<Integer>,
        name: String => Text,
        alt: String => Text,
        source_hash: Vec<u8> => Binary,
    } -> (BigInt, Text) =
    "INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, source_hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, file::text"
}

db::statement! {
    /// What is no picture needs nobody to make it smaller.
    struct Complete { id: i64 => BigInt } -> (Text, Bool) =
    "UPDATE catalog.media SET state = 'kept', version = 1, updated_at = now(), \
            rendered_at = CASE WHEN content_type LIKE 'image/%' THEN NULL ELSE now() END \
      WHERE id = $1 AND state = 'incoming' RETURNING file::text, rendered_at IS NULL"
}

db::statement! {
    struct Discard { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.media SET state = 'dropped' WHERE id = $1 AND state = 'incoming' RETURNING id"
}

/// Makes the row of a picture whose bytes are yet to come, and returns its id and what names them in the store.
///
/// # Errors
///
/// Those of the database.
pub fn begin(conn: &mut PgConnection, new: NewMedia) -> QueryResult<(MediaId, String)> {
    let insert = InsertMedia {
        hash: new.hash.0.to_vec(),
        content_type: new.content_type,
        bytes: new.bytes,
        width: new.width,
        height: new.height,
        widths: new.widths,
        name: new.name,
        alt: new.alt,
        source_hash: new.source.0.to_vec(),
    };
    let (id, file): (i64, String) = insert.get_result(conn)?;
    let id = MediaId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    Ok((id, file))
}

/// Says that the bytes are there, and enqueues the job that makes a picture smaller. Returns whether they were still to come.
///
/// # Errors
///
/// Those of the database.
pub fn complete(conn: &mut PgConnection, id: MediaId, actor: Option<UserId>) -> QueryResult<bool> {
    let completed: Option<(String, bool)> =
        Complete { id: id.get() }.get_result(conn).optional()?;
    let Some((file, is_picture)) = completed else {
        return Ok(false);
    };
    tell(conn, Event::MediaCreated { media_id: id }, 1, actor)?;
    if !is_picture {
        return Ok(true);
    }
    let job = NewJob {
        key: Some(id.to_string()),
        // Whoever is late with a job of a picture that is gone has to know its bytes.
        payload: serde_json::json!({ "mediaId": id.get(), "file": file }),
        ..NewJob::new(QUEUE, JOB)
    };
    jobs::enqueue(conn, job)?;
    Ok(true)
}

/// Says that nobody waits for the bytes any more; a job removes what there is of them. Returns whether a row knows of them:
/// where none does, because they came too late for it, the caller has to remove them.
///
/// # Errors
///
/// Those of the database.
pub fn discard(conn: &mut PgConnection, id: MediaId) -> QueryResult<bool> {
    let is_discarded = Discard { id: id.get() }.execute(conn)? > 0;
    Ok(is_discarded || find(conn, id)?.is_some())
}
