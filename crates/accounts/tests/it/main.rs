//! Users and sessions against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod permissions;
mod sessions;
mod users;

use accounts::users::{self as people, NewUser};
use accounts::{Permissions, Role, User};
use db::migrations::Owner;
use db::testing::{self, TestDatabase, count};
use diesel::prelude::*;

const OWNERS: [Owner; 2] = [db::OWNER, accounts::OWNER];

fn database() -> TestDatabase {
    testing::database(&OWNERS)
}

/// A connection whose work is rolled back; see [`testing::rolled_back`].
fn conn() -> PgConnection {
    testing::rolled_back(&OWNERS)
}

/// What [`somebody`]'s password was verified against.
const HASH: &str = "$argon2id$…";

/// Somebody with a password.
fn somebody(email: &str) -> NewUser {
    NewUser {
        name: "Ann Lee".into(),
        email: email.parse().unwrap(),
        phone_number: None,
        role: Role::Customer,
        permissions: Permissions::All,
        password_hash: Some(HASH.into()),
        is_open: false,
    }
}

fn register(conn: &mut PgConnection, email: &str) -> User {
    people::create(conn, &somebody(email), None)
        .unwrap()
        .unwrap()
}
