//! Pictures that are elsewhere: a product has them once all of them were fetched.
//!
//! Whoever gives the product other pictures meanwhile has the last word.

use std::collections::BTreeMap;

use db::jobs::{self, NewJob};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use domain::{MediaId, ProductId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of the job that fetches the pictures of a product.
pub const JOB: &str = "fetchPictures";
/// The queue of these jobs.
pub const QUEUE: &str = "fetches";
/// It is given up after so many attempts: about half an hour.
const ATTEMPTS: i32 = 8;

/// A picture that a product is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// An address, or whatever it was named by.
    pub src: String,
    /// `None` as long as it is elsewhere.
    pub media_id: Option<i64>,
    /// `None`: what the picture says of itself.
    pub alt: Option<String>,
    /// The same in other languages, by these; in those that are not among them it says what it says by then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alts: BTreeMap<String, String>,
    pub variant_ids: Vec<i64>,
}

/// A picture that does not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub src: String,
    pub message: String,
}

/// A list that is waited for.
#[derive(Clone, Debug)]
pub struct List {
    pub images: Vec<Image>,
    /// The row of an import that names them: its id, and how many rows are before it.
    pub row: Option<(i64, i64)>,
    /// Those that never come; `None` as long as some may.
    pub problems: Option<Vec<Problem>>,
}

db::statement! {
    struct Want {
        product_id: i64 => BigInt,
        images: Value => Jsonb,
        import_id: Option<i64> => Nullable<BigInt>,
        import_number: Option<i64> => Nullable<BigInt>,
    } -> Text =
    "INSERT INTO catalog.wanted_pictures AS w (product_id, images, import_id, import_number) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (product_id) DO UPDATE SET list = gen_random_uuid(), images = excluded.images, \
            import_id = excluded.import_id, import_number = excluded.import_number, problems = NULL, created_at = now() \
     RETURNING w.list::text"
}

db::statement! {
    struct FindList { product_id: i64 => BigInt, list: Option<String> => Nullable<Text> }
        -> (Jsonb, Nullable<BigInt>, Nullable<BigInt>, Nullable<Jsonb>) =
    "SELECT images, import_id, import_number, problems FROM catalog.wanted_pictures \
      WHERE product_id = $1 AND ($2 IS NULL OR list::text = $2)"
}

db::statement! {
    struct LockProduct { id: i64 => BigInt } -> BigInt = "SELECT id FROM catalog.products WHERE id = $1 FOR UPDATE"
}

db::statement! {
    struct Fail { product_id: i64 => BigInt, list: String => Text, problems: Value => Jsonb } -> BigInt =
    "INSERT INTO catalog.wanted_pictures (product_id, list, images, problems) VALUES ($1, $2::uuid, '[]', $3) \
         ON CONFLICT (product_id) DO UPDATE SET problems = excluded.problems RETURNING product_id"
}

db::statement! {
    struct Forget { product_id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.wanted_pictures WHERE product_id = $1 RETURNING product_id"
}

db::statement! {
    struct FindFetched { url: String => Text } -> BigInt =
    "SELECT m.id FROM catalog.fetched_pictures f JOIN catalog.media m ON m.id = f.media_id AND m.state = 'kept' \
      WHERE f.url_hash = sha256(convert_to($1, 'UTF8'))"
}

db::statement! {
    struct NoteFetched { url: String => Text, media_id: i64 => BigInt } -> BigInt =
    "INSERT INTO catalog.fetched_pictures (url_hash, media_id) VALUES (sha256(convert_to($1, 'UTF8')), $2) \
         ON CONFLICT (url_hash) DO UPDATE SET media_id = excluded.media_id, created_at = now() RETURNING media_id"
}

/// Has the pictures of a product fetched, which it is given once all of them are there.
///
/// # Errors
///
/// Those of the database.
pub fn want(
    conn: &mut PgConnection,
    id: ProductId,
    images: &[Image],
    row: Option<(i64, i64)>,
) -> QueryResult<()> {
    let want = Want {
        product_id: id.get(),
        images: json(images)?,
        import_id: row.map(|(import, _)| import),
        import_number: row.map(|(_, number)| number),
    };
    let list: String = want.get_result(conn)?;
    let job = NewJob {
        payload: serde_json::json!({ "productId": id.get(), "list": list }),
        max_attempts: ATTEMPTS,
        ..NewJob::new(QUEUE, JOB)
    };
    jobs::enqueue(conn, job)?;
    Ok(())
}

/// Finds what a product waits for; with a name, only where that is it still.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    id: ProductId,
    list: Option<&str>,
) -> QueryResult<Option<List>> {
    let find = FindList {
        product_id: id.get(),
        list: list.map(str::to_owned),
    };
    type Found = (Value, Option<i64>, Option<i64>, Option<Value>);
    let found: Option<Found> = find.get_result(conn).optional()?;
    let Some((images, import, number, problems)) = found else {
        return Ok(None);
    };
    let wrong =
        |error: serde_json::Error| diesel::result::Error::DeserializationError(error.into());
    Ok(Some(List {
        images: serde_json::from_value(images).map_err(wrong)?,
        row: import.zip(number),
        problems: problems
            .map(serde_json::from_value)
            .transpose()
            .map_err(wrong)?,
    }))
}

/// Locks the product, and tells whether it still waits for this list.
///
/// # Errors
///
/// Those of the database.
pub fn lock(conn: &mut PgConnection, id: ProductId, list: &str) -> QueryResult<bool> {
    LockProduct { id: id.get() }.execute(conn)?;
    Ok(find(conn, id, Some(list))?.is_some())
}

/// Says of a list that these of its pictures do not come. The product is locked.
///
/// # Errors
///
/// Those of the database.
pub fn fail(
    conn: &mut PgConnection,
    id: ProductId,
    list: &str,
    problems: &[Problem],
) -> QueryResult<()> {
    let fail = Fail {
        product_id: id.get(),
        list: list.to_owned(),
        problems: json(problems)?,
    };
    fail.execute(conn).map(drop)
}

/// Forgets what a product waits for. It is locked.
///
/// # Errors
///
/// Those of the database.
pub fn forget(conn: &mut PgConnection, id: ProductId) -> QueryResult<()> {
    let product_id = id.get();
    Forget { product_id }.execute(conn).map(drop)
}

/// Finds the picture that was fetched from an address.
///
/// # Errors
///
/// Those of the database.
pub fn find_fetched(conn: &mut PgConnection, url: &str) -> QueryResult<Option<MediaId>> {
    let url = url.to_owned();
    let found: Option<i64> = FindFetched { url }.get_result(conn).optional()?;
    let id = found.map(MediaId::try_from).transpose();
    id.map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// Remembers which picture is at an address.
///
/// # Errors
///
/// Those of the database.
pub fn note_fetched(conn: &mut PgConnection, url: &str, id: MediaId) -> QueryResult<()> {
    let note = NoteFetched {
        url: url.to_owned(),
        media_id: id.get(),
    };
    note.execute(conn).map(drop)
}

fn json<T: Serialize + ?Sized>(value: &T) -> QueryResult<Value> {
    serde_json::to_value(value)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))
}
