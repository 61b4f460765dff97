//! The search index, built anew beside the one that is read.

use std::sync::Arc;
use std::time::Duration;

use catalog::search::rebuilding;
use db::DbError;
use db::jobs::{self, Job, NewJob};
use diesel::{Connection as _, PgConnection, QueryResult};
use domain::Currency;

use super::Handled;
use crate::worker::{Done, JobError, Run};

/// Names the kind in the database; never to be changed.
pub const KIND: &str = "rebuildSearch";

/// Between two batches, so that whoever follows changes has its turn, and customers the machine.
const PAUSE: Duration = Duration::from_millis(20);

/// Enqueues the job, and returns it, or the unfinished one there is.
///
/// # Errors
///
/// Those of the database.
pub fn enqueue(conn: &mut PgConnection) -> QueryResult<Job> {
    conn.transaction(|conn| {
        loop {
            let job = NewJob {
                key: Some(KIND.to_owned()),
                ..NewJob::new(jobs::DEFAULT, KIND)
            };
            if let Some(id) = jobs::enqueue(conn, job)?
                && let Some(job) = jobs::find(conn, id)?
            {
                return Ok(job);
            }
            // It may finish between the two looks; then there is room for a new one.
            if let Some(job) = jobs::find_unfinished(conn, KIND, KIND)? {
                return Ok(job);
            }
        }
    })
}

/// Enqueues the job where the index is not of these languages and this currency, or was never built.
///
/// # Errors
///
/// Those of the database.
pub fn enqueue_where_needed(
    conn: &mut PgConnection,
    locales: &[String],
    currency: Currency,
) -> QueryResult<()> {
    if !rebuilding::is_suitable(conn, locales, currency)? {
        enqueue(conn)?;
        log::info!("the search index is to be built anew");
    }
    Ok(())
}

/// Goes on where an attempt before this one stopped.
pub(super) async fn rebuild(run: Arc<Run>) -> Handled {
    let config = &run.state.config;
    let (locales, currency) = (config.search.locales.clone(), config.shop.currency);
    let asked_at = run.job.created_at;
    // An attempt before this one may have come so far, and have had to wait for a lock behind it.
    let is_swapped = on(&run, move |conn| {
        rebuilding::is_swapped_since(conn, asked_at)
    })
    .await?;
    if !is_swapped {
        run.fenced(move |conn| Ok(rebuilding::begin(conn, &locales, currency)?))
            .await?;
        let (mut done, total) = on(&run, rebuilding::progress).await?;
        loop {
            let built = run.fenced(|conn| Ok(rebuilding::build(conn)?)).await?;
            if built < rebuilding::BATCH {
                break;
            }
            if run.should_stop() {
                return Ok(Done::Part);
            }
            done += i64::from(built);
            run.progress(done, Some(total)).await?;
            tokio::time::sleep(PAUSE).await;
        }
        on(&run, rebuilding::analyse).await?;
        run.fenced(|conn| Ok(rebuilding::swap(conn)?)).await?;
        run.state.cache.search_changed().await;
    }
    // Whoever reads the one before is done by then: statements of requests are ended after this time.
    let longest = Duration::from_millis(config.database.statement_timeout_ms);
    tokio::time::sleep(longest + Duration::from_secs(1)).await;
    run.settle(|conn| Ok(rebuilding::clear(conn)?)).await
}

async fn on<T: Send + 'static>(
    run: &Run,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T> + Send + 'static,
) -> Result<T, JobError> {
    let worked = run
        .state
        .background
        .run(move |conn| work(conn).map_err(DbError::from));
    Ok(worked.await?)
}
