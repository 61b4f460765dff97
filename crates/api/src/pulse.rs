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

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

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
    /// The end of the last standstill; 0 where there was none.
    woke_at: AtomicU64,
    /// How long the machine had been suspended by the last beat, in milliseconds.
    suspended: AtomicU64,
    _stop: mpsc::Sender<()>,
}

static PULSE: OnceLock<Pulse> = OnceLock::new();

/// Starts to watch, once in a process.
pub fn start() {
    let (stop, stopped) = mpsc::channel::<()>();
    let pulse = Pulse {
        start: Instant::now(),
        last_beat: AtomicU64::new(0),
        woke_at: AtomicU64::new(0),
        suspended: AtomicU64::new(suspended()),
        _stop: stop,
    };
    if PULSE.set(pulse).is_err() {
        return;
    }
    let beat = move || {
        while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(BEAT) {
            if let Some(pulse) = PULSE.get() {
                pulse.beat(suspended());
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

/// Whether the process stood still after a request came whose head was read then: it was read before the standstill, and its
/// effect would come after it.
#[must_use]
pub fn stood_still_since(moment: Instant) -> bool {
    PULSE
        .get()
        .is_some_and(|pulse| pulse.stood_still_since(moment))
}

impl Pulse {
    fn beat(&self, suspended: u64) {
        let (now, gap) = (self.now(), self.gap(suspended));
        if gap > millis(STANDSTILL) {
            log::warn!(gap_ms = gap; "this process stood still; writes that came meanwhile are refused");
            self.woke_at.store(now, Ordering::Release);
        }
        self.last_beat.store(now, Ordering::Release);
        self.suspended.store(suspended, Ordering::Release);
    }

    fn is_suspect(&self) -> bool {
        let woke_at = self.woke_at.load(Ordering::Acquire);
        (woke_at > 0 && self.now() < woke_at + millis(AFTERMATH)) || self.stands_still()
    }

    fn stood_still_since(&self, moment: Instant) -> bool {
        let moment = millis(moment.saturating_duration_since(self.start));
        self.woke_at.load(Ordering::Acquire) > moment || self.stands_still()
    }

    /// It did until now: whoever wakes up first may not be the one who notices.
    fn stands_still(&self) -> bool {
        self.gap(suspended()) > millis(STANDSTILL)
    }

    /// The time since the last beat; that of a suspended machine does not pass otherwise.
    fn gap(&self, suspended: u64) -> u64 {
        let since = self
            .now()
            .saturating_sub(self.last_beat.load(Ordering::Acquire));
        since + suspended.saturating_sub(self.suspended.load(Ordering::Acquire))
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

/// How long the machine has been suspended since it was started, in milliseconds.
#[cfg(target_os = "linux")]
fn suspended() -> u64 {
    let [all, awake] = [ClockId::Boottime, ClockId::Monotonic].map(|clock| {
        let time = clock_gettime(clock);
        time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    });
    u64::try_from(all - awake).unwrap_or(0)
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn suspended() -> u64 {
    0
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds old, with its last beat and the end of its last standstill so many milliseconds after its start.
    fn pulse(last_beat: u64, woke_at: u64) -> Pulse {
        Pulse {
            start: Instant::now() - Duration::from_secs(10),
            last_beat: AtomicU64::new(last_beat),
            woke_at: AtomicU64::new(woke_at),
            suspended: AtomicU64::new(suspended()),
            _stop: mpsc::channel().0,
        }
    }

    #[test]
    fn what_came_before_a_standstill_is_told_from_what_came_after_it() {
        let before = Duration::from_secs(4);
        let after = Duration::from_secs(6);
        for (pulse, standstills) in [
            (pulse(9_950, 0), [false, false]),
            (pulse(9_950, 5_000), [true, false]),
            // Nobody has noticed yet that it is over.
            (pulse(8_000, 0), [true, true]),
        ] {
            let since = [before, after].map(|age| pulse.stood_still_since(pulse.start + age));
            assert_eq!(since, standstills);
        }
    }

    #[test]
    fn what_is_read_soon_after_a_standstill_is_suspect() {
        assert!(!pulse(9_950, 0).is_suspect());
        assert!(pulse(9_950, 9_900).is_suspect());
        assert!(!pulse(9_950, 9_000).is_suspect());
        assert!(pulse(8_000, 0).is_suspect());
    }

    #[test]
    fn a_beat_that_comes_late_ends_a_standstill() {
        let late = pulse(8_500, 0);
        late.beat(suspended());
        assert!(late.woke_at.load(Ordering::Acquire) >= 10_000);
        let regular = pulse(9_950, 0);
        regular.beat(suspended());
        assert_eq!(regular.woke_at.load(Ordering::Acquire), 0);
        let slept = pulse(9_950, 0);
        slept.beat(suspended() + 1_500);
        assert!(slept.woke_at.load(Ordering::Acquire) >= 10_000);
    }
}
