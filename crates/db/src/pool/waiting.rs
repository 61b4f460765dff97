//! Work that waits for a connection, and who does it.
//!
//! A runner has a blocking thread and a connection, and does one piece of work after the other
//! until none waits. So under load a piece of work that ends makes way for the next one without
//! waking anybody, and only its caller hears of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::PgConnection;

use crate::error::DbError;

/// Work that has its own way to tell its caller what came of it.
pub(super) struct Work {
    pub claim: Claim,
    pub run: Box<dyn FnOnce(Lent<'_>) + Send>,
}

/// A connection, or why there is none.
pub(super) type Lent<'c> = Result<&'c mut PgConnection, DbError>;

/// Taken once: by the runner that begins the work, or by a caller that waits no more.
#[derive(Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Whether it was still to be had.
    pub fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// First come, first served.
#[derive(Default)]
pub(super) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    runners: usize,
}

impl Waiting {
    /// Adds work; a runner when it needs another one.
    pub fn add(self: &Arc<Self>, work: Work, max_runners: usize) -> Option<Runner> {
        let mut abandoned = Vec::new(); // dropped when the lock is free again
        let mut state = self.state();
        while state.work.front().is_some_and(|work| work.claim.is_taken()) {
            abandoned.extend(state.work.pop_front());
        }
        state.work.push_back(work);
        if state.runners == max_runners {
            return None;
        }
        state.runners += 1;
        Some(Runner {
            waiting: Arc::clone(self),
            has_ended: false,
        })
    }

    /// How much there is to do.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.state().work.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that does what waits. It counts until it finds nothing to do, or is dropped.
pub(super) struct Runner {
    waiting: Arc<Waiting>,
    has_ended: bool,
}

impl Runner {
    /// What to begin next.
    pub fn next(&mut self) -> Option<Work> {
        loop {
            let mut state = self.waiting.state();
            let Some(work) = state.work.pop_front() else {
                state.runners -= 1;
                self.has_ended = true;
                return None;
            };
            drop(state);
            if work.claim.take() {
                return Some(work);
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if !self.has_ended {
            self.waiting.state().runners -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(claim: &Claim) -> Work {
        Work {
            claim: claim.clone(),
            run: Box::new(|_| {}),
        }
    }

    #[test]
    fn what_nobody_waits_for_any_more_does_not_pile_up() {
        let waiting = Arc::<Waiting>::default();
        let runner = waiting.add(work(&Claim::default()), 1);
        for _ in 0..1_000 {
            let claim = Claim::default();
            assert!(waiting.add(work(&claim), 1).is_none());
            claim.take();
        }
        // The first one still waits for its runner, and so do those behind it.
        assert_eq!(waiting.len(), 1_001);
        let mut runner = runner.unwrap();
        assert!(runner.next().is_some());
        waiting.add(work(&Claim::default()), 1);
        assert_eq!(waiting.len(), 1);
        assert!(runner.next().is_some() && runner.next().is_none());
    }

    #[test]
    fn a_runner_that_never_ran_is_replaced() {
        let waiting = Arc::<Waiting>::default();
        drop(waiting.add(work(&Claim::default()), 1).unwrap());
        let mut runner = waiting.add(work(&Claim::default()), 1).unwrap();
        assert!(runner.next().is_some() && runner.next().is_some() && runner.next().is_none());
        assert!(waiting.add(work(&Claim::default()), 1).is_some());
    }
}
