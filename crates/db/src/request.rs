//! What is known of the request that is being answered, wherever its work runs.
//!
//! An event tells which request caused it, and whoever writes events knows nothing of HTTP. So the
//! id travels with the task, and [`Db::run`](crate::Db::run) carries it over to its thread. So do
//! when it came, and that it is dry: then [`Db::run`](crate::Db::run) keeps nothing of what it did.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

tokio::task_local! {
    static OF_TASK: Current;
    static DRY: ();
}

thread_local! {
    static OF_THREAD: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// A request that is being answered.
#[derive(Clone, Debug)]
pub struct Current {
    pub id: Arc<str>,
    /// When its head had been read.
    pub began: Instant,
}

/// Runs `work` as part of a request.
pub async fn scope<F: Future>(request: Current, work: F) -> F::Output {
    OF_TASK.scope(request, work).await
}

/// The request that this task or thread works for; `None` outside of one.
#[must_use]
pub fn current() -> Option<Current> {
    OF_TASK
        .try_with(Clone::clone)
        .ok()
        .or_else(|| OF_THREAD.with_borrow(Clone::clone))
}

/// Runs `work` as part of a dry request: each [`Db::run`](crate::Db::run) of it does and checks all
/// that it would, and rolls it back. A task that it spawns is not part of it.
pub async fn dry<F: Future>(work: F) -> F::Output {
    DRY.scope((), work).await
}

/// Whether this task works for a dry request.
#[must_use]
pub fn is_dry() -> bool {
    DRY.try_with(|()| ()).is_ok()
}

/// Runs `work` on this thread as part of a request.
pub(crate) fn carry<T>(request: Option<Current>, work: impl FnOnce() -> T) -> T {
    /// The thread goes back to its pool, also after a panic.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            OF_THREAD.set(None);
        }
    }
    OF_THREAD.set(request);
    let _forget = Forget;
    work()
}
