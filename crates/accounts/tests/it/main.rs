//! Users and sessions against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sessions;
mod users;

use std::sync::OnceLock;

use accounts::users::{self as people, NewUser};
use accounts::{Role, User};
use db::testing::{self, TestDatabase};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

fn database() -> TestDatabase {
    testing::database(&[db::OWNER, accounts::OWNER])
}

/// A connection in a transaction that is rolled back, to a database that other tests use too.
///
/// They take turns: two that register the same addresses in another order would deadlock.
fn conn() -> PgConnection {
    static SHARED: OnceLock<TestDatabase> = OnceLock::new();
    let mut conn = SHARED.get_or_init(database).connect();
    conn.begin_test_transaction().unwrap();
    conn.batch_execute("SELECT pg_advisory_xact_lock(1)")
        .unwrap();
    conn
}

/// Somebody with a password.
fn somebody(email: &str) -> NewUser {
    NewUser {
        name: "Ann Lee".into(),
        email: email.parse().unwrap(),
        phone_number: None,
        role: Role::Customer,
        password_hash: Some("$argon2id$…".into()),
        is_open: false,
    }
}

fn register(conn: &mut PgConnection, email: &str) -> User {
    people::create(conn, &somebody(email)).unwrap().unwrap()
}

/// Counts what comes after `FROM`.
fn count(conn: &mut PgConnection, from: &str) -> i64 {
    diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {from})")))
        .get_result(conn)
        .expect(from)
}
