//! Notices that this process stood still, and for how long.
//!
//! A frozen process (stopped, swapped out, a suspended machine) still has what clients sent it in its
//! sockets. When it goes on, the proxy has long given those requests to another replica, and the
//! client has that replica's answer. A write among them must not take effect after all: "sold out"
//! is not stored under a key, so the key alone does not stop it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_millis(100);
/// Longer than this between two beats is a standstill. With the longest that a request may wait here
/// and then be written (see `workflows::placing`) it stays below the 3 s after which nginx gives up.
const STANDSTILL: Duration = Duration::from_secs(1);
/// How long whatever comes in after a standstill may have been sent before it.
const AFTERMATH: Duration = Duration::from_millis(500);

struct Pulse {
    start: Instant,
    /// Milliseconds since `start`.
    last_beat: AtomicU64,
    suspect_until: AtomicU64,
    _stop: mpsc::Sender<()>,
}

static PULSE: OnceLock<Pulse> = OnceLock::new();

/// Starts to watch, once in a process.
pub fn start() {
    let (stop, stopped) = mpsc::channel::<()>();
    let pulse = Pulse {
        start: Instant::now(),
        last_beat: AtomicU64::new(0),
        suspect_until: AtomicU64::new(0),
        _stop: stop,
    };
    if PULSE.set(pulse).is_err() {
        return;
    }
    let beat = move || {
        while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(BEAT) {
            if let Some(pulse) = PULSE.get() {
                pulse.beat();
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("pulse".into()).spawn(beat) {
        log::error!(error:% = error; "nobody watches for standstills");
    }
}

/// Whether a request that is read now may have been sent before a standstill.
#[must_use]
pub fn is_suspect() -> bool {
    PULSE.get().is_some_and(Pulse::is_suspect)
}

impl Pulse {
    fn beat(&self) {
        let now = self.now();
        let gap = now.saturating_sub(self.last_beat.load(Ordering::Acquire));
        if gap > millis(STANDSTILL) {
            log::warn!(gap_ms = gap; "this process stood still; writes that came meanwhile are refused");
            self.suspect_until
                .store(now + millis(AFTERMATH), Ordering::Release);
        }
        self.last_beat.store(now, Ordering::Release);
    }

    /// Also before the first beat after a standstill: whoever wakes up first may be a worker.
    fn is_suspect(&self) -> bool {
        let now = self.now();
        now < self.suspect_until.load(Ordering::Acquire)
            || now.saturating_sub(self.last_beat.load(Ordering::Acquire)) > millis(STANDSTILL)
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
