//! Products from a CSV file: streamed, validated row by row, and safe to repeat.
//!
//! The format is described in `docs/import-format.md`. The SKU is the key: a known one is brought
//! up to date, an unknown one is created, so the same file twice changes nothing the second time.
//! Rows are written in chunks, a transaction each; only the SKUs of a file are kept in memory.

mod apply;
mod row;

use std::collections::HashSet;
use std::io::Read;

use diesel::PgConnection;

pub use row::{Refusal, Row};

/// Rows of one transaction.
const CHUNK: usize = 500;

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Refused(Refusal),
}

/// How many rows there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub refused: u64,
}

/// Why the import stopped. Chunks before the failing one are committed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the header lacks the column `{0}`; required are sku, name, price and currency")]
    MissingColumn(&'static str),
    #[error("unknown column `{0}`; known are {known}", known = row::COLUMNS.join(", "))]
    UnknownColumn(String),
    #[error("column `{0}` appears twice")]
    RepeatedColumn(String),
    #[error("cannot read the file: {0}")]
    Read(#[from] csv::Error),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Reads products from `source` and writes them, calling `report` with the line number, the SKU as
/// given and the outcome of every row.
///
/// With `dry_run` every chunk is rolled back; the outcomes are those the import would have.
///
/// # Errors
///
/// [`ImportError`] for an unreadable file or header, and when the database fails. A bad row is
/// not an error but an [`Outcome::Refused`].
pub fn products(
    conn: &mut PgConnection,
    source: impl Read,
    dry_run: bool,
    mut report: impl FnMut(u64, &str, &Outcome),
) -> Result<Summary, ImportError> {
    // Lines end with LF, and a CR before it is trimmed with its cell: with its own rule for CRLF
    // the reader counts lines one short. A last line feed makes all lines alike.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(source.chain(&b"\n"[..]));
    let columns = row::Columns::from_header(reader.headers()?)?;
    let mut summary = Summary::default();
    let mut chunk = Vec::new();
    let mut seen = HashSet::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) if !error.is_io_error() => {
                let line = reader.position().line() - 1;
                let refusal = Refusal {
                    field: "row",
                    message: "is not valid UTF-8".into(),
                };
                summary.count(line, "", &Outcome::Refused(refusal), &mut report);
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        if record.len() == 1 && record[0].trim().is_empty() {
            continue; // a blank line that ends with CR LF
        }
        let line = reader.position().line() - 1 - line_feeds(&record);
        let row = columns.parse(&record).and_then(|row| {
            if seen.insert(row.sku.clone()) {
                return Ok(row);
            }
            Err(Refusal {
                field: "sku",
                message: "appears twice in the file".into(),
            })
        });
        match row {
            Err(refusal) => {
                let sku = columns.sku(&record);
                summary.count(line, sku, &Outcome::Refused(refusal), &mut report);
            }
            Ok(row) => {
                chunk.push((line, row));
                if chunk.len() == CHUNK {
                    flush(conn, &mut chunk, dry_run, &mut summary, &mut report)?;
                }
            }
        }
    }
    flush(conn, &mut chunk, dry_run, &mut summary, &mut report)?;
    Ok(summary)
}

/// Counts the line feeds within the cells of a record; it begins as many lines before its end.
fn line_feeds(record: &csv::StringRecord) -> u64 {
    record
        .iter()
        .map(|cell| cell.matches('\n').count() as u64)
        .sum()
}

/// Writes the rows of a chunk together, and empties it.
fn flush(
    conn: &mut PgConnection,
    chunk: &mut Vec<(u64, Row)>,
    dry_run: bool,
    summary: &mut Summary,
    report: &mut impl FnMut(u64, &str, &Outcome),
) -> Result<(), ImportError> {
    let outcomes = apply::apply(conn, chunk.iter().map(|(_, row)| row), dry_run)?;
    for ((line, row), outcome) in chunk.drain(..).zip(&outcomes) {
        summary.count(line, row.sku.as_str(), outcome, report);
    }
    Ok(())
}

impl Summary {
    fn count(
        &mut self,
        line: u64,
        sku: &str,
        outcome: &Outcome,
        report: &mut impl FnMut(u64, &str, &Outcome),
    ) {
        self.rows += 1;
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Refused(_) => self.refused += 1,
        }
        report(line, sku, outcome);
    }
}
