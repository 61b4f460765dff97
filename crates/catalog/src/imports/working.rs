//! The rows of a file are written, chunk by chunk, by whoever holds its job.

use std::sync::atomic::{AtomicBool, Ordering};

use db::jobs::{self, Claim, LeaseLost};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use serde_json::Value;

use super::correcting;
use super::source::{Parts, is_ours, not_read, unreadable};
use super::{Import, RowResult, State, find};
use crate::import::references::keeping;
use crate::import::{
    self, Corrected, Decided, Follow, ImportError, Learned, Outcome, Start, Summary, Told,
};

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The import is over, and its job with it.
    Settled,
    /// There is nothing to do: it was over before.
    Nothing,
    /// It was asked to stop between two chunks.
    Part,
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Lost(#[from] LeaseLost),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct Begin { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.imports SET state = 'running', started_at = coalesce(started_at, now()) \
      WHERE id = $1 AND state IN ('waiting', 'running') RETURNING id"
}

db::statement! {
    /// A dry run leaves nothing behind that a later attempt could go on with.
    struct BeginAgain { id: i64 => BigInt } -> BigInt =
    "WITH gone AS (DELETE FROM catalog.import_chunks WHERE import_id = $1) \
     UPDATE catalog.imports SET rows = 0, created = 0, updated = 0, unchanged = 0, refused = 0, products = 0, prices = 0 \
      WHERE id = $1 AND mode = 'validate' RETURNING id"
}

db::statement! {
    struct ReadLearned { import_id: i64 => BigInt } -> Jsonb =
    "SELECT learned FROM catalog.import_chunks WHERE import_id = $1 ORDER BY number"
}

db::statement! {
    struct InsertChunk {
        import_id: i64 => BigInt,
        number: i64 => BigInt,
        results: Value => Jsonb,
        learned: Value => Jsonb,
    } -> BigInt =
    "INSERT INTO catalog.import_chunks (import_id, number, results, learned) VALUES ($1, $2, $3, $4) RETURNING number"
}

db::statement! {
    struct Count {
        id: i64 => BigInt,
        rows: i64 => BigInt,
        created: i64 => BigInt,
        updated: i64 => BigInt,
        unchanged: i64 => BigInt,
        refused: i64 => BigInt,
        products: i64 => BigInt,
        prices: i64 => BigInt,
    } -> BigInt =
    "UPDATE catalog.imports SET rows = $2, created = $3, updated = $4, unchanged = $5, refused = $6, products = $7, \
            prices = $8 WHERE id = $1 AND state = 'running' RETURNING id"
}

db::statement! {
    struct Finish { id: i64 => BigInt, state: &'static str => Text } -> BigInt =
    "UPDATE catalog.imports SET state = $2, finished_at = now() WHERE id = $1 AND state = 'running' RETURNING id"
}

db::statement! {
    struct Fail { id: i64 => BigInt, error: String => Text } -> BigInt =
    "UPDATE catalog.imports SET state = 'failed', finished_at = now(), error = $2 \
      WHERE id = $1 AND state = 'running' RETURNING id"
}

db::statement! {
    struct DropFile { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.import_parts WHERE import_id = $1 RETURNING number"
}

/// Reads the file of an import from where the last attempt ended, and ends the import and its job. Each chunk is
/// committed only while `claim` is the current one of the job, together with its results.
///
/// `conns` are two connections of its own: one writes, the other one reads the file meanwhile.
///
/// # Errors
///
/// [`WorkError`]; what is wrong with the file is a failed import, but no error.
pub fn work(
    [conn, reading]: &mut [PgConnection; 2],
    id: i64,
    claim: Claim,
    stop: &AtomicBool,
) -> Result<Done, WorkError> {
    let began = jobs::fenced(conn, claim, |conn| {
        let is_open = Begin { id }.execute(conn)? > 0;
        let import = find(conn, id)?.filter(|_| is_open);
        if import.as_ref().is_some_and(|import| import.how().dry_run) {
            BeginAgain { id }.execute(conn)?;
            keeping::forget(conn, &keeping::run_of(id))?;
            return Ok::<_, WorkError>(find(conn, id)?);
        }
        Ok(import)
    })?;
    let Some(import) = began else {
        return Ok(Done::Nothing);
    };
    let Some(form) = import.form() else {
        return end(
            conn,
            &import,
            claim,
            Err("no release knows this form".into()),
        );
    };
    let chunks: Vec<Value> = ReadLearned { import_id: id }.load(conn)?;
    let mut start = Start {
        summary: import.summary(),
        learned: Vec::new(),
        run: Some(keeping::run_of(id)),
    };
    for chunk in chunks {
        let learned: Vec<Learned> = serde_json::from_value(chunk)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
        start.learned.extend(learned);
    }
    let before = start.summary.refused;
    let source = Parts::of(reading, id);
    let follower = Follower {
        id,
        claim,
        stop,
        rows: start.summary.rows,
    };
    // An attempt may have ended between the refused row and the end of the import.
    let how = import.how();
    let done = if how.on_error == import::OnError::Stop && before > 0 {
        import::finish(conn, form, how, follower, start)
    } else {
        import::run(conn, source, form, how, follower, start)
    };
    match done {
        Ok(summary) => {
            let stops = how.on_error == import::OnError::Stop && summary.refused > 0;
            let state = if stops {
                State::Stopped
            } else {
                State::Succeeded
            };
            end(conn, &import, claim, Ok(state))
        }
        Err(ImportError::Ended(why)) => match why.downcast::<Interrupted>() {
            Ok(interrupted) => match *interrupted {
                Interrupted::Stopping => Ok(Done::Part),
                Interrupted::Lost(lost) => Err(lost.into()),
            },
            Err(other) => end(conn, &import, claim, Err(other.to_string())),
        },
        Err(ImportError::Db(error)) => Err(error.into()),
        // The database did not give its part of the file.
        Err(ImportError::ReadLines(error)) if is_ours(&error) => Err(not_read(&error)),
        Err(ImportError::Read(error)) if error.is_io_error() => match error.into_kind() {
            csv::ErrorKind::Io(error) if is_ours(&error) => Err(not_read(&error)),
            other => end(conn, &import, claim, Err(unreadable(other))),
        },
        Err(error) => end(conn, &import, claim, Err(error.to_string())),
    }
}

fn end(
    conn: &mut PgConnection,
    import: &Import,
    claim: Claim,
    outcome: Result<State, String>,
) -> Result<Done, WorkError> {
    let id = import.id;
    jobs::settle(conn, claim, |conn| {
        match outcome {
            Ok(state) => Finish {
                id,
                state: state.as_str(),
            }
            .execute(conn)?,
            Err(error) => Fail { id, error }.execute(conn)?,
        };
        DropFile { id }.execute(conn)?;
        keeping::forget(conn, &keeping::run_of(id))?;
        Ok::<_, WorkError>(())
    })?;
    Ok(Done::Settled)
}

/// Why an import is left before its end.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the worker stops")]
    Stopping,
    #[error(transparent)]
    Lost(LeaseLost),
}

/// Writes what becomes of each chunk, with it, as long as the job is ours.
struct Follower<'s> {
    id: i64,
    claim: Claim,
    stop: &'s AtomicBool,
    /// Those that were read.
    rows: u64,
}

