//! A shop as it runs in production, for one test process: real Postgres, Redis, nginx and replicas.
//!
//! - [`cluster`]: all of it, started and stopped
//! - [`nginx`]: the door of it
//! - [`process`]: one program on a leash, its id and how it ended
//! - [`shop`]: a client of it, every answer of which is checked
//! - [`contract`]: the OpenAPI document that answers are checked against
//! - [`load`]: many requests at once, counted

pub mod cluster;
pub mod contract;
pub mod load;
mod nginx;
pub mod process;
pub mod shop;

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Value, json};
use uuid::Uuid;

pub use cluster::Cluster;
pub use shop::{Answer, Shop};

/// How long a test waits for something that is bound to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The open shop that all tests share; they add to it and never stop its parts.
pub fn open() -> &'static Cluster {
    static OPEN: OnceLock<Cluster> = OnceLock::new();
    OPEN.get_or_init(|| Cluster::start("open", 2))
}

/// The same with `access = "required"`.
pub fn required() -> &'static Cluster {
    static REQUIRED: OnceLock<Cluster> = OnceLock::new();
    REQUIRED.get_or_init(|| Cluster::start("required", 2))
}

/// Keeps tests apart that need the machine for themselves.
pub async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static HEAVY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    HEAVY.lock().await
}

/// Waits until a condition holds, and fails the test when it never does.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let (_stop, pause) = mpsc::channel::<()>();
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        let _ = pause.recv_timeout(Duration::from_millis(5));
    }
}

/// The same for a condition that is asked for over HTTP; `within` is a promise.
pub async fn eventually<F: Future<Output = bool>>(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> F,
) {
    let deadline = Instant::now() + within;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A port that nothing listens on, below the range the kernel hands out by itself.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().expect("no test panics here");
    let given = given.get_or_insert_default();
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let candidates = std::iter::repeat_with(|| {
        let random = u16::try_from(Uuid::new_v4().as_u128() % 12_000).expect("below 12,000");
        20_000 + random
    });
    candidates
        .take(1_000)
        .find(|port| is_free(port) && given.insert(*port))
        .expect("a free port")
}

/// The status of a bare GET; `None` when nobody answers.
pub fn status_of(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// A name in the temporary folder that nothing has yet.
pub fn fresh_dir() -> PathBuf {
    let name = format!("cartwright-it-{}", Uuid::now_v7().simple());
    std::env::temp_dir().join(name)
}

/// A key that nobody used before.
pub fn fresh_key() -> String {
    Uuid::new_v4().to_string()
}

/// A body for `POST /api/users` with an address of its own.
pub fn somebody() -> Value {
    let email = format!("{}@example.com", Uuid::new_v4().simple());
    json!({"name": "Ann", "email": email, "password": "correct horse"})
}

/// A body for `POST /api/orders`.
pub fn order_of(user: i64, product_ids: &[i64]) -> Value {
    json!({
        "userId": user, "productIds": product_ids, "address": "123 Demo St",
        "payment": "card", "shipping": "std",
    })
}

/// Counts what comes after `FROM`.
pub fn count(conn: &mut PgConnection, from: &str) -> i64 {
    number(conn, &format!("(SELECT count(*) FROM {from})"))
}

/// Evaluates an expression of type `bigint`.
pub fn number(conn: &mut PgConnection, expression: &str) -> i64 {
    diesel::select(sql::<BigInt>(expression))
        .get_result(conn)
        .expect(expression)
}

/// Evaluates an expression of type `text`.
pub fn text(conn: &mut PgConnection, expression: &str) -> String {
    diesel::select(sql::<Text>(expression))
        .get_result(conn)
        .expect(expression)
}

/// Nothing is oversold, lost, doubled or left behind; see `cartwright doctor`.
pub fn assert_healthy(conn: &mut PgConnection) {
    let report = api::workflows::doctor::run(conn).expect("a report");
    assert!(report.is_ok(), "{:#}", report.to_json()["findings"]);
}

/// What any write would change: no difference means no effect.
pub fn effects(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT concat_ws('/', (SELECT count(*) FROM ordering.orders), (SELECT sum(version) FROM ordering.orders), \
           (SELECT count(*) FROM accounts.users), (SELECT count(*) FROM accounts.sessions), \
           (SELECT count(*) FROM catalog.products), (SELECT sum(version) FROM catalog.products), \
           (SELECT count(*) FROM catalog.stock_movements), (SELECT count(*) FROM platform.idempotency_keys)))",
    )
}
