//! The threads that work for a pool.

use tokio::runtime::{Builder, Runtime};

use crate::error::DbError;

/// As many threads as there are connections, begun when first needed.
///
/// They are the blocking threads of a runtime that does nothing else. Those of the server's runtimes would not do:
/// a runtime starts another thread whenever none happens to be idle, up to hundreds, and each keeps some of the
/// memory that work has taken.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub fn new(most: u32) -> Result<Self, DbError> {
        let runtime = Builder::new_current_thread()
            .thread_name("database")
            .max_blocking_threads(most.max(1) as usize)
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self(Some(runtime)))
    }

    /// Does `work` as soon as a thread is free.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(runtime) = &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the funnel the ban points to"
            )]
            runtime.spawn_blocking(work);
        }
    }
}

impl Drop for Threads {
    /// Waits for nobody: the last one to use a pool may be async code, which must not block, or one of these threads.
    /// So when a process ends, what nobody waits for any more is cut off, and Postgres rolls it back.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
