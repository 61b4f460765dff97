//! Files that staff sends, kept in the database until a job has read them.
//!
//! A file comes in parts, and every chunk of rows leaves its results and the state of the import in its own
//! transaction. So whatever process dies, another one goes on behind the last chunk that was committed.
//!
//! - [`uploading`]: a file comes in
//! - [`fetching`]: or is fetched
//! - [`working`]: its rows are written
//! - [`find`], [`list`], [`results`]: what became of it
//! - [`cancel`], [`delete`], [`prune`]: the end of it

mod correcting;
mod ending;
pub mod fetching;
mod source;
mod state;
pub mod uploading;
pub mod working;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use domain::{Currency, UserId};

pub use correcting::refuse_later;
pub use ending::{EndError, abandon_lost, cancel, delete, prune};
pub use state::{State, UnknownState};

use crate::import::{Form, How, OnError, Profile, Spelling, Summary};

/// The kind of the job that reads a file.
pub const JOB: &str = "import";
/// The same of files that older releases do not know, and could not read.
pub const OTHER_JOB: &str = "importOther";
/// The queue of these jobs.
pub const QUEUE: &str = "imports";

/// An import as it stands.
#[derive(Clone, Debug, Queryable)]
pub struct Import {
    pub id: i64,
    pub kind: String,
    pub format: String,
    pub profile: Option<String>,
    pub currency: Option<String>,
    pub mode: String,
    pub on_error: String,
    #[diesel(deserialize_as = String)]
    pub state: State,
    /// Of the file.
    pub bytes: i64,
    pub rows: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub refused: i64,
    /// Products that began.
    pub products: i64,
    /// Prices that came into force.
    pub prices: i64,
    /// Why it failed.
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Where the file is fetched from; `None` where somebody sends it.
    pub url: Option<String>,
}

impl Import {
    /// How the file is to be read; `None` where only a later release knows.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        let currency = match self.currency.as_deref().map(Currency::try_from) {
            None => None,
            Some(currency) => Some(currency.ok()?),
        };
        match (self.profile.as_deref(), self.format.as_str()) {
            (None, "csv") if self.kind == "prices" => Some(Form::Prices),
            (None, "csv") if self.kind == "stock" => Some(Form::Stock),
            (Some(profile), _) => Some(Form::Of(profile.parse().ok()?, currency)),
            (None, format) => {
                let spelling = match format {
                    "csv" => Spelling::Csv,
                    "ndjson" => Spelling::Ndjson,
                    _ => return None,
                };
                match (self.kind.as_str(), spelling) {
                    ("products", Spelling::Csv) => Some(Form::Csv),
                    ("products", Spelling::Ndjson) => Some(Form::Ndjson),
                    ("collections", _) => Some(Form::Collections(spelling, currency?)),
                    ("categories", _) => Some(Form::Categories(spelling)),
                    ("options", _) => Some(Form::Options(spelling)),
                    _ => None,
                }
            }
        }
    }

    fn how(&self) -> How {
        How {
            dry_run: self.mode == "validate",
            on_error: match self.on_error.as_str() {
                "stop" => OnError::Stop,
                _ => OnError::Skip,
            },
        }
    }

    fn summary(&self) -> Summary {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Summary {
            rows: count(self.rows),
            created: count(self.created),
            updated: count(self.updated),
            unchanged: count(self.unchanged),
            refused: count(self.refused),
            products: count(self.products),
            prices: count(self.prices),
        }
    }
}

/// What is to be imported, and how.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub form: Form,
    pub how: How,
    pub actor: Option<UserId>,
}

impl NewImport {
    fn profile(&self) -> Option<Profile> {
        match self.form {
            Form::Of(profile, _) => Some(profile),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self.form {
            Form::Prices => "prices",
            Form::Stock => "stock",
            Form::Collections(..) => "collections",
            Form::Categories(_) => "categories",
            Form::Options(_) => "options",
            Form::Csv | Form::Ndjson | Form::Of(..) => "products",
        }
    }

    fn format(&self) -> &'static str {
        match self.form {
            Form::Ndjson
            | Form::Collections(Spelling::Ndjson, _)
            | Form::Categories(Spelling::Ndjson)
            | Form::Options(Spelling::Ndjson) => "ndjson",
            Form::Of(profile, _) if profile.is_json() => "json",
            _ => "csv",
        }
    }
}

type ImportColumns = (
    BigInt,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Text,
    Text,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Nullable<Text>,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Text>,
);

macro_rules! select_imports {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, format, profile, currency, mode, on_error, state, bytes, rows, created, updated, unchanged, \
                    refused, products, prices, error, created_at, started_at, finished_at, url ",
            $rest
        )
    };
}

db::statement! {
    struct FindImport { id: i64 => BigInt } -> ImportColumns =
    select_imports!("FROM catalog.imports WHERE id = $1")
}

db::statement! {
    struct ListImports { before: i64 => BigInt, limit: i64 => BigInt } -> ImportColumns =
    select_imports!("FROM catalog.imports WHERE id < $1 ORDER BY id DESC LIMIT $2")
}

db::statement! {
    struct ReadChunk { import_id: i64 => BigInt, after: i64 => BigInt } -> (BigInt, Jsonb) =
    "SELECT number, results FROM catalog.import_chunks WHERE import_id = $1 AND number > $2 ORDER BY number LIMIT 1"
}

/// Finds an import.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: i64) -> QueryResult<Option<Import>> {
    FindImport { id }.get_result(conn).optional()
}

/// Lists imports, newest first, those before an id.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, before: i64, limit: i64) -> QueryResult<Vec<Import>> {
    ListImports { before, limit }.load(conn)
}

/// What became of a row, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowResult {
    pub line: u64,
    /// As the file has it.
    pub sku: String,
    /// `created`, `updated`, `unchanged` or `refused`.
    pub outcome: String,
    /// What is at fault, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Reads what became of the rows of the next chunk behind a number, which begins at -1, with the number of that chunk.
///
/// # Errors
///
/// Those of the database.
pub fn results(
    conn: &mut PgConnection,
    id: i64,
    after: i64,
) -> QueryResult<Option<(i64, Vec<RowResult>)>> {
    let chunk = ReadChunk {
        import_id: id,
        after,
    };
    let found: Option<(i64, serde_json::Value)> = chunk.get_result(conn).optional()?;
    let rows = |(number, results)| {
        let rows = serde_json::from_value(results)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
        Ok((number, rows))
    };
    found.map(rows).transpose()
}
