//! How far consumers are behind, and what can be found, as metrics. Asked for now and then, however often they are read.

use std::time::Duration;

use catalog::search::following;
use chrono::Utc;
use db::consumers::{self, Standing};
use db::{Db, DbError};
use diesel::{PgConnection, QueryResult};
use tokio::sync::watch;

const MEASURE_EVERY: Duration = Duration::from_secs(2);

/// Measures until it is told to stop.
pub(super) async fn measure(db: Db, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let measured = db
            .run(|conn| {
                let standings = consumers::list(conn)?;
                let of_index = lag_of_index(conn, &standings)?;
                Ok::<_, DbError>((standings, of_index))
            })
            .await;
        match measured {
            Ok((standings, of_index)) => {
                standings.iter().for_each(tell);
                metrics::gauge!("index_lag_ms").set(of_index.as_secs_f64() * 1_000.0);
            }
            Err(error) => log::warn!(error:% = error; "cannot tell how far consumers are behind"),
        }
        if super::is_stopped_within(&mut stop, MEASURE_EVERY).await {
            return;
        }
    }
}

/// How long ago the oldest change was made that may not be found yet; zero when there is none.
///
/// # Errors
///
/// Those of the database.
pub fn of_index(conn: &mut PgConnection) -> QueryResult<Duration> {
    let standings = consumers::list(conn)?;
    lag_of_index(conn, &standings)
}

fn lag_of_index(conn: &mut PgConnection, standings: &[Standing]) -> QueryResult<Duration> {
    let (consumer, _) = super::indexing::REGISTRATION;
    let standing = standings.iter().find(|standing| standing.name == consumer);
    let unread = standing
        .and_then(|standing| standing.oldest_seconds)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(following::lag(conn)?.max(unread.unwrap_or_default()))
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
