//! Words for work that is done later: where a job stands, and what becomes of ticks that were missed.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// Where a job stands.
    ///
    /// ```
    /// use domain::JobState;
    ///
    /// assert_eq!("queued".parse(), Ok(JobState::Queued));
    /// assert!(JobState::Failed.is_finished());
    /// assert!(!JobState::Running.is_finished());
    /// ```
    JobState, "a job state", UnknownJobState {
        /// Waits for its time and for a worker; also between two attempts.
        Queued => "queued",
        /// A worker holds a lease on it.
        Running => "running",
        /// Done.
        Succeeded => "succeeded",
        /// Given up after its last attempt.
        Failed => "failed",
        /// Somebody did not want it any more.
        Cancelled => "cancelled",
    }
}

impl JobState {
    /// Whether nothing happens to it any more by itself.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

coded! {
    /// What becomes of the ticks of a schedule that nobody was there to run.
    MissedTicks, "a policy for missed ticks", UnknownMissedTicks {
        /// They are left out; the schedule goes on with its next tick.
        Skip => "skip",
        /// The last one of them runs, for all.
        RunOnce => "runOnce",
        /// Each of them runs, the oldest first.
        CatchUp => "catchUp",
    }
}
