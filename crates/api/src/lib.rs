//! The Cartwright server.
//!
//! Only this crate knows HTTP and Redis, and only here do the owners meet: `catalog`, `accounts`
//! and `ordering` know nothing of each other.
//!
//! - [`app`]: a replica, built the same way for `main` and for tests
//! - [`cli`]: the command line
//! - [`config`]: all settings
//! - [`routes`]: one file per resource
//! - [`http`]: what every route shares
//! - [`workflows`]: what takes more than one owner
//! - [`worker`]: jobs and schedules
//! - [`cache`]: read models as finished bytes
//! - [`relay`]: delivers events to whoever wants to know
//! - [`media`]: pictures, and where their bytes are
//! - [`providers`]: payment providers

pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod fetching;
pub mod http;
pub mod logging;
pub mod media;
pub mod metrics;
#[cfg(feature = "faults")]
pub mod probes;
pub mod providers;
pub mod pulse;
pub mod relay;
pub mod routes;
pub mod state;
pub mod worker;
pub mod workflows;

/// The schemas of all owners, in the order they are brought up to date.
///
/// The last one has no tables: its functions span the others, as [`workflows`] does.
pub const OWNERS: [db::migrations::Owner; 5] = [
    db::OWNER,
    catalog::OWNER,
    accounts::OWNER,
    ordering::OWNER,
    workflows::OWNER,
];
