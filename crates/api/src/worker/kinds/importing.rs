//! Files that staff has sent are read into the shop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::imports::working::{self, WorkError};
use diesel::connection::SimpleConnection as _;

use super::Handled;
use crate::worker::{Done, JobError, Run};

/// Asks the thread to end when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Writes the rows of a file, on a thread and connections of its own, because that may take long. Each chunk commits only
/// while the job is this worker's; whoever has it next goes on behind the last one.
pub(super) async fn import(run: Arc<Run>) -> Handled {
    let id = run.job.payload["importId"].as_i64();
    let id = id.ok_or_else(|| JobError::Final("the payload names no import".into()))?;
    let (url, claim) = (
        run.state.config.database.url.reveal().to_owned(),
        run.job.claim(),
    );
    let stop = StopOnDrop(Arc::default());
    let (stopped, (tell, mut told)) = (Arc::clone(&stop.0), tokio::sync::oneshot::channel());
    std::thread::spawn(move || {
        let _ = tell.send(work(&url, id, claim, &stopped));
    });
    let mut stopping = run.stop.clone();
    let stops = async move {
        let _ = stopping.wait_for(|stops| *stops).await;
    };
    let ended = tokio::select! {
        outcome = &mut told => Some(outcome),
        () = stops => None,
    };
    let outcome = match ended {
        Some(outcome) => outcome,
        None => {
            // At the end of the chunk that is under way.
            stop.0.store(true, Ordering::Release);
            told.await
        }
    };
    match outcome.map_err(|_| JobError::Retry("the import panicked".into()))?? {
        working::Done::Settled => {
            run.state.cache.many_products_changed().await;
            run.state.cache.categories_changed().await;
            Ok(Done::Settled)
        }
        working::Done::Nothing => Ok(Done::All),
        working::Done::Part => Ok(Done::Part),
    }
}

fn work(
    url: &str,
    id: i64,
    claim: db::jobs::Claim,
    stop: &AtomicBool,
) -> Result<working::Done, JobError> {
    let connect = || {
        let conn = db::connect(url);
        let mut conn = conn.map_err(|error| JobError::Retry(error.to_string()))?;
        // Should this process end, Postgres notices and lets go of what it holds.
        conn.batch_execute("SET client_connection_check_interval = '2s'")?;
        Ok::<_, JobError>(conn)
    };
    let mut conns = [connect()?, connect()?];
    working::work(&mut conns, id, claim, stop).map_err(|error| match error {
        WorkError::Lost(lost) => lost.into(),
        WorkError::Db(error) => error.into(),
    })
}
