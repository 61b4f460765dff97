//! What has expired is thrown away, a batch at a time. Doing that twice at once is harmless.

use std::sync::Arc;

use db::{DbError, idempotency, outbox, schedules};
use diesel::{PgConnection, QueryResult};

use super::Handled;
use crate::worker::{Done, Run};

/// Rows that are deleted at a time.
const BATCH: usize = 1_000;
const BATCH_LIMIT: i64 = 1_000;
/// Imports that are deleted at a time; each may have thousands of rows.
const FILES: i64 = 10;
/// How long the planned times of schedules are remembered.
const KEEP_TICKS_DAYS: i32 = 7;

/// Idempotency keys after their 72 hours; orders remember theirs for ever.
pub(super) async fn idempotency_keys(run: Arc<Run>) -> Handled {
    batch(&run, |conn| idempotency::prune(conn, BATCH_LIMIT)).await
}

/// Sessions that are over.
pub(super) async fn sessions(run: Arc<Run>) -> Handled {
    batch(&run, |conn| accounts::sessions::prune(conn, BATCH_LIMIT)).await
}

/// Events after 30 days, once every consumer has handled them.
pub(super) async fn events(run: Arc<Run>) -> Handled {
    batch(&run, |conn| outbox::prune(conn, BATCH_LIMIT)).await
}

/// Imports and exports after some days, and files that have not come. Each takes its file along.
pub(super) async fn files(run: Arc<Run>) -> Handled {
    let days = run.state.config.imports.keep_days;
    let pruned = run
        .state
        .background
        .run(move |conn| {
            catalog::imports::abandon_lost(conn)?;
            catalog::exports::abandon_lost(conn)?;
            let imports = catalog::imports::prune(conn, days, FILES)?;
            let exports = catalog::exports::prune(conn, days, FILES)?;
            Ok::<_, DbError>(imports + exports)
        })
        .await?;
    Ok(if pruned == 0 { Done::All } else { Done::Part })
}

/// Days of sales that do not count any more.
pub(super) async fn sales(run: Arc<Run>) -> Handled {
    let forget = |conn: &mut PgConnection| catalog::sales::forget_old(conn);
    let forgotten = run
        .state
        .background
        .run(move |conn| forget(conn).map_err(DbError::from));
    Ok(if forgotten.await? < catalog::sales::BATCH {
        Done::All
    } else {
        Done::Part
    })
}

/// Finished jobs, by age, and ticks.
pub(super) async fn jobs(run: Arc<Run>) -> Handled {
    let settings = &run.state.config.jobs;
    let (hours, days) = (settings.keep_succeeded_hours, settings.keep_failed_days);
    batch(&run, move |conn| {
        let jobs = db::jobs::managing::prune(conn, hours, days, BATCH_LIMIT)?;
        let ticks = schedules::prune_ticks(conn, KEEP_TICKS_DAYS, BATCH_LIMIT)?;
        Ok(jobs.max(ticks))
    })
    .await
}

/// A full batch means that there is more.
async fn batch(
    run: &Run,
    prune: impl FnOnce(&mut PgConnection) -> QueryResult<usize> + Send + 'static,
) -> Handled {
    let pruned = run
        .state
        .background
        .run(move |conn| prune(conn).map_err(DbError::from))
        .await?;
    Ok(if pruned < BATCH {
        Done::All
    } else {
        Done::Part
    })
}
