//! The file of an export is written by whoever holds its job.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use db::jobs::{self, Claim, LeaseLost};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Timestamptz};

use super::{PART, find};
use crate::export::{self, ExportError};

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Lost(#[from] LeaseLost),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct Begin { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.exports SET state = 'running' WHERE id = $1 AND finished_at IS NULL RETURNING id"
}

db::statement! {
    struct InsertPart { export_id: i64 => BigInt, attempt: i32 => Integer, number: i64 => BigInt, bytes: Vec<u8> => Binary }
        -> BigInt =
    "INSERT INTO catalog.export_parts (export_id, attempt, number, bytes) VALUES ($1, $2, $3, $4) RETURNING number"
}

db::statement! {
    struct DropOthers { export_id: i64 => BigInt, attempt: i32 => Integer } -> BigInt =
    "DELETE FROM catalog.export_parts WHERE export_id = $1 AND attempt <> $2 RETURNING number"
}

db::statement! {
    struct Finish {
        id: i64 => BigInt,
        attempt: i32 => Integer,
        as_of: DateTime<Utc> => Timestamptz,
        bytes: i64 => BigInt,
        products: i64 => BigInt,
        variants: i64 => BigInt,
        prices: i64 => BigInt,
        rows: i64 => BigInt,
    } -> BigInt =
    "UPDATE catalog.exports SET state = 'succeeded', finished_at = now(), attempt = $2, as_of = $3, bytes = $4, products = $5, \
            variants = $6, prices = $7, rows = $8 WHERE id = $1 AND state = 'running' RETURNING id"
}

/// Writes the file, and ends the export and its job. A later attempt begins anew, with the shop as it is by then.
///
/// `conns` are two connections of its own: one reads the shop in one snapshot, the other one keeps the parts.
///
/// # Errors
///
/// [`WorkError`].
pub fn work(
    [reading, conn]: &mut [PgConnection; 2],
    id: i64,
    claim: Claim,
    stop: &AtomicBool,
) -> Result<bool, WorkError> {
    let export = jobs::fenced(conn, claim, |conn| {
        let is_open = Begin { id }.execute(conn)? > 0;
        Ok::<_, WorkError>(find(conn, id)?.filter(|_| is_open))
    })?;
    let Some(export) = export else {
        return Ok(false);
    };
    let Some(what) = export.what() else {
        return Ok(false); // A later release wrote it, whose jobs are of another kind.
    };
    let mut parts = Parts {
        conn,
        id,
        attempt: claim.attempt,
        number: 0,
        bytes: 0,
        part: Vec::with_capacity(PART),
        stop,
    };
    let summary = export::write(reading, what, export.form(), &mut parts)?;
    parts.end()?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let finish = Finish {
        id,
        attempt: claim.attempt,
        as_of: summary.as_of,
        bytes: parts.bytes,
        products: number(summary.products),
        variants: number(summary.variants),
        prices: number(summary.prices),
        rows: number(summary.rows),
    };
    jobs::settle(conn, claim, |conn| {
        finish.execute(conn)?;
        let others = DropOthers {
            export_id: id,
            attempt: claim.attempt,
        };
        others.execute(conn)?;
        Ok::<_, WorkError>(())
    })?;
    Ok(true)
}

/// Keeps what is written, in parts of one size.
struct Parts<'c> {
    conn: &'c mut PgConnection,
    id: i64,
    attempt: i32,
    /// Of the next part.
    number: i64,
    /// Kept so far.
    bytes: i64,
    part: Vec<u8>,
    stop: &'c AtomicBool,
}

impl Parts<'_> {
    fn keep(&mut self, length: usize) -> io::Result<()> {
        if self.stop.load(Ordering::Acquire) {
            return Err(io::Error::other("the worker stops"));
        }
        let rest = self.part.split_off(length);
        let bytes = std::mem::replace(&mut self.part, rest);
        let part = InsertPart {
            export_id: self.id,
            attempt: self.attempt,
            number: self.number,
            bytes,
        };
        part.execute(self.conn).map_err(io::Error::other)?;
        self.number += 1;
        self.bytes += i64::try_from(length).unwrap_or_default();
        Ok(())
    }

    /// Keeps the last part.
    fn end(&mut self) -> Result<(), ExportError> {
        match self.part.len() {
            0 => Ok(()),
            length => Ok(self.keep(length)?),
        }
    }
}

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        while self.part.len() >= PART {
            self.keep(PART)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
