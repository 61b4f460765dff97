//! One batch for one consumer: claim, read, handle, advance.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use db::consumers::{self, AdvanceError, Lease};
use db::outbox::Recorded;
use db::outbox::log::{self as event_log, Wanted};
use db::{Db, DbError, faults};
use futures_util::FutureExt as _;

use super::side_by_side;
use super::{Consumer, Effect, Failure, TransactionEffect};

/// How many of the next events are taken one by one, because a batch of them failed: the one at
/// fault is then known by its id, and only it waits.
#[derive(Debug, Default)]
pub(super) struct Care(usize);

/// When to look again.
pub(super) enum Next {
    AtOnce,
    Later,
}

/// The next events of a consumer, and the right to handle them.
struct Turn {
    lease: Lease,
    events: Vec<Recorded>,
    /// Whether more may be there behind them.
    has_more: bool,
}

/// What came of a turn.
enum Handled {
    /// Everything, and the position says so already.
    Committed,
    /// The first so many events; and why not the next one, where there is one.
    Upto(usize, Option<Failure>),
    /// Somebody else has the lease by now.
    Fenced,
}

pub(super) async fn take(db: &Db, consumer: &Consumer, care: &mut Care) -> Result<Next, DbError> {
    let name = consumer.name;
    let Some(turn) = claim(db, consumer, care.0 > 0).await? else {
        return Ok(Next::Later);
    };
    let taken = turn.events.len();
    if faults::mutant("advance_before_effect") {
        settle(db, &turn, taken, None).await?;
    }
    let (count, failure) = match handle(db, consumer, &turn).await? {
        Handled::Committed => (taken, None),
        Handled::Upto(count, failure) if settle(db, &turn, count, failure.as_ref()).await? => {
            (count, failure)
        }
        Handled::Upto(..) | Handled::Fenced => {
            log::warn!(consumer = name; "events were handled by somebody else meanwhile");
            return Ok(Next::Later);
        }
    };
    let handled = u64::try_from(count).unwrap_or(u64::MAX);
    metrics::counter!("events_handled_total", "consumer" => name).increment(handled);
    care.0 = care.0.saturating_sub(count);
    let Some(failure) = failure else {
        let is_more_there = turn.has_more || count < taken || care.0 > 0;
        return Ok(if is_more_there {
            Next::AtOnce
        } else {
            Next::Later
        });
    };
    metrics::counter!("events_failed_total", "consumer" => name).increment(1);
    if taken > 1 {
        care.0 = taken - count;
        return Ok(Next::AtOnce);
    }
    let event = turn.events.first().map(Recorded::public_id);
    log::error!(consumer = name, event:?, error:% = failure; "an event cannot be handled yet");
    Ok(Next::Later)
}

async fn claim(
    db: &Db,
    consumer: &Consumer,
    one_by_one: bool,
) -> Result<Option<Arc<Turn>>, DbError> {
    let (name, lease, passes_over) = (consumer.name, consumer.lease, consumer.passes_over);
    let (batch, with_payloads) = (consumer.reading.batch, consumer.reading.with_payloads);
    db.run(move |conn| {
        let Some(lease) = consumers::claim(conn, name, lease)? else {
            return Ok(None);
        };
        let is_alone = one_by_one || lease.failures > 0;
        let limit = if is_alone { 1 } else { batch };
        let wanted = Wanted {
            passes_over,
            with_payloads,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let next = event_log::read_wanted(conn, lease.position, wanted)?;
        Ok(Some(Arc::new(Turn {
            lease,
            events: next.events,
            has_more: next.has_more,
        })))
    })
    .await
}

async fn handle(db: &Db, consumer: &Consumer, turn: &Arc<Turn>) -> Result<Handled, DbError> {
    let events = &turn.events;
    let handling = async {
        faults::point("after_outbox_read");
        match &consumer.effect {
            Effect::InTransaction(effect) => commit(db, effect, turn).await,
            Effect::PerEvent(effect) => {
                let until = Instant::now() + consumer.lease / 2;
                let (count, failure) = side_by_side::handle(effect.as_ref(), events, until).await;
                Ok(Handled::Upto(count, failure))
            }
            Effect::PerBatch(effect) => Ok(match effect(events.as_slice().into()).await {
                Ok(()) => Handled::Upto(events.len(), None),
                Err(failure) => Handled::Upto(0, Some(failure)),
            }),
        }
    };
    let handling = AssertUnwindSafe(handling).catch_unwind();
    match tokio::time::timeout(consumer.lease * 4 / 5, handling).await {
        Ok(Ok(handled)) => handled,
        Ok(Err(_)) => Ok(Handled::Upto(0, Some("it panicked".into()))),
        Err(_) => Ok(Handled::Upto(0, Some("it took too long".into()))),
    }
}

/// Why a transaction with an effect was rolled back.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error(transparent)]
    Advance(#[from] AdvanceError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("{0}")]
    Effect(Failure),
}

impl From<diesel::result::Error> for CommitError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

async fn commit(
    db: &Db,
    effect: &Arc<TransactionEffect>,
    turn: &Arc<Turn>,
) -> Result<Handled, DbError> {
    let (effect, turn) = (Arc::clone(effect), Arc::clone(turn));
    let work = move |conn: &mut diesel::PgConnection| {
        consumers::advance_with(conn, &turn.lease, &turn.events, |conn, events| {
            effect(conn, events).map_err(CommitError::Effect)
        })
    };
    match db.run(work).await {
        Ok(()) => Ok(Handled::Committed),
        Err(CommitError::Advance(AdvanceError::Fenced)) => Ok(Handled::Fenced),
        Err(CommitError::Effect(failure)) => Ok(Handled::Upto(0, Some(failure))),
        Err(CommitError::Db(DbError::Panicked)) => Ok(Handled::Upto(0, Some("it panicked".into()))),
        Err(CommitError::Advance(AdvanceError::Db(error))) => Err(error.into()),
        Err(CommitError::Db(error)) => Err(error),
    }
}

/// Writes down how far a turn came, and gives the lease back; false when it was lost.
async fn settle(
    db: &Db,
    turn: &Arc<Turn>,
    count: usize,
    failure: Option<&Failure>,
) -> Result<bool, DbError> {
    let turn = Arc::clone(turn);
    let failure = failure.map(|failure| {
        let event = turn.events.get(count).map(Recorded::public_id);
        format!("{}: {failure}", event.unwrap_or_default())
    });
    db.run(move |conn| {
        let Turn { lease, events, .. } = turn.as_ref();
        match failure {
            Some(error) if events.len() == 1 => consumers::fail(conn, lease, &error)?,
            Some(_) if count == 0 => consumers::release(conn, lease)?,
            _ => match consumers::advance(conn, lease, &events[..count]) {
                Ok(()) => {}
                Err(AdvanceError::Fenced) => return Ok(false),
                Err(AdvanceError::Db(error)) => return Err(error.into()),
            },
        }
        Ok::<_, DbError>(true)
    })
    .await
}
