//! One attempt at a job, and what its handler may write.

use std::sync::Arc;

use db::DbError;
use db::jobs::{self, Claim, Job, LeaseLost};
use diesel::PgConnection;
use tokio::sync::watch;

use crate::state::State;

/// An attempt. All its writes through this are void once the job is somebody else's.
pub struct Run {
    pub state: Arc<State>,
    pub job: Job,
    pub(super) stop: watch::Receiver<bool>,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// All is done; the end is yet to be written.
    All,
    /// The end was committed with the effect, by [`Run::settle`].
    Settled,
    /// There is more: the job is to run again at once.
    Part,
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The job is somebody else's by now, or cancelled. Nothing is left to write.
    #[error(transparent)]
    Lost(#[from] LeaseLost),
    /// It may go better the next time.
    #[error("{0}")]
    Retry(String),
    /// It never will.
    #[error("{0}")]
    Final(String),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<diesel::result::Error> for JobError {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Run {
    /// Whether the replica is about to stop: a good moment to return [`Done::Part`].
    #[must_use]
    pub fn should_stop(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the replica is about to stop.
    pub async fn stops(&self) {
        let mut stop = self.stop.clone();
        let _ = stop.wait_for(|stops| *stops).await;
    }

    fn claim(&self) -> Claim {
        self.job.claim()
    }

    /// Commits an effect in a transaction, as long as the job is this worker's. The job goes on.
    ///
    /// # Errors
    ///
    /// [`JobError`]; nothing is written then.
    pub async fn fenced<T, F>(&self, work: F) -> Result<T, JobError>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T, JobError> + Send + 'static,
    {
        let claim = self.claim();
        self.state
            .background
            .run(move |conn| jobs::fenced(conn, claim, work))
            .await
    }

    /// Commits an effect and the end of the job together: it happens once.
    ///
    /// # Errors
    ///
    /// [`JobError`]; nothing is written then.
    pub async fn settle<F>(&self, work: F) -> Result<Done, JobError>
    where
        F: FnOnce(&mut PgConnection) -> Result<(), JobError> + Send + 'static,
    {
        let claim = self.claim();
        self.state
            .background
            .run(move |conn| jobs::settle(conn, claim, work))
            .await?;
        Ok(Done::Settled)
    }

    /// Tells how far the job has come, in whatever it counts.
    ///
    /// # Errors
    ///
    /// [`JobError`].
    pub async fn progress(&self, done: i64, total: Option<i64>) -> Result<(), JobError> {
        let claim = self.claim();
        let is_ours = self
            .state
            .background
            .run(move |conn| {
                jobs::finishing::progress(conn, claim, done, total).map_err(DbError::from)
            })
            .await?;
        if is_ours {
            Ok(())
        } else {
            Err(LeaseLost.into())
        }
    }
}
