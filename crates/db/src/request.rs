//! What is known of the request that is being answered, wherever its work runs.
//!
//! An event tells which request caused it, and whoever writes events knows nothing of HTTP. So the
//! id travels with the task, and [`Db::run`](crate::Db::run) carries it over to its thread. So does
//! that a request is dry: then [`Db::run`](crate::Db::run) keeps nothing of what it did.

use std::cell::RefCell;
use std::sync::Arc;

tokio::task_local! {
    static OF_TASK: Arc<str>;
    static DRY: ();
}

thread_local! {
    static OF_THREAD: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Runs `work` as part of the request `id`.
pub async fn scope<F: Future>(id: Arc<str>, work: F) -> F::Output {
    OF_TASK.scope(id, work).await
}

/// The request that this task or thread works for; `None` outside of one.
#[must_use]
pub fn current() -> Option<Arc<str>> {
    OF_TASK
        .try_with(Arc::clone)
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

/// Runs `work` on this thread as part of the request `id`.
pub(crate) fn carry<T>(id: Option<Arc<str>>, work: impl FnOnce() -> T) -> T {
    /// The thread goes back to its pool, also after a panic.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            OF_THREAD.set(None);
        }
    }
    OF_THREAD.set(id);
    let _forget = Forget;
    work()
}
