//! The database layer against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod embedded;
mod idempotency;
mod listening;
mod migrations;
mod outbox;
mod pool;
mod statements;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use db::testing::{self, TestDatabase};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// How long a test waits for something that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn database() -> TestDatabase {
    testing::database(&[db::OWNER])
}

/// Counts what comes after `FROM`.
fn count(conn: &mut PgConnection, from: &str) -> i64 {
    diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {from})")))
        .get_result(conn)
        .expect(from)
}

/// Evaluates an expression of type `text`.
fn text(conn: &mut PgConnection, expression: &str) -> String {
    diesel::select(sql::<Text>(expression))
        .get_result(conn)
        .expect(expression)
}

/// Waits until a condition holds, and fails the test when it never does.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let (_stop, pause) = mpsc::channel::<()>();
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        let _ = pause.recv_timeout(Duration::from_millis(5));
    }
}
