//! Files: those that staff has sent are read into the shop, and those that it wants are written of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{exports, imports};
use db::jobs::Claim;
use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;

use super::Handled;
use crate::worker::{Done, JobError, Run};

/// Writes the rows of a file. Each chunk commits only while the job is this worker's; whoever has it next goes on behind
/// the last one.
pub(super) async fn import(run: Arc<Run>) -> Handled {
    use imports::working::{self, WorkError};
    let id = payload_id(&run, "importId")?;
    let done = aside(&run, move |conns, claim, stop| {
        working::work(conns, id, claim, stop).map_err(|error| match error {
            WorkError::Lost(lost) => lost.into(),
            WorkError::Db(error) => error.into(),
        })
    })
    .await?;
    match done {
        working::Done::Settled => {
            run.state.cache.many_products_changed().await;
            run.state.cache.categories_changed().await;
            Ok(Done::Settled)
        }
        working::Done::Nothing => Ok(Done::All),
        working::Done::Part => Ok(Done::Part),
    }
}

/// Writes a file of the shop. Whoever has the job next begins anew.
pub(super) async fn export(run: Arc<Run>) -> Handled {
    use exports::working::{self, WorkError};
    let id = payload_id(&run, "exportId")?;
    let done = aside(&run, move |conns, claim, stop| {
        match working::work(conns, id, claim, stop) {
            Ok(true) => Ok(Done::Settled),
            Ok(false) => Ok(Done::All),
            Err(WorkError::Export(_)) if stop.load(Ordering::Acquire) => Ok(Done::Part),
            Err(WorkError::Lost(lost)) => Err(lost.into()),
            Err(error) => Err(JobError::Retry(error.to_string())),
        }
    });
    done.await
}

fn payload_id(run: &Run, name: &str) -> Result<i64, JobError> {
    let id = run.job.payload[name].as_i64();
    id.ok_or_else(|| JobError::Final(format!("the payload has no {name}")))
}

/// Asks the thread to end when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does work that may take long on a thread and two connections of its own. It is told when to stop.
async fn aside<T, F>(run: &Run, work: F) -> Result<T, JobError>
where
    T: Send + 'static,
    F: FnOnce(&mut [PgConnection; 2], Claim, &AtomicBool) -> Result<T, JobError> + Send + 'static,
{
    let url = run.state.config.database.url.reveal().to_owned();
    let claim = run.job.claim();
    let stop = StopOnDrop(Arc::default());
    let (stopped, (tell, mut told)) = (Arc::clone(&stop.0), tokio::sync::oneshot::channel());
    std::thread::spawn(move || {
        let conns = connect(&url).and_then(|one| Ok([one, connect(&url)?]));
        let _ = tell.send(conns.and_then(|mut conns| work(&mut conns, claim, &stopped)));
    });
    let ended = tokio::select! {
        outcome = &mut told => Some(outcome),
        () = run.stops() => None,
    };
    let outcome = match ended {
        Some(outcome) => outcome,
        None => {
            // At the next good moment.
            stop.0.store(true, Ordering::Release);
            told.await
        }
    };
    outcome.map_err(|_| JobError::Retry("the thread panicked".into()))?
}

fn connect(url: &str) -> Result<PgConnection, JobError> {
    let conn = db::connect(url);
    let mut conn = conn.map_err(|error| JobError::Retry(error.to_string()))?;
    // Should this process end, Postgres notices and lets go of what it holds.
    conn.batch_execute("SET client_connection_check_interval = '2s'")?;
    Ok(conn)
}
