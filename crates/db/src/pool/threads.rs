//! The threads that work for a pool.

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::DbError;

/// As many threads as there are connections, begun when first needed.
///
/// They are the blocking threads of a runtime that does nothing else. Those of the server's runtimes would not do:
/// a runtime starts another thread whenever none happens to be idle, up to hundreds, and each keeps some of the
/// memory that work has taken.
pub(super) struct Threads {
    own: Option<Runtime>,
    /// The runtime that was there when the pool was made.
    home: Option<Handle>,
}

impl Threads {
    pub fn new(most: u32) -> Result<Self, DbError> {
        let runtime = Builder::new_current_thread()
            .thread_name("database")
            .max_blocking_threads(most.max(1) as usize)
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self {
            own: Some(runtime),
            home: Handle::try_current().ok(),
        })
    }

    /// Does `work` as soon as a thread is free. The tasks it spawns are the server's: nobody drives the runtime of
    /// these threads.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        let home = self.home.clone().unwrap_or_else(Handle::current);
        let work = move || {
            let _entered = home.enter();
            work();
        };
        if let Some(runtime) = &self.own {
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
        if let Some(runtime) = self.own.take() {
            runtime.shutdown_background();
        }
    }
}
