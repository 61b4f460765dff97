//! Brings the schemas of all owners up to date.
//!
//! Any number of replicas may start at once: one runs the migrations under an advisory lock, the
//! others wait and find nothing left to do. Migrations expand first and contract a release later,
//! so a binary also serves a database that is one release ahead of it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::pool::connect;

/// Held for the length of a run; no other code takes this lock.
const LOCK: i64 = 0x6361_7274_7772_6974;

/// One crate's schema and the migrations that make it.
#[derive(Clone, Copy)]
pub struct Owner {
    pub schema: &'static str,
    pub migrations: fn() -> EmbeddedMigrations,
}

/// Why the schemas could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("cannot connect to Postgres: {0}")]
    Connect(#[from] ConnectionError),
    #[error("cannot prepare schema `{schema}`: {source}")]
    Prepare {
        schema: &'static str,
        source: diesel::result::Error,
    },
    #[error("migration of schema `{schema}` failed: {reason}")]
    Failed {
        schema: &'static str,
        reason: String,
    },
    #[error("the database is not fit to be served: {0}")]
    Seed(String),
}

/// Runs what is pending for each owner, in the order given, and returns the names of what ran.
///
/// # Errors
///
/// [`MigrateError`]; a migration runs in a transaction, so a failed one leaves nothing behind.
pub fn run(url: &str, owners: &[Owner]) -> Result<Vec<String>, MigrateError> {
    run_and_seed(url, owners, |_| Ok(()))
}

/// Like [`run`], and then fills what a fresh database has to hold, under the same lock.
///
/// # Errors
///
/// [`MigrateError`].
pub fn run_and_seed(
    url: &str,
    owners: &[Owner],
    seed: impl FnOnce(&mut PgConnection) -> Result<(), String>,
) -> Result<Vec<String>, MigrateError> {
    crate::survive_exit();
    let mut conn = connect(url)?;
    let prepare = |source| MigrateError::Prepare {
        schema: "platform",
        source,
    };
    lock(&mut conn).map_err(prepare)?;
    // No DDL may queue behind a long reader and make everyone else queue behind itself.
    conn.batch_execute("SET lock_timeout = '3s'; SET client_min_messages = warning")
        .map_err(prepare)?;
    let mut ran = Vec::new();
    for owner in owners {
        ran.extend(run_owner(&mut conn, owner)?);
    }
    seed(&mut conn).map_err(MigrateError::Seed)?;
    Ok(ran)
    // Closing the connection releases the lock.
}

/// Lists what [`run`] would run, without waiting and without writing anything.
///
/// # Errors
///
/// Those of the database.
pub fn list_pending(conn: &mut PgConnection, owners: &[Owner]) -> QueryResult<Vec<String>> {
    let mut pending = Vec::new();
    for owner in owners {
        let schema = owner.schema;
        let applied = applied(conn, schema)?;
        let known = MigrationSource::<Pg>::migrations(&(owner.migrations)())
            .map_err(diesel::result::Error::QueryBuilderError)?;
        let mut missing: Vec<String> = known
            .iter()
            .map(|migration| migration.name().version().as_owned().to_string())
            .filter(|version| !applied.contains(version))
            .map(|version| format!("{schema} {version}"))
            .collect();
        missing.sort_unstable();
        pending.extend(missing);
    }
    Ok(pending)
}

/// The versions in an owner's list; none where the schema or the list is not there yet.
fn applied(conn: &mut PgConnection, schema: &str) -> QueryResult<HashSet<String>> {
    let list = format!("{schema}.__diesel_schema_migrations");
    let exists = sql::<Bool>(&format!("to_regclass('{list}') IS NOT NULL"));
    if !diesel::select(exists).get_result::<bool>(conn)? {
        return Ok(HashSet::new());
    }
    let versions: Vec<String> = sql::<Text>(&format!("SELECT version FROM {list}")).load(conn)?;
    Ok(versions.into_iter().collect())
}

/// Waits for the turn of this runner.
///
/// It asks again and again: a statement that waits inside of Postgres holds a snapshot, and the
/// runner's `CREATE INDEX CONCURRENTLY` would wait for that snapshot to end.
fn lock(conn: &mut PgConnection) -> QueryResult<()> {
    let (_stop, pause) = std::sync::mpsc::channel::<()>();
    while !diesel::select(pg_try_advisory_lock(LOCK)).get_result::<bool>(conn)? {
        let _ = pause.recv_timeout(Duration::from_millis(100));
    }
    Ok(())
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_try_advisory_lock(key: BigInt) -> Bool;
}

/// Drops what a `CREATE INDEX CONCURRENTLY` left that was stopped, so that its migration can begin anew.
///
/// We hold the lock of all runners, so nobody builds an index of ours; somebody's `REINDEX` leaves other
/// names, which are left to the doctor.
fn drop_unfinished(conn: &mut PgConnection, owner: &Owner) -> Result<(), MigrateError> {
    let schema = owner.schema;
    let prepare = |source| MigrateError::Prepare { schema, source };
    let is_pending = conn
        .has_pending_migration((owner.migrations)())
        .map_err(|error| MigrateError::Failed {
            schema,
            reason: error.to_string(),
        })?;
    if !is_pending {
        return Ok(());
    }
    let unfinished: Vec<String> = sql::<Text>(&format!(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
          WHERE NOT i.indisvalid AND c.relnamespace = to_regnamespace('{schema}') AND c.relname !~ '_cc(new|old)[0-9]*$'"
    ))
    .load(conn)
    .map_err(prepare)?;
    for index in unfinished {
        log::warn!(index; "an index was not finished, and is built anew");
        conn.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))
            .map_err(prepare)?;
    }
    Ok(())
}

fn run_owner(conn: &mut PgConnection, owner: &Owner) -> Result<Vec<String>, MigrateError> {
    let schema = owner.schema;
    // Each owner keeps its own list of applied migrations, in its own schema.
    conn.batch_execute(&format!(
        "CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path TO {schema}"
    ))
    .map_err(|source| MigrateError::Prepare { schema, source })?;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        drop_unfinished(conn, owner)?;
        match conn.run_pending_migrations((owner.migrations)()) {
            Ok(versions) => return Ok(versions.iter().map(|v| format!("{schema} {v}")).collect()),
            Err(error)
                if error.to_string().contains("lock timeout") && Instant::now() < deadline =>
            {
                log::warn!(schema; "a migration waits for a lock, trying again");
                // Those who queued behind it have their turn first.
                let (_stop, pause) = std::sync::mpsc::channel::<()>();
                let _ = pause.recv_timeout(Duration::from_secs(1));
            }
            Err(error) => {
                return Err(MigrateError::Failed {
                    schema,
                    reason: error.to_string(),
                });
            }
        }
    }
}
