//! What rows say of other things, until all rows are written.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use serde_json::Value;

use super::Wanted;
use crate::import::{Outcome, Told};

/// Rows that are read at a time.
const PAGE: i64 = 100;

db::statement! {
    struct NewRun {} -> Text = "SELECT gen_random_uuid()::text"
}

db::statement! {
    struct Keep {
        run: String => Text,
        numbers: Vec<i64> => Array<BigInt>,
        lines: Vec<i64> => Array<BigInt>,
        skus: Vec<String> => Array<Text>,
        outcomes: Vec<&'static str> => Array<Text>,
        wanted: Vec<Value> => Array<Jsonb>,
    } -> BigInt =
    "INSERT INTO catalog.import_references (run, number, line, sku, outcome, wanted) \
     SELECT $1, r.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::jsonb[]) AS r RETURNING number"
}

db::statement! {
    struct ListPending { run: String => Text, after: i64 => BigInt, limit: i64 => BigInt }
        -> (BigInt, BigInt, Text, Text, Jsonb) =
    "SELECT number, line, sku, outcome, wanted FROM catalog.import_references \
      WHERE run = $1 AND number > $2 AND NOT is_done ORDER BY number LIMIT $3"
}

db::statement! {
    struct Finish { run: String => Text, number: i64 => BigInt } -> BigInt =
    "UPDATE catalog.import_references SET is_done = true WHERE run = $1 AND number = $2 RETURNING number"
}

db::statement! {
    struct ListBundles { run: String => Text, skus: Vec<String> => Array<Text> } -> Text =
    "SELECT sku FROM catalog.import_references WHERE run = $1 AND sku = ANY($2) AND wanted -> 'components' <> '[]'"
}

db::statement! {
    struct Forget { run: String => Text } -> BigInt =
    "DELETE FROM catalog.import_references WHERE run = $1 RETURNING number"
}

db::statement! {
    /// Those of processes of the command line that died; nothing goes on with them.
    struct PruneOld { limit: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.import_references WHERE (run, number) IN ( \
       SELECT r.run, r.number FROM catalog.import_references r \
        WHERE r.created_at < now() - interval '7 days' \
          AND NOT EXISTS (SELECT FROM catalog.imports i WHERE i.finished_at IS NULL AND r.run = 'import ' || i.id) \
        ORDER BY r.created_at LIMIT $1) RETURNING number"
}

/// A row whose references are still to be read.
#[derive(Debug, Queryable)]
pub(in crate::import) struct Pending {
    /// How many rows came before it.
    pub number: i64,
    pub line: i64,
    pub sku: String,
    outcome: String,
    wanted: Value,
}

impl Pending {
    pub(super) fn outcome(&self) -> Outcome {
        match self.outcome.as_str() {
            "created" => Outcome::Created,
            "updated" => Outcome::Updated,
            _ => Outcome::Unchanged,
        }
    }

    pub(super) fn wanted(&self) -> QueryResult<Wanted> {
        serde_json::from_value(self.wanted.clone())
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
    }
}

/// What names the references of an import that is kept in the database.
pub(crate) fn run_of(import_id: i64) -> String {
    format!("import {import_id}")
}

/// The import that is named so.
pub(super) fn import_of(run: &str) -> Option<i64> {
    run.strip_prefix("import ")?.parse().ok()
}

/// A name for those of one that is not.
pub(in crate::import) fn new_run(conn: &mut PgConnection) -> QueryResult<String> {
    NewRun {}.get_result(conn)
}

/// Keeps what rows say, each by its place among these, the first one of which has so many rows before it.
pub(in crate::import) fn keep(
    conn: &mut PgConnection,
    run: &str,
    before: u64,
    told: &[Told],
    referring: &[(usize, Wanted)],
) -> QueryResult<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let place = |at: usize| number(before.saturating_add(u64::try_from(at).unwrap_or(u64::MAX)));
    let rows = || referring.iter().map(|(at, _)| &told[*at]);
    let json = |(_, wanted): &(usize, Wanted)| {
        serde_json::to_value(wanted)
            .map_err(|error| diesel::result::Error::SerializationError(error.into()))
    };
    Keep {
        run: run.to_owned(),
        numbers: referring.iter().map(|(at, _)| place(*at)).collect(),
        lines: rows().map(|row| number(row.line)).collect(),
        skus: rows().map(|row| row.sku.clone()).collect(),
        outcomes: rows().map(|row| row.outcome.name()).collect(),
        wanted: referring.iter().map(json).collect::<QueryResult<_>>()?,
    }
    .execute(conn)?;
    Ok(())
}

pub(super) fn pending(conn: &mut PgConnection, run: &str, after: i64) -> QueryResult<Vec<Pending>> {
    ListPending {
        run: run.to_owned(),
        after,
        limit: PAGE,
    }
    .load(conn)
}

pub(super) fn finish(conn: &mut PgConnection, run: &str, number: i64) -> QueryResult<()> {
    let run = run.to_owned();
    Finish { run, number }.execute(conn).map(drop)
}

/// Which of these SKUs the file makes bundles.
pub(super) fn bundles(
    conn: &mut PgConnection,
    run: &str,
    skus: Vec<String>,
) -> QueryResult<Vec<String>> {
    if skus.is_empty() {
        return Ok(skus);
    }
    let run = run.to_owned();
    ListBundles { run, skus }.load(conn)
}

/// Forgets all of an import.
pub(crate) fn forget(conn: &mut PgConnection, run: &str) -> QueryResult<()> {
    let run = run.to_owned();
    Forget { run }.execute(conn).map(drop)
}

/// Forgets up to `limit` that nobody goes on with, and returns how many there were.
pub(crate) fn prune(conn: &mut PgConnection, limit: i64) -> QueryResult<usize> {
    PruneOld { limit }.execute(conn)
}
