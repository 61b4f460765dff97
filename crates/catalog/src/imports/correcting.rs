//! What became of a row is known only when what it says of other things was read, or what it names was fetched.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use serde_json::Value;

use super::RowResult;

db::statement! {
    /// The chunk of a row, which so many are before.
    struct LockChunk { import_id: i64 => BigInt, number: i64 => BigInt } -> (BigInt, Jsonb) =
    "SELECT number, results FROM catalog.import_chunks WHERE import_id = $1 AND number <= $2 \
      ORDER BY number DESC LIMIT 1 FOR UPDATE"
}

db::statement! {
    struct CorrectChunk { import_id: i64 => BigInt, number: i64 => BigInt, results: Value => Jsonb } -> BigInt =
    "UPDATE catalog.import_chunks SET results = $3 WHERE import_id = $1 AND number = $2 RETURNING number"
}

db::statement! {
    struct LockImport { id: i64 => BigInt } -> Text = "SELECT state FROM catalog.imports WHERE id = $1 FOR UPDATE"
}

db::statement! {
    struct CountAgain { id: i64 => BigInt, from: String => Text, to: String => Text } -> BigInt =
    "UPDATE catalog.imports SET created = created + ($3 = 'created')::int - ($2 = 'created')::int, \
            updated = updated + ($3 = 'updated')::int - ($2 = 'updated')::int, \
            unchanged = unchanged + ($3 = 'unchanged')::int - ($2 = 'unchanged')::int, \
            refused = refused + ($3 = 'refused')::int - ($2 = 'refused')::int WHERE id = $1 RETURNING id"
}

/// Locks an import, which comes before its chunks, and returns its state; `None` where it is forgotten.
pub(super) fn lock(conn: &mut PgConnection, id: i64) -> QueryResult<Option<String>> {
    LockImport { id }.get_result(conn).optional()
}

/// Puts another result in the place of that of a row, which so many are before, and counts it so. The import is locked.
pub(super) fn correct(
    conn: &mut PgConnection,
    (import_id, row): (i64, i64),
    result: impl FnOnce(&RowResult) -> RowResult,
) -> QueryResult<()> {
    let lock = LockChunk {
        import_id,
        number: row,
    };
    let Some((number, results)) = lock.get_result::<(i64, Value)>(conn).optional()? else {
        return Ok(());
    };
    let mut results: Vec<RowResult> = serde_json::from_value(results)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    let place = usize::try_from(row - number).ok();
    let Some(kept) = place.and_then(|place| results.get_mut(place)) else {
        return Ok(());
    };
    let next = result(kept);
    let to = next.outcome.clone();
    let from = std::mem::replace(kept, next).outcome;
    CorrectChunk {
        import_id,
        number,
        results: serde_json::to_value(results)
            .map_err(|error| diesel::result::Error::SerializationError(error.into()))?,
    }
    .execute(conn)?;
    if from != to {
        let id = import_id;
        CountAgain { id, from, to }.execute(conn)?;
    }
    Ok(())
}

/// Refuses a row of an import, which may be over, because something that it names does not come. One that is forgotten by now
/// is let be.
///
/// # Errors
///
/// Those of the database.
pub fn refuse_later(
    conn: &mut PgConnection,
    (import_id, row): (i64, i64),
    (field, message): (&str, &str),
) -> QueryResult<()> {
    if lock(conn, import_id)?.is_none() {
        return Ok(());
    }
    let clean = message.replace('\0', "\u{fffd}");
    correct(conn, (import_id, row), |kept| RowResult {
        outcome: "refused".to_owned(),
        field: Some(field.to_owned()),
        message: Some(clean.chars().take(500).collect()),
        ..kept.clone()
    })
}
