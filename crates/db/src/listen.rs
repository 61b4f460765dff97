//! Notifications from other replicas, through Postgres.
//!
//! Nothing depends on them for correctness: they make a change visible sooner. A receiver that was
//! cut off is told so with [`Heard::Reconnected`] and has to assume that it missed something.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::pool::connect;

/// What a listener hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The payload of a notification.
    Message(String),
    /// The connection is new: anything may have been missed before it.
    Reconnected,
}

/// How long a notification may wait for us to look.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a silent connection is proved to be alive.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// Sends `payload` to all listeners when the caller's transaction commits.
///
/// # Errors
///
/// Those of the database; a payload has at most 7,999 bytes.
pub fn notify(conn: &mut PgConnection, channel: &str, payload: &str) -> QueryResult<()> {
    diesel::select(pg_notify(channel, payload))
        .execute(conn)
        .map(|_| ())
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_notify(channel: Text, payload: Text) -> Bool;
}

/// Listens on a thread of its own until `stop`'s sender is dropped.
pub fn spawn(
    url: String,
    channel: &'static str,
    stop: Receiver<()>,
    mut on: impl FnMut(Heard) + Send + 'static,
) {
    crate::survive_exit();
    let listener = move || {
        while !stopped(&stop, Duration::ZERO) {
            if let Err(error) = listen(&url, channel, &stop, &mut on) {
                log::warn!(channel, error:% = error; "not listening to Postgres, trying again");
                if stopped(&stop, Duration::from_secs(1)) {
                    return;
                }
            }
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name(format!("listen-{channel}"))
        .spawn(listener)
    {
        log::error!(channel, error:% = error; "cannot start the listener");
    }
}

fn listen(
    url: &str,
    channel: &str,
    stop: &Receiver<()>,
    on: &mut impl FnMut(Heard),
) -> Result<(), Box<dyn std::error::Error>> {
    let mut conn = connect(url)?;
    diesel::sql_query(format!("LISTEN {channel}")).execute(&mut conn)?;
    on(Heard::Reconnected);
    let mut probed_at = Instant::now();
    while !stopped(stop, LOOK_EVERY) {
        for notification in conn.notifications_iter() {
            on(Heard::Message(notification?.payload));
        }
        if probed_at.elapsed() > PROBE_EVERY {
            diesel::sql_query("SELECT 1").execute(&mut conn)?;
            probed_at = Instant::now();
        }
    }
    Ok(())
}

fn stopped(stop: &Receiver<()>, wait: Duration) -> bool {
    !matches!(stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}