impl Follow for Follower<'_> {
    fn begin(&mut self, conn: &mut PgConnection) -> Result<(), ImportError> {
        if self.stop.load(Ordering::Acquire) {
            return Err(ImportError::Ended(Interrupted::Stopping.into()));
        }
        if !jobs::finishing::hold(conn, self.claim)? {
            return Err(ImportError::Ended(Interrupted::Lost(LeaseLost).into()));
        }
        Ok(())
    }

    fn decided(&mut self, conn: &mut PgConnection, chunk: &Decided) -> Result<(), ImportError> {
        let results: Vec<RowResult> = chunk.rows.iter().map(row_result).collect();
        InsertChunk {
            import_id: self.id,
            number: i64::try_from(self.rows).unwrap_or(i64::MAX),
            results: json(serde_json::to_value(results))?,
            learned: json(serde_json::to_value(chunk.learned))?,
        }
        .execute(conn)?;
        if count(self.id, chunk.summary).execute(conn)? == 0 {
            return Err(ImportError::Ended(Interrupted::Lost(LeaseLost).into()));
        }
        db::faults::point("before_import_chunk");
        self.rows = chunk.summary.rows;
        Ok(())
    }

    fn corrected(
        &mut self,
        conn: &mut PgConnection,
        corrected: &Corrected,
    ) -> Result<(), ImportError> {
        if correcting::lock(conn, self.id)?.as_deref() != Some(State::Running.as_str()) {
            return Err(ImportError::Ended(Interrupted::Lost(LeaseLost).into()));
        }
        let row = (self.id, corrected.number);
        Ok(correcting::correct(conn, row, |_| {
            row_result(corrected.row)
        })?)
    }
}

fn json(value: serde_json::Result<Value>) -> QueryResult<Value> {
    value.map_err(|error| diesel::result::Error::SerializationError(error.into()))
}

fn count(id: i64, summary: &Summary) -> Count {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Count {
        id,
        rows: number(summary.rows),
        created: number(summary.created),
        updated: number(summary.updated),
        unchanged: number(summary.unchanged),
        refused: number(summary.refused),
        products: number(summary.products),
        prices: number(summary.prices),
    }
}

/// Postgres keeps no NUL, which a cell may hold.
fn row_result(told: &Told) -> RowResult {
    let refusal = match &told.outcome {
        Outcome::Refused(refusal) => Some(refusal),
        _ => None,
    };
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    RowResult {
        line: told.line,
        sku: clean(&told.sku),
        outcome: told.outcome.name().to_owned(),
        field: refusal.map(|refusal| clean(&refusal.field)),
        message: refusal.map(|refusal| clean(&refusal.message).chars().take(500).collect()),
    }
}
