//! An import that is under way: rows are taken one by one and written chunk by chunk.

use diesel::{Connection, PgConnection};

use super::apply::Applied;
use super::kinds::Kind;
use super::memory::Learned;
use super::references::{Brought, Wanted, keeping, resolving};
use super::row::{Cells, Refusal};
use super::{Form, How, ImportError, OnError, Outcome, Summary};

/// Rows of one transaction.
const CHUNK: usize = 500;
/// Bytes of texts in these: it ends sooner where they are long, so that memory is bounded.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
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
    pub(super) fn name_members(&mut self, form: Form) {
        if let Outcome::Refused(refusal) = &mut self.outcome {
            refusal.field = form.name_of(std::mem::take(&mut refusal.field));
        }
    }

    pub(super) fn is_refused(&self) -> bool {
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

/// A row that comes to something else than it was told to, because of what it says of other things.
#[derive(Debug)]
pub struct Corrected<'c> {
    /// How many rows of the file came before it.
    pub number: i64,
    pub row: &'c Told,
    /// Of the whole file.
    pub summary: &'c Summary,
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

    /// Is called in the transaction that reads what a row says of other things, when it is to be committed next.
    ///
    /// # Errors
    ///
    /// Whatever is to end the import; nothing is written then.
    fn corrected(&mut self, _: &mut PgConnection, _: &Corrected) -> Result<(), ImportError> {
        Ok(())
    }

    /// Is called when a chunk is committed, with the rows to which nothing more happens; each comes once.
    fn committed(&mut self, _: &[Told]) {}

    /// Brings a picture that the shop does not have, by its path.
    ///
    /// # Errors
    ///
    /// Whatever is to end the import.
    fn picture(&mut self, _path: &str, _dry_run: bool) -> Result<Brought, ImportError> {
        Ok(Brought::no_folder())
    }
}

/// Where an import goes on that has come so far before.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub summary: Summary,
    /// By all chunks so far.
    pub learned: Vec<Learned>,
    /// Names what rows say of other things, which is kept in the database. `None` where nothing goes on with it.
    pub run: Option<String>,
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
    /// See [`Start`]; it is there once any row says something.
    run: Option<String>,
    kind: K,
    /// Rows that are not written yet.
    queue: Vec<Queued<K::Row>>,
    /// Whether a row was refused that stops the import.
    is_stopped: bool,
}

struct Queued<R> {
    line: u64,
    sku: String,
    /// Of its texts.
    bytes: usize,
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
        let Start {
            summary,
            learned,
            run,
        } = start;
        learned.into_iter().for_each(|learned| kind.learn(&learned));
        Self {
            conn,
            form,
            how,
            follower,
            skip: summary.rows,
            summary,
            run,
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
        let bytes = cells.bytes();
        let queued: usize = self.queue.iter().map(|queued| queued.bytes).sum();
        if self.queue.len() >= CHUNK || (queued > 0 && queued + bytes > CHUNK_BYTES) {
            self.flush(self.end_before(row.as_ref().ok()))?;
        }
        let sku = cells.sku.trim().chars().take(SHOWN).collect();
        self.queue.push(Queued {
            line,
            sku,
            bytes,
            row,
        });
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> Result<Summary, ImportError> {
        while !self.queue.is_empty() && !self.is_stopped {
            self.flush(self.queue.len())?;
        }
        self.resolve()?;
        Ok(self.summary)
    }

    /// Reads what the rows that are written say of other things.
    pub(super) fn resolve(&mut self) -> Result<(), ImportError> {
        let Some(run) = &self.run else { return Ok(()) };
        resolving::resolve(
            self.conn,
            run,
            (self.form, self.how),
            (&self.kind, &mut self.follower),
            &mut self.summary,
        )
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
        for Queued { line, sku, row, .. } in queue {
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
            run,
            ..
        } = self;
        let before = self.summary;
        let (summary, mut referring) = conn.transaction::<_, ImportError, _>(|conn| {
            follower.begin(conn)?;
            let mut summary = before;
            let applied = kind.apply(conn, &entries, &mut summary, (how.dry_run, stops))?;
            let (learned, referring) = settle(&mut told, applied, stops);
            if !referring.is_empty() {
                let run = match run {
                    Some(run) => run,
                    None => run.insert(keeping::new_run(conn)?),
                };
                keeping::keep(conn, run, before.rows, &told, &referring)?;
            }
            told.iter_mut().for_each(|row| row.name_members(form));
            count(&told, &mut summary);
            let decided = Decided {
                rows: &told,
                summary: &summary,
                learned: &learned,
            };
            follower.decided(conn, &decided)?;
            let places = referring.into_iter().map(|(at, _)| at);
            Ok((summary, places.peekable()))
        })?;
        self.summary = summary;
        self.is_stopped = stops && told.iter().any(Told::is_refused);
        let mut place = 0..;
        told.retain(|_| {
            let at = place.next();
            referring
                .next_if(|referring| Some(*referring) == at)
                .is_none()
        });
        self.follower.committed(&told);
        Ok(())
    }
}

/// Puts what was decided in its places. Rows behind one that stops the import are none any more.
fn settle(
    told: &mut Vec<Told>,
    applied: Applied,
    stops: bool,
) -> (Vec<Learned>, Vec<(usize, Wanted)>) {
    let mut outcomes = applied.outcomes.into_iter();
    let mut said = applied.referring.into_iter().peekable();
    let (mut entry, mut referring) = (0, Vec::new());
    let mut decided = 0;
    for row in told.iter_mut() {
        if !row.is_refused() {
            row.outcome = outcomes.next().unwrap_or(Outcome::Unchanged);
            let said = said.next_if(|(of, _)| *of == entry);
            referring.extend(said.map(|(_, wanted)| (decided, wanted)));
            entry += 1;
        }
        decided += 1;
        if stops && row.is_refused() {
            break;
        }
    }
    told.truncate(decided);
    (applied.learned, referring)
}

fn count(told: &[Told], summary: &mut Summary) {
    for row in told {
        summary.rows += 1;
        *summary.count_of(&row.outcome) += 1;
    }
}
