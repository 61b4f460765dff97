//! Payment operations that others left unfinished.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use db::DbError;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use ordering::payments;

use super::Handled;
use crate::worker::{Done, Run};
use crate::workflows::settling::settle;

/// How long an operation stays unfinished before somebody else asks.
const STALE_AFTER_SECONDS: i32 = 10;
const BATCH: usize = 20;
const BATCH_LIMIT: i64 = 20;

/// Asks the provider about operations whose caller went away. To ask twice is to ask once, so this
/// needs no fence; one that stays open is asked about again when it is stale again.
pub(super) async fn settle_payments(run: Arc<Run>) -> Handled {
    let state = &run.state;
    let stale = state
        .background
        .run(|conn| {
            payments::claim_stale(conn, STALE_AFTER_SECONDS, BATCH_LIMIT).map_err(DbError::from)
        })
        .await?;
    db::faults::point("after_sweep_claim");
    let is_full = stale.len() == BATCH;
    // Side by side, so that all are done, or known to be open, before they are stale again.
    join_all(stale.into_iter().map(|id| async move {
        let settling = settle(&state.background, &state.providers, id, |_, _, _| Ok(()));
        match AssertUnwindSafe(settling).catch_unwind().await {
            Ok(Ok(())) => log::info!(operation:% = id; "finished a payment operation left behind"),
            Ok(Err(error)) => {
                log::warn!(operation:% = id, error:% = error; "payment operation still open");
            }
            Err(_) => log::error!(operation:% = id; "settling panicked"),
        }
    }))
    .await;
    Ok(if is_full { Done::Part } else { Done::All })
}
