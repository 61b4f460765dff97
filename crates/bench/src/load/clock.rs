//! Says when the next request is to be sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Shared by all connections of a load.
pub struct Clock {
    started: Instant,
    length: Duration,
    /// Time between two requests of the open loop.
    every: Option<Duration>,
    /// One permit per request that is due and not taken yet.
    due: Semaphore,
    taken: AtomicU64,
}

/// A request to be sent.
pub struct Ticket {
    /// Counts the requests of the load, from 0.
    pub index: u64,
    /// When it was to be sent; `None` in the closed loop: now.
    pub due: Option<Instant>,
}

/// tokio's timers are a millisecond coarse, so a thread of its own keeps the time.
const STEP: Duration = Duration::from_micros(100);

impl Clock {
    /// `rate` is in requests per second; `None` is the closed loop.
    pub fn new(started: Instant, length: Duration, rate: Option<f64>) -> Self {
        Self {
            started,
            length,
            every: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            due: Semaphore::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Waits for the next request; `None` when the load is over.
    pub async fn next(&self) -> Option<Ticket> {
        let Some(every) = self.every else {
            return (self.started.elapsed() < self.length).then(|| self.take(None));
        };
        self.due.acquire().await.ok()?.forget();
        let ticket = self.take(Some(every));
        let is_within = |due: &Instant| due.duration_since(self.started) < self.length;
        ticket.due.filter(is_within).map(|_| ticket)
    }

    fn take(&self, every: Option<Duration>) -> Ticket {
        let index = self.taken.fetch_add(1, Ordering::Relaxed);
        Ticket {
            index,
            due: every.map(|every| self.started + every.mul_f64(count(index))),
        }
    }

    /// Makes requests due at their time; at the end wakes all who wait for one.
    pub fn tick(&self, waiting: usize) {
        let Some(every) = self.every else { return };
        let mut made_due = 0_u64;
        while self.started.elapsed() < self.length {
            let now = self.started.elapsed().as_nanos() / every.as_nanos().max(1) + 1;
            let now = u64::try_from(now).unwrap_or(u64::MAX);
            let fresh = usize::try_from(now.saturating_sub(made_due)).unwrap_or_default();
            self.due.add_permits(fresh);
            made_due = made_due.max(now);
            #[expect(clippy::disallowed_methods, reason = "time is the condition here")]
            std::thread::sleep(STEP);
        }
        // All that is still to come, and one for each who waits and is to be told that nothing is.
        let all = self.length.as_nanos() / every.as_nanos().max(1) + 1;
        let all = u64::try_from(all).unwrap_or(u64::MAX);
        let left = usize::try_from(all.saturating_sub(made_due)).unwrap_or_default();
        self.due.add_permits(left + waiting);
    }
}

/// Exact below 2^53, and no load sends as many.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn count(index: u64) -> f64 {
    index as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn everybody_is_told_when_the_load_is_over() {
        let clock = std::sync::Arc::new(Clock::new(
            Instant::now(),
            Duration::from_millis(20),
            Some(100_000.0),
        ));
        let shared = std::sync::Arc::clone(&clock);
        let ticking = std::thread::spawn(move || shared.tick(8));

        let takers: Vec<_> = (0..8)
            .map(|_| {
                let clock = std::sync::Arc::clone(&clock);
                tokio::spawn(async move {
                    let mut taken = 0;
                    while clock.next().await.is_some() {
                        taken += 1;
                    }
                    taken
                })
            })
            .collect();
        let mut taken = 0;
        for taker in takers {
            taken += taker.await.unwrap();
        }

        ticking.join().unwrap();
        assert_eq!(taken, 2_000);
    }
}
