//! Writes one chunk of rows in one transaction.

use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::chunk::{Chunk, Entry};
use super::kinds::Kind;
use super::memory::{Learned, Memory};
use super::references::Wanted;
use super::row::{Cells, Refusal};
use super::{ImportError, Outcome, Summary, writing};
use crate::editing::EditError;

/// What became of the rows of a chunk.
#[derive(Default)]
pub(super) struct Applied {
    /// Of the first rows; where a refusal stops the import, the last one of these is refused.
    pub outcomes: Vec<Outcome>,
    pub learned: Vec<Learned>,
    /// Places of rows, and what these say of other things.
    pub referring: Vec<(usize, Wanted)>,
}

/// Products with their variants, their first prices and stock.
#[derive(Default)]
pub(super) struct Products(Memory);

impl Kind for Products {
    type Row = Entry;

    fn check(&mut self, cells: &Cells) -> Result<Entry, Refusal> {
        let row = cells.check()?;
        let is_more_price = self.0.is_more_price(&row)?;
        Ok(Entry { row, is_more_price })
    }

    fn product(entry: &Entry) -> Option<&str> {
        entry.row.product.as_deref()
    }

    fn learn(&mut self, learned: &Learned) {
        self.0.learn(learned);
    }

    fn is_imagined(&self, sku: &str) -> bool {
        self.0.is_imagined(sku)
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        entries: &[Entry],
        summary: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        apply(conn, entries, &mut self.0, summary, how)
    }
}

/// Decides about the rows of a chunk and writes what they change, unless `dry_run`. With `stops`, nothing is written of a
/// row that is refused, nor of any behind it.
fn apply(
    conn: &mut PgConnection,
    entries: &[Entry],
    memory: &mut Memory,
    summary: &mut Summary,
    (dry_run, stops): (bool, bool),
) -> Result<Applied, ImportError> {
    let (mut attempts, mut entries, mut refused) = (0, entries, None);
    loop {
        let done = conn.transaction::<_, EditError, _>(|conn| {
            let (mut chunk, found) = Chunk::find(conn, entries, memory, dry_run)?;
            let outcomes = chunk.decide(&found, memory);
            let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
            let first_refused = outcomes.iter().position(is_refused).filter(|_| stops);
            if !dry_run && first_refused.is_none() {
                writing::write(conn, &mut chunk)?;
            }
            Ok((chunk, outcomes, first_refused))
        });
        attempts += 1;
        match done {
            // Once more, without it and what is behind it.
            Ok((_, mut outcomes, Some(at))) => {
                entries = &entries[..at];
                refused = Some(outcomes.swap_remove(at));
            }
            Ok((mut chunk, mut outcomes, None)) => {
                chunk.count(summary);
                let learned = if dry_run { Vec::new() } else { chunk.learned() };
                let referring = std::mem::take(&mut chunk.plan.referring);
                chunk.remember(memory, !dry_run);
                outcomes.extend(refused);
                return Ok(Applied {
                    outcomes,
                    learned,
                    referring,
                });
            }
            // Somebody created one of the SKUs, or took a slug, between our look and our write: look again.
            Err(EditError::SkuTaken | EditError::SlugTaken) if attempts < 3 => {}
            Err(EditError::Db(error)) => return Err(error.into()),
            Err(other) => return Err(DieselError::QueryBuilderError(other.into()).into()),
        }
    }
}
