//! Holds whose time is over are ended, so that their stock is counted as free.

use std::sync::Arc;

use catalog::stock::holds;
use db::DbError;

use super::Handled;
use crate::worker::{Done, JobError, Run};

const BATCH: usize = 100;
const BATCH_LIMIT: i64 = 100;

/// Ends holds that have expired. Orders do not wait for it: they take what such holds still keep.
pub(super) async fn expire_holds(run: Arc<Run>) -> Handled {
    let mut expired = 0;
    loop {
        let list = |conn: &mut _| holds::list_expired(conn, BATCH_LIMIT).map_err(DbError::from);
        let listed = run.state.background.run(list).await?;
        for id in &listed {
            let id = *id;
            let sweep = move |conn: &mut _| {
                holds::sweep(conn, id).map_err(|error| JobError::Retry(error.to_string()))
            };
            expired += i64::from(run.fenced(sweep).await?);
            if run.should_stop() {
                return Ok(Done::Part);
            }
        }
        run.progress(expired, None).await?;
        if listed.len() < BATCH {
            return Ok(Done::All);
        }
    }
}
