//! An import that is under way: rows are taken one by one and written chunk by chunk.

use diesel::{Connection, PgConnection};

use super::apply::Applied;
use super::kinds::Kind;
use super::lines;
use super::memory::Learned;
use super::row::{Cells, Refusal};
use super::{Form, How, ImportError, OnError, Outcome, Summary};

/// Rows of one transaction.
const CHUNK: usize = 500;
/// Characters of what stands for a SKU that are told; none is as long.
const SHOWN: usize = 200;

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub line: u64,
    /// As the file has it.
    pub sku: String,
    pub outcome: Outcome,
}

impl Told {
    /// Names the member at fault, where the file has no columns.
    fn name_members(&mut self) {
        if let Outcome::Refused(refusal) = &mut self.outcome {
            refusal.field = lines::member(refusal.field);
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(_))
    }
}

/// What became of the rows of a chunk, which are the next ones of the file.
#[derive(Debug)]
pub struct Decided<'d> {
    pub rows: &'d [Told],
    /// Of the whole file so far.
    pub summary: &'d Summary,
    /// What has to be told to an import that goes on behind this chunk.
    pub learned: &'d [Learned],
}

/// Whoever wants to know how an import goes on.
pub trait Follow {
    /// Is called in the transaction of a chunk, before any row is locked.
    ///
    /// # Errors
    ///
    /// Whatever is to end the import.
    fn begin(&mut self, _: &mut PgConnection) -> Result<(), ImportError> {
        Ok(())
    }

    /// Is called in the transaction of a chunk, when it is to be committed next.
    ///
    /// # Errors
    ///
    /// Whatever is to end the import; the chunk is not written then.
    fn decided(&mut self, _: &mut PgConnection, _: &Decided) -> Result<(), ImportError> {
        Ok(())
    }

    /// Is called when a chunk is committed.
    fn committed(&mut self, _: &[Told]) {}
}

/// Where an import goes on that has come so far before.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub summary: Summary,
    /// By all chunks so far.
    pub learned: Vec<Learned>,
}

/// An import that is under way.
pub(super) struct Import<'c, F, K: Kind> {
    conn: &'c mut PgConnection,
    form: Form,
    how: How,
    follower: F,
    /// Rows that were written before.
    skip: u64,
    summary: Summary,
    kind: K,
    /// Rows that are not written yet.
    queue: Vec<Queued<K::Row>>,
    /// Whether a row was refused that stops the import.
    is_stopped: bool,
}

struct Queued<R> {
    line: u64,
    sku: String,
    row: Result<R, Refusal>,
}

impl<'c, F: Follow, K: Kind> Import<'c, F, K> {
    pub(super) fn new(
        conn: &'c mut PgConnection,
        mut kind: K,
        (form, how): (Form, How),
        follower: F,
        start: Start,
    ) -> Self {
        let Start { summary, learned } = start;
        learned.into_iter().for_each(|learned| kind.learn(&learned));
        Self {
            conn,
            form,
            how,
            follower,
            skip: summary.rows,
            summary,
            kind,
            queue: Vec::new(),
            is_stopped: false,
        }
    }

    pub(super) fn take(
        &mut self,
        line: u64,
        cells: &Cells,
        fault: Result<(), Refusal>,
    ) -> Result<(), ImportError> {
        if self.is_stopped {
            return Err(ImportError::Stopped);
        }
        let row = fault.and_then(|()| self.kind.check(cells));
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        if self.queue.len() >= CHUNK {
            self.flush(self.end_before(row.as_ref().ok()))?;
        }
        let sku = cells.sku.trim().chars().take(SHOWN).collect();
        self.queue.push(Queued { line, sku, row });
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> Result<Summary, ImportError> {
        while !self.queue.is_empty() && !self.is_stopped {
            self.flush(self.queue.len())?;
        }
        Ok(self.summary)
    }

    /// Where to end a chunk, so that it does not part a row from those of its product right before it, unless
    /// these are a whole chunk.
    ///
    /// A product is recognised by any SKU of it, which may come behind new ones.
    fn end_before(&self, row: Option<&K::Row>) -> usize {
        let product = row.and_then(K::product);
        let of = |queued: &Queued<K::Row>| queued.row.as_ref().ok().and_then(K::product) == product;
        let is_same = |queued: &&Queued<K::Row>| product.is_some() && of(queued);
        let same = self.queue.iter().rev().take_while(is_same).count();
        match self.queue.len() - same {
            0 => self.queue.len(),
            end => end,
        }
    }

    /// Writes the first rows together, and forgets them.
    fn flush(&mut self, end: usize) -> Result<(), ImportError> {
        let rest = self.queue.split_off(end);
        let mut queue = std::mem::replace(&mut self.queue, rest);
        let form = self.form;
        let stops = self.how.on_error == OnError::Stop;
        if stops && let Some(at) = queue.iter().position(|queued| queued.row.is_err()) {
            queue.truncate(at + 1);
        }
        let mut told: Vec<Told> = Vec::with_capacity(queue.len());
        let mut entries = Vec::with_capacity(queue.len());
        for Queued { line, sku, row } in queue {
            // What becomes of a row that is not refused yet is decided below.
            let outcome = match row {
                Ok(entry) => {
                    entries.push(entry);
                    Outcome::Unchanged
                }
                Err(refusal) => Outcome::Refused(refusal),
            };
            told.push(Told { line, sku, outcome });
        }
        let Self {
            conn,
            kind,
            follower,
            how,
            ..
        } = self;
        let summary = conn.transaction::<_, ImportError, _>(|conn| {
            follower.begin(conn)?;
            let mut summary = self.summary;
            let applied = kind.apply(conn, &entries, &mut summary, (how.dry_run, stops))?;
            let learned = settle(&mut told, applied, stops);
            if form == Form::Ndjson {
                told.iter_mut().for_each(Told::name_members);
            }
            count(&told, &mut summary);
            let decided = Decided {
                rows: &told,
                summary: &summary,
                learned: &learned,
            };
            follower.decided(conn, &decided)?;
            Ok(summary)
        })?;
        self.summary = summary;
        self.is_stopped = stops && told.iter().any(Told::is_refused);
        self.follower.committed(&told);
        Ok(())
    }
}

/// Puts what was decided in its places. Rows behind one that stops the import are none any more.
fn settle(told: &mut Vec<Told>, applied: Applied, stops: bool) -> Vec<Learned> {
    let mut outcomes = applied.outcomes.into_iter();
    let mut decided = 0;
    for row in told.iter_mut() {
        if !row.is_refused() {
            row.outcome = outcomes.next().unwrap_or(Outcome::Unchanged);
        }
        decided += 1;
        if stops && row.is_refused() {
            break;
        }
    }
    told.truncate(decided);
    applied.learned
}

fn count(told: &[Told], summary: &mut Summary) {
    for row in told {
        summary.rows += 1;
        match row.outcome {
            Outcome::Created => summary.created += 1,
            Outcome::Updated => summary.updated += 1,
            Outcome::Unchanged => summary.unchanged += 1,
            Outcome::Refused(_) => summary.refused += 1,
        }
    }
}
