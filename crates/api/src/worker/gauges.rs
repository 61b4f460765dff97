//! What the queues hold, for the metrics. Every worker tells the same numbers: they are Postgres's.

use std::sync::Arc;
use std::time::Duration;

use db::DbError;
use db::jobs::managing::{self, QueueCounts};

use crate::state::State;

const EVERY: Duration = Duration::from_secs(5);

/// Counts for as long as the worker runs, where anybody can ask.
pub(super) async fn keep(state: Arc<State>) {
    if state.config.metrics.bind.is_empty() {
        return;
    }
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let counting = state
            .background
            .run(|conn| managing::count_by_queue(conn).map_err(DbError::from));
        match counting.await {
            Ok(counts) => counts.iter().for_each(tell),
            Err(error) => log::debug!(error:% = error; "queues are not counted"),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floating-point numbers, and no queue holds 2^53 jobs"
)]
fn tell(counts: &QueueCounts) {
    let labels = [("queue", counts.queue.clone())];
    metrics::gauge!("jobs_queued", &labels).set(counts.queued as f64);
    metrics::gauge!("jobs_running", &labels).set(counts.running as f64);
    metrics::gauge!("jobs_failed", &labels).set(counts.failed as f64);
    metrics::gauge!("jobs_oldest_due_seconds", &labels).set(counts.oldest_due_seconds);
}
