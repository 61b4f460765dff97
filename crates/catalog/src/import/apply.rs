//! Writes one chunk of rows in one transaction.

use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::chunk::{Chunk, Entry};
use super::memory::Memory;
use super::{ImportError, Outcome, Summary, writing};
use crate::editing::EditError;

/// Decides about the rows of a chunk and writes what they change, unless `dry_run`.
pub(super) fn apply(
    conn: &mut PgConnection,
    entries: &[Entry],
    memory: &mut Memory,
    summary: &mut Summary,
    dry_run: bool,
) -> Result<Vec<Outcome>, ImportError> {
    let mut attempts = 0;
    loop {
        let done = conn.transaction::<_, EditError, _>(|conn| {
            let (mut chunk, found) = Chunk::find(conn, entries, memory, dry_run)?;
            let outcomes = chunk.decide(&found, memory);
            if !dry_run {
                writing::write(conn, &mut chunk)?;
            }
            Ok((chunk, outcomes))
        });
        attempts += 1;
        match done {
            Ok((chunk, outcomes)) => {
                chunk.count(summary);
                chunk.remember(memory, !dry_run);
                return Ok(outcomes);
            }
            // Somebody created one of the SKUs, or took a slug, between our look and our write: look again.
            Err(EditError::SkuTaken | EditError::SlugTaken) if attempts < 3 => {}
            Err(EditError::Db(error)) => return Err(error.into()),
            Err(other) => return Err(DieselError::QueryBuilderError(other.into()).into()),
        }
    }
}
