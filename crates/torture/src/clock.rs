//! Time since the start of a run, and waiting in threads that have nothing else to do.

use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Counts nanoseconds since a run began; it never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Starts to count now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn now_ns(self) -> u64 {
        nanoseconds(self.0.elapsed())
    }

    /// The moment that was, or will be, so long after the start.
    #[must_use]
    pub fn at(self, after: Duration) -> Instant {
        self.0 + after
    }
}

/// A duration as nanoseconds.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits on this thread.
pub fn pause(duration: Duration) {
    let (_stop, wait) = mpsc::channel::<()>();
    let _ = wait.recv_timeout(duration);
}

/// Waits on this thread until a moment.
pub fn pause_until(moment: Instant) {
    pause(moment.saturating_duration_since(Instant::now()));
}

/// Asks again and again until the answer is yes; `false` when patience ran out before.
pub fn wait_until(patience: Duration, mut is_done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !is_done() {
        if Instant::now() >= deadline {
            return false;
        }
        pause(Duration::from_millis(10));
    }
    true
}
