//! What each kind of job does, and when those come that come by themselves.
//!
//! A handler may run twice at once, if its worker was frozen and thawed; so it writes through its
//! [`Run`], or does what is harmless to do twice.

mod custom_fields;
mod doctor;
mod fetching;
mod files;
mod holds;
mod media;
mod pictures;
mod pruning;
pub mod rebuilding;
mod settling;
mod unpaid;

use std::collections::BTreeMap;
use std::sync::Arc;

use db::jobs::UPKEEP;
use db::schedules::{NewSchedule, Timing};
use domain::MissedTicks;
use futures_util::future::BoxFuture;

use super::{Done, JobError, Run};
use crate::config::Config;

/// What a handler comes to.
pub type Handled = Result<Done, JobError>;
type Handler = Arc<dyn Fn(Arc<Run>) -> BoxFuture<'static, Handled> + Send + Sync>;

/// A kind of job, and perhaps when it comes by itself.
pub struct Kind {
    name: &'static str,
    handler: Handler,
    schedule: Option<NewSchedule>,
}

impl Kind {
    /// A kind that runs when somebody enqueues it.
    pub fn new<F, W>(name: &'static str, handler: F) -> Self
    where
        F: Fn(Arc<Run>) -> W + Send + Sync + 'static,
        W: Future<Output = Handled> + Send + 'static,
    {
        Self {
            name,
            handler: Arc::new(move |run| Box::pin(handler(run))),
            schedule: None,
        }
    }

    /// Runs it every so many seconds as well; ticks that were missed are left out.
    #[must_use]
    pub fn every(self, seconds: i32) -> Self {
        self.scheduled(Timing::Every { seconds }, MissedTicks::Skip)
    }

    /// Runs it on a schedule of the same name.
    #[must_use]
    pub fn scheduled(mut self, timing: Timing, missed: MissedTicks) -> Self {
        self.schedule = Some(NewSchedule {
            name: self.name.to_owned(),
            queue: UPKEEP.to_owned(),
            kind: self.name.to_owned(),
            timing,
            missed,
        });
        self
    }
}

/// All kinds that a worker knows. It leaves jobs of other kinds to workers of other releases.
pub struct Kinds(BTreeMap<&'static str, Kind>);

impl Kinds {
    #[must_use]
    pub fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.name, kind)).collect())
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    pub(super) fn handler(&self, name: &str) -> Option<Handler> {
        self.0.get(name).map(|kind| Arc::clone(&kind.handler))
    }

    /// A schedule stays in the database when its kind has none any more; then nobody runs its ticks.
    pub(super) fn schedules(&self) -> impl Iterator<Item = &NewSchedule> {
        self.0.values().filter_map(|kind| kind.schedule.as_ref())
    }
}

/// The kinds of this release.
pub(super) fn built_in(config: &Config) -> Kinds {
    let doctor = Kind::new("doctor", doctor::visit);
    let doctor = match Timing::cron(&config.jobs.doctor_cron) {
        Ok(timing) => doctor.scheduled(timing, MissedTicks::RunOnce),
        Err(_) => doctor, // empty: checked with the other settings
    };
    let kinds = [
        doctor,
        Kind::new(rebuilding::KIND, rebuilding::rebuild),
        Kind::new(catalog::custom_fields::defining::JOB, custom_fields::apply),
        Kind::new(catalog::imports::JOB, files::import),
        Kind::new(catalog::imports::OTHER_JOB, files::import),
        Kind::new(catalog::imports::fetching::JOB, fetching::fetch),
        Kind::new(catalog::exports::JOB, files::export),
        Kind::new(catalog::exports::OTHER_JOB, files::export),
        Kind::new(catalog::media::JOB, media::render),
        Kind::new(catalog::media::wanted::JOB, pictures::fetch),
        Kind::new("collectMedia", media::collect).every(30),
        Kind::new("pruneFiles", pruning::files).every(300),
        Kind::new("settlePayments", settling::settle_payments).every(5),
        Kind::new("expireUnpaidOrders", unpaid::expire_unpaid_orders).every(30),
        Kind::new("expireHolds", holds::expire_holds).every(30),
        Kind::new("forgetSales", pruning::sales).every(300),
        Kind::new("pruneIdempotencyKeys", pruning::idempotency_keys).every(60),
        Kind::new("pruneSessions", pruning::sessions).every(300),
        Kind::new("pruneJobs", pruning::jobs).every(300),
        Kind::new("pruneEvents", pruning::events).every(300),
    ];
    #[cfg(feature = "faults")]
    let kinds = kinds.into_iter().chain(crate::probes::kinds());
    Kinds::new(kinds)
}
