//! Postgres for Cartwright: how every other crate reaches it.
//!
//! This crate knows nothing of products, users or orders; it knows connections, transactions and
//! the tables that belong to no owner (schema `platform`).
//!
//! - [`Db`]: the pool, and [`Db::run`], the one funnel from async code to Diesel
//! - [`migrations`]: the schemas of all owners, brought up to date by one runner at a time
//! - [`statement!`]: SQL that Diesel prepares once per connection
//! - [`outbox`]: events, written in the transaction of the change they tell of
//! - [`consumers`]: who reads them, and how far each has come
//! - [`request`]: the id of the request that is being answered, and whether anything of it is kept
//! - [`idempotency`]: keys, and the answers they are replayed with
//! - [`jobs`] and [`schedules`]: work that is done later, once, by any replica
//! - [`listen`]: notifications from other replicas
//! - [`doctor`]: checks of what must always be true, and repairs that are provably right
//! - [`faults`]: places where tests may end the process, empty in every default build
//! - [`embedded`]: a private Postgres server as a child process

pub mod consumers;
pub mod doctor;
pub mod embedded;
pub mod error;
pub mod faults;
pub mod idempotency;
pub mod jobs;
mod leash;
pub mod listen;
pub mod migrations;
pub mod outbox;
mod pool;
pub mod request;
pub mod schedules;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::DbError;
pub use pool::{Db, PoolConfig, connect};

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// What this crate itself needs in the database: schema `platform`.
pub const OWNER: migrations::Owner = migrations::Owner {
    schema: "platform",
    migrations: || MIGRATIONS,
};

/// Keeps OpenSSL from tearing itself down while the process ends.
///
/// Threads of the pool or of a listener may be connecting at that moment, and would crash. To be
/// called before the first connection of a process that has such threads; the first call counts.
pub(crate) fn survive_exit() {
    openssl_sys::init();
}

#[doc(hidden)]
pub mod reexport {
    pub use diesel;
}
