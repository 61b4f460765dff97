//! Delivers what the log of events tells, at least once, to everyone who registered.
//!
//! Every replica runs one; for each consumer one of them at a time holds the lease. Nobody is woken
//! for an event: a NOTIFY per order would make commits wait for each other, so the log is asked.
//!
//! - [`Consumer`]: who wants to know, and what is done with an event
//! - [`turn`]: one batch for one consumer
//! - [`indexing`]: the consumer that keeps what can be found what there is
//! - [`invalidation`]: the consumer that keeps cached answers honest
//! - [`selling`]: the consumer that counts what sells
//! - [`lag`]: how far consumers are behind, as metrics

mod indexing;
pub mod invalidation;
pub mod lag;
mod selling;
mod side_by_side;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use db::consumers::{self, Start};
use db::outbox::Recorded;
use db::{Db, DbError};
use diesel::PgConnection;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::state::State;

/// The lease of a consumer that has no reason for another one.
const LEASE: Duration = Duration::from_secs(10);
/// How often marks are looked for while there are none.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long to wait after the database refused.
const REST: Duration = Duration::from_secs(1);

/// Why an event was not handled; words for whoever runs the shop.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What happens all the time and changes nothing of the catalogue.
const OF_CUSTOMERS: &[&str] = &["order.placed", "payment.changed", "user.registered"];

/// Who wants to know of events, and what is done with them.
#[derive(Clone)]
pub struct Consumer {
    /// Names its position in the database; never to be changed.
    pub name: &'static str,
    /// Where it begins in a shop that does not know it yet.
    pub start: Start,
    /// Kinds of events that it does not want to hear of: frequent ones, for a shop sells more often than it changes.
    pub passes_over: &'static [&'static str],
    /// How long it waits for a replica that died or froze. A batch takes at most four fifths of it, so
    /// that who is slow is not taken for dead.
    pub lease: Duration,
    pub reading: Reading,
    pub effect: Effect,
}

/// How a consumer reads the log.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// How often the log is asked while nothing happens.
    pub look_every: Duration,
    /// Most events that are handled together.
    pub batch: usize,
    /// Whether what events say is read; who only wants to know what happened to what handles more of them in as much memory.
    pub with_payloads: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            look_every: Duration::from_millis(200),
            batch: 500,
            with_payloads: true,
        }
    }
}

/// What is done with events. They come in the order of the log, so those of one resource in theirs.
#[derive(Clone)]
pub enum Effect {
    /// A change in the database, which commits with the consumer's position: exactly once.
    InTransaction(Arc<TransactionEffect>),
    /// Something elsewhere, for several events at once: at least once.
    PerBatch(Arc<BatchEffect>),
    /// Something elsewhere, for each event: at least once. Events of one resource wait for each
    /// other, those of different ones do not.
    PerEvent(Arc<EventEffect>),
}

pub type TransactionEffect =
    dyn Fn(&mut PgConnection, &[Recorded]) -> Result<(), Failure> + Send + Sync;
pub type BatchEffect =
    dyn Fn(Arc<[Recorded]>) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;
pub type EventEffect = dyn Fn(Recorded) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// The names of [`consumers`], and where each begins.
const REGISTRATIONS: &[(&str, Start)] = &[
    invalidation::REGISTRATION,
    indexing::REGISTRATION,
    selling::REGISTRATION,
];

/// All consumers of a replica.
#[must_use]
pub fn consumers(state: &Arc<State>) -> Vec<Consumer> {
    let consumers = [
        invalidation::consumer(state),
        indexing::consumer(),
        selling::consumer(),
    ]
    .into_iter();
    #[cfg(feature = "faults")]
    let consumers = consumers.chain(crate::probes::consumers(state));
    consumers.collect()
}

/// Makes consumers known before anything is written that they have to hear of.
///
/// # Errors
///
/// Those of the database.
pub fn register(conn: &mut PgConnection) -> diesel::QueryResult<()> {
    for (name, start) in REGISTRATIONS {
        consumers::register(conn, name, *start)?;
    }
    Ok(())
}

/// A running relay. Dropping it lets it end by itself.
pub struct Relay {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts to deliver to all consumers of a replica, to write the documents that they find stale, and to measure how far they are behind where
/// anybody asks for metrics.
#[must_use]
pub fn start(state: &Arc<State>) -> Relay {
    let mut relay = Relay::start(&state.background, consumers(state));
    let indexing = indexing::keep_fresh(Arc::clone(state), relay.stop.subscribe());
    relay.tasks.push(tokio::spawn(indexing));
    if !state.config.metrics.bind.is_empty() {
        let measuring = lag::measure(state.background.clone(), relay.stop.subscribe());
        relay.tasks.push(tokio::spawn(measuring));
    }
    relay
}

impl Relay {
    /// Starts to deliver to these consumers, each at its own pace.
    #[must_use]
    pub fn start(db: &Db, consumers: Vec<Consumer>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = |consumer| tokio::spawn(follow(db.clone(), consumer, stopped.clone()));
        let tasks = consumers.into_iter().map(task).collect();
        Self { stop, tasks }
    }

    /// Finishes what is being handled, gives all leases back, and returns.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        join_all(self.tasks).await;
    }
}

/// Delivers to one consumer until it is told to stop.
async fn follow(db: Db, consumer: Consumer, mut stop: watch::Receiver<bool>) {
    let (name, start) = (consumer.name, consumer.start);
    let register =
        move |conn: &mut PgConnection| Ok::<_, DbError>(consumers::register(conn, name, start)?);
    while let Err(error) = db.run(register).await {
        log::warn!(consumer = name, error:% = error; "not registered, trying again");
        if is_stopped_within(&mut stop, REST).await {
            return;
        }
    }
    let mut care = turn::Care::default();
    while !*stop.borrow() {
        let pause = match turn::take(&db, &consumer, &mut care).await {
            Ok(turn::Next::AtOnce) => continue,
            Ok(turn::Next::Later) => consumer.reading.look_every,
            Err(error) => {
                log::warn!(consumer = name, error:% = error; "no events delivered, trying again");
                if db::faults::mutant("relay_stops") {
                    return;
                }
                REST
            }
        };
        if is_stopped_within(&mut stop, pause).await {
            return;
        }
    }
}

/// Waits, and tells whether it is time to stop: nobody is left to say so counts as well.
async fn is_stopped_within(stop: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    tokio::time::timeout(pause, stop.wait_for(|stop| *stop))
        .await
        .is_ok()
}
