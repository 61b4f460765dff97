//! What files tell of: how their rows are checked and written.

use diesel::prelude::*;

use super::apply::Applied;
use super::memory::Learned;
use super::row::{Cells, Refusal};
use super::{ImportError, Outcome, Summary};

/// What a file tells of.
pub(super) trait Kind {
    type Row;

    /// Reads a row, in the light of those before it.
    fn check(&mut self, cells: &Cells) -> Result<Self::Row, Refusal>;

    /// The handle of the product whose rows are not to be parted from this one.
    fn product(_: &Self::Row) -> Option<&str> {
        None
    }

    /// Takes over what earlier chunks have found.
    fn learn(&mut self, _: &Learned) {}

    /// Whether a dry run would have created the SKU.
    fn is_imagined(&self, _sku: &str) -> bool {
        false
    }

    /// Decides about rows and writes what they change, unless `dry_run`; see [`apply`](super::apply).
    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[Self::Row],
        summary: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError>;
}

/// Why nothing is written of a row.
pub(super) enum Unwritten {
    Refused(Refusal),
    Db(diesel::result::Error),
}

impl From<Refusal> for Unwritten {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<diesel::result::Error> for Unwritten {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error)
    }
}

/// Takes back what was written.
enum Undo {
    Refused(Vec<Outcome>, usize),
    DryRun(Vec<Outcome>),
    Db(diesel::result::Error),
}

impl From<diesel::result::Error> for Undo {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error)
    }
}

/// Writes rows that need not know of each other. What a dry run, or a refusal that stops the import, may not leave behind
/// is written and taken back.
pub(super) fn write_or_undo<R>(
    conn: &mut PgConnection,
    rows: &[R],
    (dry_run, stops): (bool, bool),
    mut write: impl FnMut(&mut PgConnection, &[R]) -> QueryResult<Vec<Outcome>>,
) -> Result<Applied, ImportError> {
    let (mut rows, mut refused) = (rows, None);
    loop {
        let done = conn.transaction(|conn| {
            let outcomes = write(conn, rows)?;
            let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
            match outcomes.iter().position(is_refused).filter(|_| stops) {
                Some(at) => Err(Undo::Refused(outcomes, at)),
                None if dry_run => Err(Undo::DryRun(outcomes)),
                None => Ok(outcomes),
            }
        });
        match done {
            Err(Undo::Refused(mut outcomes, at)) => {
                rows = &rows[..at];
                refused = Some(outcomes.swap_remove(at));
            }
            Ok(mut outcomes) | Err(Undo::DryRun(mut outcomes)) => {
                outcomes.extend(refused);
                return Ok(Applied {
                    outcomes,
                    ..Applied::default()
                });
            }
            Err(Undo::Db(error)) => return Err(error.into()),
        }
    }
}
