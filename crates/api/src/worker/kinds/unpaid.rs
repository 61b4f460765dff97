//! Orders that nobody paid are cancelled, so that their stock is free again.

use std::sync::Arc;

use db::DbError;
use domain::OrderId;
use ordering::payments;

use super::Handled;
use crate::worker::{Done, JobError, Run};
use crate::workflows::settling::settle;
use crate::workflows::steps::{self, Step};

const BATCH: usize = 100;
const BATCH_LIMIT: i64 = 100;

/// Cancels orders whose payment is still unknown after `orders.unpaid_expiry_minutes`. What the
/// provider takes after all goes back, as for every cancelled order.
pub(super) async fn expire_unpaid_orders(run: Arc<Run>) -> Handled {
    let minutes = run.state.config.orders.unpaid_expiry_minutes;
    if minutes == 0 || db::faults::mutant("never_expires") {
        return Ok(Done::All);
    }
    let (mut after, mut expired, mut failure) = (0, 0, None);
    loop {
        let orders = list(&run, minutes, after).await?;
        for id in &orders {
            after = id.get();
            match expire(&run, *id).await {
                Ok(was_unpaid) => expired += i64::from(was_unpaid),
                Err(error @ JobError::Lost(_)) => return Err(error),
                Err(error) => {
                    // One that cannot be cancelled now does not keep the others from it.
                    log::warn!(order:% = id, error:% = error; "an unpaid order did not expire");
                    failure = Some(JobError::Retry(format!("order {id}: {error}")));
                }
            }
            if run.should_stop() {
                return Ok(Done::Part);
            }
        }
        run.progress(expired, None).await?;
        if orders.len() < BATCH {
            return failure.map_or(Ok(Done::All), Err);
        }
    }
}

async fn list(run: &Run, minutes: i32, after: i64) -> Result<Vec<OrderId>, JobError> {
    let listed = run
        .state
        .background
        .run(move |conn| {
            payments::list_unpaid(conn, minutes, after, BATCH_LIMIT).map_err(DbError::from)
        })
        .await?;
    Ok(listed)
}

/// Whether the order was still unpaid.
async fn expire(run: &Run, id: OrderId) -> Result<bool, JobError> {
    let step = run
        .fenced(move |conn| {
            steps::expire(conn, id).map_err(|error| JobError::Retry(error.to_string()))
        })
        .await?;
    let Some(step) = step else { return Ok(false) };
    log::info!(order:% = id; "an unpaid order expired");
    if let Step::Ask(operation) = step {
        let state = &run.state;
        let settling = settle(&state.background, &state.providers, operation, |_, _, _| {
            Ok(())
        });
        if let Err(error) = settling.await {
            log::warn!(operation:% = operation, error:% = error; "left to be settled later");
        }
    }
    Ok(true)
}
