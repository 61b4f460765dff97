//! How far consumers are behind, as metrics. Asked for now and then, however often they are read.

use std::time::Duration;

use chrono::Utc;
use db::consumers::{self, Standing};
use db::{Db, DbError};
use tokio::sync::watch;

const MEASURE_EVERY: Duration = Duration::from_secs(2);

/// Measures until it is told to stop.
pub(super) async fn measure(db: Db, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let standings = db
            .run(|conn| Ok::<_, DbError>(consumers::list(conn)?))
            .await;
        match standings {
            Ok(standings) => standings.iter().for_each(tell),
            Err(error) => log::warn!(error:% = error; "cannot tell how far consumers are behind"),
        }
        if super::is_stopped_within(&mut stop, MEASURE_EVERY).await {
            return;
        }
    }
}

fn tell(standing: &Standing) {
    let gauge = |name: &'static str, value: f64| {
        metrics::gauge!(name, "consumer" => standing.name.clone()).set(value);
    };
    let waiting = i32::try_from(standing.waiting).unwrap_or(i32::MAX);
    gauge("events_waiting", f64::from(waiting));
    gauge(
        "events_oldest_waiting_seconds",
        standing.oldest_seconds.unwrap_or_default(),
    );
    let failing = standing
        .failing_since
        .map(|since| (Utc::now() - since).as_seconds_f64().max(0.0));
    gauge("events_failing_seconds", failing.unwrap_or_default());
}
