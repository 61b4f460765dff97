//! The part of a replica that does what is to be done later.
//!
//! Every replica may have one, and they need not know of each other: what may run where and when is
//! decided in Postgres. A worker looks for due ticks and jobs about twice a second, at once after a
//! job has ended, and runs a few side by side. A job that panics is a job that failed. When the
//! replica stops, no new job is begun, those under way may finish, and what is left is given back.
//!
//! - [`kinds`]: what each kind of job does
//! - [`run`]: one attempt at a job, and what its handler may write
//! - [`rounds`]: looking, claiming, renewing, stopping
//! - [`gauges`]: what the queues hold, for the metrics

mod gauges;
pub mod kinds;
mod rounds;
pub mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::jobs::Claim;
use domain::JobId;
use futures_util::future::AbortHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::state::State;
pub use kinds::{Kind, Kinds};
pub use run::{Done, JobError, Run};

/// How long jobs under way may take after the replica was asked to stop. Requests have their own
/// 20 s at the same time; together with giving back what is left it stays below 25 s.
const STOP_BUDGET: Duration = Duration::from_secs(15);

/// A worker at work. Dropping it stops it without waiting for anything.
pub struct Worker {
    stop: watch::Sender<bool>,
    rounds: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
}

/// What the parts of a worker share.
struct Shared {
    state: Arc<State>,
    kinds: Kinds,
    /// Names this worker in the jobs it holds.
    holder: String,
    lease: Duration,
    poll: Duration,
    parallelism: usize,
    stop_budget: Duration,
    stop: watch::Receiver<bool>,
    running: Mutex<HashMap<JobId, Running>>,
}

/// A job this worker is doing.
struct Running {
    claim: Claim,
    abort: AbortHandle,
}

/// Starts a worker with all kinds of jobs that this release knows.
#[must_use]
pub fn start(state: Arc<State>) -> Worker {
    let kinds = kinds::built_in(&state.config);
    start_with(state, kinds, STOP_BUDGET)
}

/// The same with kinds and a budget for stopping of the caller's.
#[must_use]
pub fn start_with(state: Arc<State>, kinds: Kinds, stop_budget: Duration) -> Worker {
    let (stop, stopped) = watch::channel(false);
    let settings = &state.config.jobs;
    let shared = Arc::new(Shared {
        holder: holder(),
        lease: Duration::from_secs(settings.lease_seconds.into()),
        poll: Duration::from_millis(settings.poll_ms),
        parallelism: settings.parallelism,
        stop_budget,
        stop: stopped,
        running: Mutex::default(),
        kinds,
        state,
    });
    log::info!(holder = shared.holder.as_str(); "the worker starts");
    let others = vec![
        tokio::spawn(rounds::renew(Arc::clone(&shared))),
        tokio::spawn(gauges::keep(Arc::clone(&shared.state))),
    ];
    Worker {
        stop,
        rounds: tokio::spawn(rounds::run(shared)),
        others,
    }
}

impl Worker {
    /// Stops claiming, lets jobs under way finish within the budget, and gives the others back.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.rounds).await {
            log::error!(error:% = error; "the worker ended badly");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.rounds.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn with_running<T>(&self, use_it: impl FnOnce(&mut HashMap<JobId, Running>) -> T) -> T {
        // Nothing panics while it is held, and a map of what runs is never half-changed.
        use_it(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Machine, process and a random part: people find the worker by it, and no other one has it.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{}:{}:{}", host.trim(), std::process::id(), &random[..8])
}
