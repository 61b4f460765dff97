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
    /// Set by whoever is first: a runner that begins, or a caller that waits no more.
    pub begun: Arc<AtomicBool>,
    pub run: Box<dyn FnOnce(Lent<'_>) + Send>,
}

/// A connection, or why there is none.
pub(super) type Lent<'c> = Result<&'c mut PgConnection, DbError>;

/// First come, first served.
#[derive(Default)]
pub(super) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    runners: usize,
}

impl Waiting {
    /// Adds work; true when it needs another runner, which counts as there from now on.
    pub(super) fn add(&self, work: Work, max_runners: usize) -> bool {
        let mut state = self.state();
        state.work.push_back(work);
        let is_needed = state.runners < max_runners;
        state.runners += usize::from(is_needed);
        is_needed
    }

    /// What a runner begins next; with `None` it has ended.
    pub(super) fn next(&self) -> Option<Work> {
        let mut state = self.state();
        while let Some(work) = state.work.pop_front() {
            if !work.begun.swap(true, Ordering::AcqRel) {
                return Some(work);
            }
        }
        state.runners -= 1;
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
