//! Connections: how they are opened, what is set in them, and when they are of no more use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::r2d2::R2D2Connection;
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection};

use super::PoolConfig;
use crate::error::is_connection_loss;
use crate::faults;

pub(super) struct Client {
    pub conn: PgConnection,
    /// Set by the instrumentation when a statement met a lost connection.
    pub broken: Arc<AtomicBool>,
    /// How many losses the pool had seen when this connection was opened.
    pub opened_after: u64,
}

impl Client {
    /// Lost, or left inside a transaction.
    pub fn is_broken(&mut self) -> bool {
        self.broken.load(Ordering::Acquire) || self.conn.is_broken()
    }
}

/// Opens connections and judges them.
pub(super) struct Manager {
    url: String,
    session: String,
    /// Counts lost connections: one loss makes every older connection suspect.
    losses: Arc<AtomicU64>,
}

impl Manager {
    pub fn new(config: &PoolConfig, losses: Arc<AtomicU64>) -> Self {
        Self {
            url: with_defaults(&config.url),
            session: session_settings(config.statement_timeout),
            losses,
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Client;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Client, Self::Error> {
        let opened_after = self.losses.load(Ordering::Acquire);
        let mut conn = PgConnection::establish(&self.url)?;
        conn.batch_execute(&self.session)
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        let broken = Arc::new(AtomicBool::new(false));
        let (flag, losses) = (Arc::clone(&broken), Arc::clone(&self.losses));
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CommitTransaction { .. }) {
                faults::point("before_commit");
            }
            if let InstrumentationEvent::FinishQuery {
                error: Some(error), ..
            } = event
                && is_connection_loss(error)
                && !flag.swap(true, Ordering::AcqRel)
            {
                losses.fetch_add(1, Ordering::AcqRel);
            }
        });
        Ok(Client {
            conn,
            broken,
            opened_after,
        })
    }

    fn is_valid(&self, client: &mut Client) -> Result<(), Self::Error> {
        client
            .conn
            .ping()
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, client: &mut Client) -> bool {
        client.is_broken()
    }
}

#[derive(Debug)]
pub(super) struct LogConnectError;

impl r2d2::HandleError<diesel::ConnectionError> for LogConnectError {
    fn handle_error(&self, error: diesel::ConnectionError) {
        log::warn!(error:% = error; "cannot connect to Postgres, trying again");
    }
}

/// Limits that keep one stuck statement, lock or frozen replica from stopping the others, and plans
/// that do not depend on when they were made: a cached plan that was right for an empty table reads
/// all of the table it has become. What we ask here touches few rows of each table, through indexes;
/// what reads a whole table (the doctor, say) sets these back for its transaction.
///
/// A transaction with which nobody goes on ends before those who wait for its locks lose patience.
///
/// A generic plan does not know that a page has 20 rows. From a million rows on it looks dear enough to
/// start parallel workers or to compile it first, either of which takes longer than all of a short statement.
fn session_settings(statement_timeout: Duration) -> String {
    let mutation = if faults::mutant("async_commit") {
        "SET synchronous_commit = off;"
    } else {
        ""
    };
    format!(
        "{mutation} SET default_transaction_isolation = 'read committed';
         SET statement_timeout = {statement};
         SET lock_timeout = 1000;
         SET idle_in_transaction_session_timeout = 900;
         SET plan_cache_mode = force_generic_plan;
         SET enable_seqscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET enable_material = off;
         SET max_parallel_workers_per_gather = 0;
         SET jit = off;
         SET application_name = 'cartwright';",
        statement = statement_timeout.as_millis()
    )
}

/// Lets the server go on without a client that was frozen, or whose machine is gone: what it has locked is free again, and whoever
/// reads the log of events waits no longer for its transaction.
const LEAVE_NOTHING_BEHIND: &str = "
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '10s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3";

/// Connects apart from any pool, for what is not a request and may take its time: but not ten seconds between two statements of
/// a transaction.
///
/// A server that vanishes without a word, or never answers, is an error within seconds.
///
/// # Errors
///
/// Those of libpq.
pub fn connect(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(&with_defaults(url))?;
    conn.batch_execute(LEAVE_NOTHING_BEHIND)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Adds what the address does not set itself: libpq's network time-outs, so that a peer that vanished without a word is noticed
/// within seconds, and that of several hosts, or behind one, only the server that is no standby will do. One whose
/// transactions are set to be read-only may still be read.
fn with_defaults(url: &str) -> String {
    const DEFAULTS: [(&str, &str); 6] = [
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "3000"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "3"),
        ("target_session_attrs", "primary"),
    ];
    let mut url = url.to_owned();
    let is_uri = url.starts_with("postgres://") || url.starts_with("postgresql://");
    for (name, value) in DEFAULTS {
        if url.contains(name) {
            continue;
        }
        let separator = match (is_uri, url.contains('?')) {
            (true, true) => '&',
            (true, false) => '?',
            (false, _) => ' ',
        };
        url.push_str(&format!("{separator}{name}={value}"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::with_defaults;

    #[test]
    fn what_is_missing_is_added_and_nothing_overridden() {
        let uri = with_defaults("postgres://db/shop?connect_timeout=9");
        assert!(uri.starts_with("postgres://db/shop?connect_timeout=9&tcp_user_timeout=3000&"));
        let words = with_defaults("host=/run/pg dbname=shop");
        assert!(
            words.ends_with(" keepalives_count=3 target_session_attrs=primary"),
            "{words}"
        );
    }
}
