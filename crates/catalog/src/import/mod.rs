//! Products, prices, counts, collections and words from a file: streamed, validated row by row, and safe to repeat.
//!
//! The shop's own form is described in `docs/import-format.md`; [`Profile`]s read those of others.
//! The SKU is the key: a known one is brought up to date, an unknown one is created, so the same
//! file twice changes nothing the second time. Rows are written in chunks, a transaction each; only
//! digests of the SKUs of a file and of the names by which it groups them are kept in memory.

mod apply;
mod bounded;
mod categories;
mod chunk;
mod collections;
mod counts;
mod custom;
mod deciding;
mod described;
mod details;
mod finding;
mod forms;
mod kinds;
mod lines;
mod lists;
mod memory;
mod options;
mod own;
mod prices;
mod products;
mod profiles;
pub(crate) mod references;
mod row;
mod running;
mod shop;
mod table;
mod telling;
pub(crate) mod translated;
mod writing;

use std::io::Read;

use diesel::PgConnection;

pub(crate) use categories::COLUMNS as CATEGORY_COLUMNS;
pub(crate) use collections::COLUMNS as COLLECTION_COLUMNS;
pub(crate) use custom::{CUSTOM, cell, is_portable};
pub(crate) use described::exact;
pub use forms::{Form, Spelling};
pub(crate) use lists::{ITEM, STEP, escaped};
pub use memory::Learned;
pub(crate) use own::{COLUMNS, OPTION};
pub use profiles::{Profile, UnknownProfile};
pub use references::Brought;
use row::Cells;
pub use row::Refusal;
pub use running::{Corrected, Decided, Follow, Start, Told};

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A variant, and its product with the first one of it.
    Created,
    Updated,
    Unchanged,
    Refused(Refusal),
}

impl Outcome {
    /// One word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
        }
    }
}

/// What becomes of the rows behind one that is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// They are read like those before it.
    #[default]
    Skip,
    /// Nothing; what is before it stays written.
    Stop,
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

