//! Throw-away databases for tests.
//!
//! One server per test process, one migrated template per server, one database per test that asks:
//! a copy of the template takes tens of milliseconds. All of it is gone when the process ends,
//! however it ends.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, RunQueryDsl};

use crate::embedded::{Durability, Server};
pub use crate::leash::Leashed;
use crate::migrations::{self, Owner};
use crate::{Db, PoolConfig};

/// A database of its own for one test.
pub struct TestDatabase {
    pub url: String,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static TEMPLATE: OnceLock<()> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The server of this test process. It stops when the process ends, because its leash breaks.
///
/// # Panics
///
/// When Postgres is not installed or does not start; a test cannot go on without it.
pub fn server() -> &'static Server {
    SERVER.get_or_init(another_server)
}

/// A server beside that one, which ends when it is dropped.
///
/// # Panics
///
/// As [`server`].
pub fn another_server() -> Server {
    let name = format!("cartwright-test-{}", uuid::Uuid::now_v7().simple());
    let dir = std::env::temp_dir().join(name);
    Server::launch(&dir, Durability::ThrowAway).expect("tests need a Postgres server")
}

/// Creates a migrated database. All calls of one process pass the same owners.
///
/// # Panics
///
/// When the server or a migration fails.
pub fn database(owners: &[Owner]) -> TestDatabase {
    TEMPLATE.get_or_init(|| {
        administer("CREATE DATABASE template_cartwright");
        migrations::run(&server().url("template_cartwright"), owners).expect("migrations run");
    });
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administer(&format!(
        "CREATE DATABASE {name} TEMPLATE template_cartwright"
    ));
    TestDatabase {
        url: server().url(&name),
    }
}

/// Creates a database without any schema.
///
/// # Panics
///
/// When the server fails.
pub fn empty_database() -> TestDatabase {
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administer(&format!("CREATE DATABASE {name}"));
    TestDatabase {
        url: server().url(&name),
    }
}

impl TestDatabase {
    /// Opens a connection.
    ///
    /// # Panics
    ///
    /// When the server is gone.
    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the test server answers")
    }

    /// Opens a pool of `size` connections.
    ///
    /// # Panics
    ///
    /// When the pool cannot be built.
    pub fn pool(&self, size: u32) -> Db {
        Db::new(&PoolConfig {
            url: self.url.clone(),
            size,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        })
        .expect("a pool")
    }
}

/// A connection in a transaction that is rolled back, to a database that all such tests share.
///
/// They take turns: two that insert the same keys in another order would deadlock.
///
/// # Panics
///
/// When the server or a migration fails.
pub fn rolled_back(owners: &[Owner]) -> PgConnection {
    static SHARED: OnceLock<TestDatabase> = OnceLock::new();
    let mut conn = SHARED.get_or_init(|| database(owners)).connect();
    conn.begin_test_transaction().expect("a transaction");
    conn.batch_execute("SELECT pg_advisory_xact_lock(1)")
        .expect("its turn");
    conn
}

/// Counts what comes after `FROM`.
///
/// # Panics
///
/// When the query fails.
pub fn count(conn: &mut PgConnection, from: &str) -> i64 {
    diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {from})")))
        .get_result(conn)
        .expect(from)
}

/// Evaluates an expression of type `text`.
///
/// # Panics
///
/// When the query fails.
pub fn text(conn: &mut PgConnection, expression: &str) -> String {
    diesel::select(sql::<Text>(expression))
        .get_result(conn)
        .expect(expression)
}

fn administer(sql: &str) {
    let mut conn =
        PgConnection::establish(&server().url("postgres")).expect("the test server answers");
    conn.batch_execute(sql).expect(sql);
}
