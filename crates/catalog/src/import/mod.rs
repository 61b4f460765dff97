//! Products from a file: streamed, validated row by row, and safe to repeat.
//!
//! The shop's own form is described in `docs/import-format.md`; [`Profile`]s read those of others.
//! The SKU is the key: a known one is brought up to date, an unknown one is created, so the same
//! file twice changes nothing the second time. Rows are written in chunks, a transaction each; only
//! the SKUs of a file and the names by which it groups them are kept in memory.

mod apply;
mod chunk;
mod deciding;
mod described;
mod details;
mod finding;
mod lists;
mod memory;
mod own;
mod products;
mod profiles;
mod row;
mod shop;
mod table;
mod telling;
mod writing;

use std::io::Read;

use diesel::PgConnection;
use domain::Currency;

use chunk::Entry;
pub(crate) use described::exact;
pub(crate) use lists::{ITEM, STEP, escaped};
use memory::Memory;
pub(crate) use own::{COLUMNS, OPTION};
pub use profiles::{Profile, UnknownProfile};
pub use row::Refusal;
use row::{Cells, Row};

/// Rows of one transaction.
const CHUNK: usize = 500;

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A variant, and its product with the first one of it.
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
    /// Products that began.
    pub products: u64,
    /// Prices that came into force.
    pub prices: u64,
}

/// Why the import stopped. Chunks before the failing one are committed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the header lacks the column `{0}`; required are sku, name, price and currency")]
    MissingColumn(&'static str),
    #[error("the header lacks the column `{column}`, which a file from {profile} has")]
    MissingForeignColumn {
        profile: Profile,
        column: &'static str,
    },
    #[error("unknown column `{0}`; known are {known} and option:NAME", known = own::COLUMNS.join(", "))]
    UnknownColumn(String),
    #[error("column `{0}` appears twice")]
    RepeatedColumn(String),
    #[error("a file from {0} does not say in which currency its prices are")]
    NoCurrency(Profile),
    #[error("a file from {0} says in which currency its prices are")]
    NeedlessCurrency(Profile),
    #[error("cannot read the file: {0}")]
    Read(#[from] csv::Error),
    #[error("cannot read the file: {0}")]
    ReadJson(#[from] serde_json::Error),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Takes the rows of a file as they are read: the line, the cells, and what is wrong with all of them.
type Sink<'s> = &'s mut dyn FnMut(u64, Cells, Result<(), Refusal>) -> Result<(), ImportError>;

/// Reads products from `source` and writes them, calling `report` with the line number, the SKU as
/// given and the outcome of every row.
///
/// With `dry_run` nothing is written; the outcomes are those the import would have.
///
/// # Errors
///
/// [`ImportError`] for an unreadable file or header, and when the database fails. A bad row is
/// not an error but an [`Outcome::Refused`].
pub fn products(
    conn: &mut PgConnection,
    source: impl Read,
    dry_run: bool,
    report: impl FnMut(u64, &str, &Outcome),
) -> Result<Summary, ImportError> {
    run(conn, dry_run, report, |sink| own::read(source, sink))
}

/// Does the same with a file as another system exports it. A row is what it would be in a file of the
/// shop's own; what has no line in a JSON file is counted from 1 instead.
///
/// `currency` is that of the prices where a file of this profile does not say it.
///
/// # Errors
///
/// Those of [`products`], [`ImportError::NoCurrency`] and [`ImportError::NeedlessCurrency`].
pub fn products_from(
    conn: &mut PgConnection,
    source: impl Read,
    (profile, currency): (Profile, Option<Currency>),
    dry_run: bool,
    report: impl FnMut(u64, &str, &Outcome),
) -> Result<Summary, ImportError> {
    let read = |sink: Sink| profiles::read(profile, currency, source, sink);
    run(conn, dry_run, report, read)
}

fn run<R: FnMut(u64, &str, &Outcome)>(
    conn: &mut PgConnection,
    dry_run: bool,
    report: R,
    read: impl FnOnce(Sink) -> Result<(), ImportError>,
) -> Result<Summary, ImportError> {
    let mut import = Import {
        conn,
        dry_run,
        report,
        summary: Summary::default(),
        memory: Memory::default(),
        entries: Vec::new(),
    };
    read(&mut |line, cells, fault| import.take(line, &cells, fault))?;
    import.flush(import.entries.len())?;
    Ok(import.summary)
}

/// An import that is under way.
struct Import<'c, R> {
    conn: &'c mut PgConnection,
    dry_run: bool,
    report: R,
    summary: Summary,
    memory: Memory,
    /// Rows that are not written yet.
    entries: Vec<Entry>,
}

impl<R: FnMut(u64, &str, &Outcome)> Import<'_, R> {
    fn take(
        &mut self,
        line: u64,
        cells: &Cells,
        fault: Result<(), Refusal>,
    ) -> Result<(), ImportError> {
        let row = fault.and_then(|()| cells.check()).and_then(|row| {
            let is_more_price = self.memory.is_more_price(&row)?;
            Ok(Entry {
                line,
                row,
                is_more_price,
            })
        });
        match row {
            Err(refusal) => {
                let sku = cells.sku.trim();
                self.count(line, sku, &Outcome::Refused(refusal));
            }
            Ok(entry) => {
                if self.entries.len() >= CHUNK {
                    self.flush(self.end_before(&entry.row))?;
                }
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Where to end a chunk, so that it does not part a row from those of its product right before it, unless
    /// these are a whole chunk.
    ///
    /// A product is recognised by any SKU of it, which may come behind new ones.
    fn end_before(&self, row: &Row) -> usize {
        let is_same = |entry: &&Entry| row.product.is_some() && entry.row.product == row.product;
        let same = self.entries.iter().rev().take_while(is_same).count();
        match self.entries.len() - same {
            0 => self.entries.len(),
            end => end,
        }
    }

    /// Writes the first rows together, and forgets them.
    fn flush(&mut self, end: usize) -> Result<(), ImportError> {
        if end == 0 {
            return Ok(());
        }
        let rest = self.entries.split_off(end);
        let entries = std::mem::replace(&mut self.entries, rest);
        let Self {
            conn,
            memory,
            summary,
            dry_run,
            ..
        } = self;
        let outcomes = apply::apply(conn, &entries, memory, summary, *dry_run)?;
        for (entry, outcome) in entries.iter().zip(&outcomes) {
            self.count(entry.line, entry.row.sku.as_str(), outcome);
        }
        Ok(())
    }

    fn count(&mut self, line: u64, sku: &str, outcome: &Outcome) {
        self.summary.rows += 1;
        match outcome {
            Outcome::Created => self.summary.created += 1,
            Outcome::Updated => self.summary.updated += 1,
            Outcome::Unchanged => self.summary.unchanged += 1,
            Outcome::Refused(_) => self.summary.refused += 1,
        }
        (self.report)(line, sku, outcome);
    }
}
