//! Bringing the database up to date.

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use db::migrations::{self, MigrateError};
use db::outbox::upkeep;
use diesel::{PgConnection, QueryResult};

use super::{CliError, database_url};
use crate::OWNERS;
use crate::config::Config;
use crate::relay;
use crate::worker::kinds::rebuilding;
use crate::workflows::{seeding, selling};

/// How long to wait for a database that is still starting.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn migrate(config: &Config) -> Result<ExitCode, CliError> {
    let ran = patiently(
        || migrations::run(database_url_or_empty(config), &OWNERS),
        config,
    )?;
    tell(&ran);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn seed(config: &Config, demo: bool) -> Result<ExitCode, CliError> {
    prepare(config, demo)?;
    Ok(ExitCode::SUCCESS)
}

/// Migrates, and ensures what a fresh shop has.
pub(super) fn prepare(config: &Config, demo: bool) -> Result<(), CliError> {
    let attempt = || {
        migrations::run_and_seed(database_url_or_empty(config), &OWNERS, |conn| {
            take_over_events(conn).map_err(|error| error.to_string())?;
            rebuilding::enqueue_where_needed(conn, &config.search.locales, config.shop.currency)
                .map_err(|error| error.to_string())?;
            seeding::administrator(conn, &config.admin, config.access)
                .map_err(|error| error.to_string())?;
            if demo {
                seeding::demo_products(conn).map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    };
    tell(&patiently(attempt, config)?);
    Ok(())
}

/// The log of events and its consumers come first: nothing is written before all of them are known.
fn take_over_events(conn: &mut PgConnection) -> QueryResult<()> {
    let is_foreign = upkeep::adopt(conn)?;
    relay::register(conn)?;
    if is_foreign {
        log::warn!(
            "the events come from another server (a restored dump); consumers may see some again"
        );
        // Orders must not be counted twice.
        selling::count_anew(conn)?;
    }
    Ok(())
}

/// Waits for a database that cannot be reached yet; every other failure is final.
fn patiently(
    attempt: impl Fn() -> Result<Vec<String>, MigrateError>,
    config: &Config,
) -> Result<Vec<String>, CliError> {
    database_url(config)?;
    let deadline = Instant::now() + PATIENCE;
    let (_stop, pause) = mpsc::channel::<()>();
    loop {
        match attempt() {
            Err(MigrateError::Connect(error)) if Instant::now() < deadline => {
                log::warn!(error:% = error; "waiting for Postgres");
                let _ = pause.recv_timeout(Duration::from_millis(500));
            }
            other => return Ok(other?),
        }
    }
}

fn database_url_or_empty(config: &Config) -> &str {
    config.database.url.reveal()
}

fn tell(ran: &[String]) {
    match ran.len() {
        0 => log::info!("the database is up to date"),
        count => log::info!(count, last = ran[count - 1].as_str(); "migrations ran"),
    }
}
