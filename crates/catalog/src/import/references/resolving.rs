//! The references of an import, read once all its rows are written.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::keeping::{self, Pending};
use super::linking::{self, Row};
use super::pictures;
use crate::import::kinds::Kind;
use crate::import::{Corrected, Follow, Form, How, ImportError, OnError, Outcome, Summary, Told};

db::statement! {
    /// What is lost by it is read once more: a row is done only when its transaction is kept. Whoever ends the import waits
    /// for the disk, and all before it is there by then.
    struct DoNotWait {} -> Text = "SELECT set_config('synchronous_commit', 'off', true)"
}

/// Reads all that is left to be read, and corrects the outcomes of its rows.
pub(in crate::import) fn resolve<K: Kind>(
    conn: &mut PgConnection,
    run: &str,
    (form, how): (Form, How),
    (kind, follower): (&K, &mut impl Follow),
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let (mut after, mut is_stopped) = (-1, false);
    while !is_stopped {
        let page = keeping::pending(conn, run, after)?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for pending in page {
            let told = one(conn, run, &pending, (form, how), (kind, follower), summary)?;
            let is_refused = matches!(told.outcome, Outcome::Refused(_));
            follower.committed(&[told]);
            is_stopped = is_refused && how.on_error == OnError::Stop;
            if is_stopped {
                break;
            }
        }
    }
    Ok(keeping::forget(conn, run)?)
}

fn one<K: Kind>(
    conn: &mut PgConnection,
    run: &str,
    pending: &Pending,
    (form, how): (Form, How),
    (kind, follower): (&K, &mut impl Follow),
    summary: &mut Summary,
) -> Result<Told, ImportError> {
    let wanted = pending.wanted()?;
    // To bring them may take long, and needs no lock.
    let pictures = pictures::bring(conn, &wanted.images, follower, how.dry_run)?;
    let (told, corrected) = conn.transaction::<_, ImportError, _>(|conn| {
        follower.begin(conn)?;
        DoNotWait {}.execute(conn)?;
        let row = Row {
            run,
            sku: &pending.sku,
            kept: keeping::import_of(run).map(|id| (id, pending.number)),
            wanted: &wanted,
            dry_run: how.dry_run,
        };
        let linked = match &pictures {
            Ok(pictures) => linking::link(conn, &row, pictures, |sku| kind.is_imagined(sku))?,
            Err(refusal) => Err(refusal.clone()),
        };
        let before = pending.outcome();
        let outcome = match linked {
            Err(refusal) => Outcome::Refused(refusal),
            Ok(true) if before == Outcome::Unchanged => Outcome::Updated,
            Ok(_) => before.clone(),
        };
        let is_new = outcome != before;
        let mut told = Told {
            line: u64::try_from(pending.line).unwrap_or_default(),
            sku: pending.sku.clone(),
            outcome,
        };
        told.name_members(form);
        let mut corrected = *summary;
        *corrected.count_of(&before) -= 1;
        *corrected.count_of(&told.outcome) += 1;
        keeping::finish(conn, run, pending.number)?;
        if told.is_refused() && how.on_error == OnError::Stop {
            keeping::forget(conn, run)?;
        }
        if is_new {
            follower.corrected(
                conn,
                &Corrected {
                    number: pending.number,
                    row: &told,
                    summary: &corrected,
                },
            )?;
        }
        Ok((told, corrected))
    })?;
    *summary = corrected;
    Ok(told)
}
