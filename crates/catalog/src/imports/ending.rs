//! How imports end before their time, and when they are forgotten.

use db::jobs::managing::ManageError;
use db::jobs::{self, managing};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::{JOB, OTHER_JOB, State, fetching};
use crate::import::references::keeping;

db::statement! {
    struct LockState { id: i64 => BigInt } -> Text =
    "SELECT state FROM catalog.imports WHERE id = $1 FOR UPDATE"
}

db::statement! {
    struct Cancel { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.imports SET state = 'cancelled', finished_at = now() WHERE id = $1 RETURNING id"
}

db::statement! {
    struct Delete { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.imports WHERE id = $1 RETURNING id"
}

db::statement! {
    struct DropFile { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.import_parts WHERE import_id = $1 RETURNING number"
}

db::statement! {
    struct ListLost { after: i64 => BigInt } -> BigInt =
    "SELECT id FROM catalog.imports WHERE finished_at IS NULL AND (state <> 'uploading' OR url IS NOT NULL) AND id > $1 \
      ORDER BY id LIMIT 100"
}

db::statement! {
    struct Lose { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.imports SET state = 'failed', finished_at = now(), \
            error = coalesce(error, 'the job that read it was given up') \
      WHERE id = $1 AND finished_at IS NULL RETURNING id"
}

db::statement! {
    struct Prune { days: i32 => Integer, limit: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.imports WHERE id IN ( \
       SELECT id FROM catalog.imports WHERE finished_at < now() - make_interval(days => $1) \
        ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id"
}

db::statement! {
    /// Files that do not come any more; one that a job fetches may have to wait its turn.
    struct PruneLost { limit: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.imports WHERE id IN ( \
       SELECT id FROM catalog.imports WHERE finished_at IS NULL AND state = 'uploading' AND url IS NULL \
          AND created_at < now() - interval '1 hour' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id"
}

/// Why an import does not end.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    #[error("no such import")]
    NotFound,
    #[error("the import is {0}")]
    Is(State),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Ends an import that is not over; what is written of it stays. The file is thrown away.
///
/// # Errors
///
/// [`EndError`].
pub fn cancel(conn: &mut PgConnection, id: i64) -> Result<(), EndError> {
    conn.transaction(|conn| {
        // The job comes before what it works on.
        for kind in [fetching::JOB, JOB, OTHER_JOB] {
            if let Some(job) = jobs::find_unfinished(conn, kind, &id.to_string())?
                && let Err(ManageError::Db(error)) = managing::cancel(conn, job.id)
            {
                return Err(error.into());
            }
        }
        let state = lock(conn, id)?;
        if state.is_final() {
            return Err(EndError::Is(state));
        }
        Cancel { id }.execute(conn)?;
        DropFile { id }.execute(conn)?;
        keeping::forget(conn, &keeping::run_of(id))?;
        Ok(())
    })
}

/// Forgets an import that is over, with its results.
///
/// # Errors
///
/// [`EndError`].
pub fn delete(conn: &mut PgConnection, id: i64) -> Result<(), EndError> {
    conn.transaction(|conn| {
        let state = lock(conn, id)?;
        if !state.is_final() {
            return Err(EndError::Is(state));
        }
        Delete { id }.execute(conn)?;
        Ok(())
    })
}

fn lock(conn: &mut PgConnection, id: i64) -> Result<State, EndError> {
    let state: Option<String> = LockState { id }.get_result(conn).optional()?;
    let state = state.ok_or(EndError::NotFound)?;
    State::try_from(state)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()).into())
}

/// Says of imports whose job is over without them that they failed: its worker died again and again.
///
/// # Errors
///
/// Those of the database.
pub fn abandon_lost(conn: &mut PgConnection) -> QueryResult<()> {
    let mut after = 0;
    loop {
        let unfinished: Vec<i64> = ListLost { after }.load(conn)?;
        let Some(last) = unfinished.last() else {
            return Ok(());
        };
        after = *last;
        for id in unfinished {
            let key = id.to_string();
            let mut is_worked_on = false;
            for kind in [fetching::JOB, JOB, OTHER_JOB] {
                is_worked_on |= jobs::find_unfinished(conn, kind, &key)?.is_some();
            }
            if !is_worked_on {
                Lose { id }.execute(conn)?;
            }
        }
    }
}

/// Forgets up to `limit` imports that were over so many days ago, files that staff has not sent within an hour, and what imports
/// of the command line have left behind. Returns how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn prune(conn: &mut PgConnection, days: i32, limit: i64) -> QueryResult<usize> {
    let finished = Prune { days, limit }.execute(conn)?;
    let lost = PruneLost { limit }.execute(conn)?;
    Ok(finished + lost + keeping::prune(conn, limit)?)
}
