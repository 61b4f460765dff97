//! A circuit breaker: after several failures in a row nobody asks for a while.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Failures in a row that open the circuit.
const LIMIT: u32 = 5;
/// How long it stays open before one request may try.
const REST: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    retry_at: Option<Instant>,
}

impl Breaker {
    /// Whether to ask now. While the circuit is open one caller a second may.
    pub(super) fn allows(&self) -> bool {
        let mut state = self.lock();
        match state.retry_at {
            Some(at) if Instant::now() < at => false,
            Some(_) => {
                state.retry_at = Some(Instant::now() + REST);
                true
            }
            None => true,
        }
    }

    pub(super) fn succeeded(&self) {
        *self.lock() = State::default();
    }

    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= LIMIT {
            if state.failures == LIMIT {
                log::warn!("Redis does not answer; going on without it");
            }
            state.retry_at = Some(Instant::now() + REST);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_the_circuit_and_one_success_closes_it() {
        let breaker = Breaker::default();
        for _ in 0..LIMIT {
            assert!(breaker.allows());
            breaker.failed();
        }
        assert!(!breaker.allows());
        breaker.succeeded();
        assert!(breaker.allows());
    }
}
