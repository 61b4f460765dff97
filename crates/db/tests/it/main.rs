//! The database layer against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consumers;
mod dry;
mod embedded;
mod idempotency;
mod jobs;
mod listening;
mod migrations;
mod outbox;
mod pool;
mod schedules;
mod standby;
mod statements;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use db::migrations::Owner;
use db::testing::{self, TestDatabase, count, text};

/// How long a test waits for something that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(20);

const OWNERS: [Owner; 1] = [db::OWNER];

fn database() -> TestDatabase {
    testing::database(&OWNERS)
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