impl Summary {
    fn count_of(&mut self, outcome: &Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Refused(_) => &mut self.refused,
        }
    }
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
    #[error("unknown column `{0}`; known are {known}, option:NAME, custom.KEY, and NAME@LOCALE of texts", known = own::COLUMNS.join(", "))]
    UnknownColumn(String),
    #[error("column `{0}`: a locale is a language tag such as de, pt-BR or zh-Hant-TW")]
    UnknownLocale(String),
    #[error("unknown column `{column}`; known are {known}", known = known.join(", "))]
    OtherColumn {
        column: String,
        known: &'static [&'static str],
    },
    #[error("the header lacks the column `{0}`")]
    LacksColumn(&'static str),
    #[error("column `{0}` appears twice")]
    RepeatedColumn(String),
    #[error("a file from {0} does not say in which currency its prices are")]
    NoCurrency(Profile),
    #[error("a file from {0} says in which currency its prices are")]
    NeedlessCurrency(Profile),
    #[error("cannot read the file: {0}")]
    Read(#[from] csv::Error),
    #[error("cannot read the file: {0}")]
    ReadLines(#[from] std::io::Error),
    #[error("cannot read the file: {0}")]
    ReadJson(#[from] serde_json::Error),
    #[error("the file is not a JSON array")]
    NoArray,
    #[error("a row was refused")]
    Stopped,
    /// Whoever follows the import has ended it.
    #[error(transparent)]
    Ended(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

impl ImportError {
    /// Whether the file is not read any further, now or later: what is written of it is to be whole.
    fn is_for_good(&self) -> bool {
        use std::io::ErrorKind::InvalidData;
        match self {
            Self::Ended(_) | Self::Db(_) => false,
            Self::ReadLines(error) => error.kind() == InvalidData,
            Self::Read(error) => match error.kind() {
                csv::ErrorKind::Io(error) => error.kind() == InvalidData,
                _ => true,
            },
            Self::ReadJson(error) => !error.is_io(),
            _ => true,
        }
    }
}

/// Takes the rows of a file as they are read: the line, the cells, and what is wrong with all of them.
type Sink<'s> = &'s mut dyn FnMut(u64, Cells, Result<(), Refusal>) -> Result<(), ImportError>;

/// What is to be done with the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Nothing is written; the outcomes are those the import would have.
    pub dry_run: bool,
    pub on_error: OnError,
}

/// Reads rows from `source` and writes them, going on at `start`; `follower` hears of every row.
///
/// # Errors
///
/// [`ImportError`] for an unreadable file or header, and when the database or the follower fails. A bad row is not an
/// error but an [`Outcome::Refused`].
pub fn run(
    conn: &mut PgConnection,
    source: impl Read,
    form: Form,
    how: How,
    follower: impl Follow,
    start: Start,
) -> Result<Summary, ImportError> {
    let (how, to) = ((form, how), (follower, start));
    match form {
        Form::Prices => write(prices::Prices::default(), conn, source, how, to),
        Form::Stock => write(counts::Counts::default(), conn, source, how, to),
        Form::Collections(_, shop) => {
            write(collections::Collections::new(shop), conn, source, how, to)
        }
        Form::Categories(_) => write(categories::Categories::default(), conn, source, how, to),
        Form::Options(_) => write(options::Options::default(), conn, source, how, to),
        Form::Csv | Form::Ndjson | Form::Of(..) => {
            write(apply::Products::default(), conn, source, how, to)
        }
    }
}

/// Ends an import of products of which no more rows are written: what they say of other things is read.
///
/// # Errors
///
/// [`ImportError`], as for [`run`].
pub fn finish(
    conn: &mut PgConnection,
    form: Form,
    how: How,
    follower: impl Follow,
    start: Start,
) -> Result<Summary, ImportError> {
    running::Import::new(
        conn,
        apply::Products::default(),
        (form, how),
        follower,
        start,
    )
    .end()
}

fn write(
    kind: impl kinds::Kind,
    conn: &mut PgConnection,
    source: impl Read,
    (form, how): (Form, How),
    (follower, start): (impl Follow, Start),
) -> Result<Summary, ImportError> {
    let mut import = running::Import::new(conn, kind, (form, how), follower, start);
    let sink: Sink = &mut |line, cells, fault| import.take(line, &cells, fault);
    match read(source, form, sink) {
        Ok(()) | Err(ImportError::Stopped) => import.end(),
        Err(error) if error.is_for_good() => import.resolve().and(Err(error)),
        Err(error) => Err(error),
    }
}

fn read(source: impl Read, form: Form, sink: Sink) -> Result<(), ImportError> {
    match form {
        Form::Csv => own::read(source, sink),
        Form::Ndjson => lines::read(source, sink),
        Form::Prices => prices::read(source, sink),
        Form::Stock => counts::read(source, sink),
        Form::Collections(Spelling::Csv, _) => collections::read(source, sink),
        Form::Collections(Spelling::Ndjson, _) => collections::read_lines(source, sink),
        Form::Categories(Spelling::Csv) => categories::read(source, sink),
        Form::Categories(Spelling::Ndjson) => categories::read_lines(source, sink),
        Form::Options(Spelling::Csv) => options::read(source, sink),
        Form::Options(Spelling::Ndjson) => options::read_lines(source, sink),
        Form::Of(profile, currency) => profiles::read(profile, currency, source, sink),
    }
}

/// Looks at the beginning of a file, and says why one that begins like this is not read at all.
///
/// # Errors
///
/// [`ImportError`].
pub fn look(beginning: &[u8], form: Form) -> Result<(), ImportError> {
    let sink: Sink = &mut |_, _, _| Err(ImportError::Stopped);
    let looked = match form {
        Form::Of(profile, currency) => profiles::look(profile, currency, beginning, sink),
        _ => read(beginning, form, sink),
    };
    match looked {
        Err(ImportError::Stopped) => Ok(()),
        looked => looked,
    }
}

/// Hears of every row when it is written.
pub struct Report<R>(pub R);

impl<R: FnMut(u64, &str, &Outcome)> Follow for Report<R> {
    fn committed(&mut self, rows: &[Told]) {
        for row in rows {
            (self.0)(row.line, &row.sku, &row.outcome);
        }
    }
}
