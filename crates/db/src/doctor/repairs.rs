//! Repairs that cannot make anything worse: they rebuild, validate or forget, and never invent data.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::schema::{OURS, texts};
use super::{Repaired, prune_all};
use crate::idempotency;

/// An index that is being built right now is invalid too, and nothing is wrong with it.
pub(super) const INVALID_INDEXES: &str = "\
    SELECT NULL::bigint, i.indexrelid::regclass::text, \
           'is not valid, so no query uses it and no row is kept unique by it' \
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     WHERE NOT (i.indisvalid AND i.indisready) \
       AND c.relnamespace IN (SELECT relnamespace FROM pg_class WHERE relname = '__diesel_schema_migrations') \
       AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid)";

pub(super) const UNVALIDATED_CONSTRAINTS: &str = "\
    SELECT NULL::bigint, conrelid::regclass::text || '.' || quote_ident(conname), 'was never held against the rows before it' \
      FROM pg_constraint WHERE NOT convalidated \
       AND connamespace IN (SELECT relnamespace FROM pg_class WHERE relname = '__diesel_schema_migrations')";

/// What a sequence gives out next: a fresh one, the value it is at.
pub(super) const NEXT: &str = "last_value + is_called::int";

/// An identity column that is the first of an index; others are never looked rows up by.
#[derive(Debug, QueryableByName)]
pub(super) struct Identity {
    /// Of the table, with its schema.
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub column: String,
    #[diesel(sql_type = Text)]
    pub sequence: String,
}

pub(super) fn identities(conn: &mut PgConnection) -> QueryResult<Vec<Identity>> {
    diesel::sql_query(format!(
        "SELECT c.oid::regclass::text AS name, quote_ident(a.attname) AS column, \
                pg_get_serial_sequence(c.oid::regclass::text, a.attname) AS sequence \
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' \
          WHERE c.relnamespace IN {OURS} AND NOT a.attisdropped \
            AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum) \
          ORDER BY 1, 2"
    ))
    .load(conn)
}

/// Outside of any transaction, because only so it lets writers go on meanwhile.
pub(super) fn rebuild_indexes(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let invalid = texts(
        conn,
        &format!("subject FROM ({INVALID_INDEXES}) AS found (number, subject, message)"),
    )?;
    let repair = |index: String| {
        // What an interrupted REINDEX CONCURRENTLY leaves; the index itself is there and valid.
        let is_copy = index.trim_end_matches(char::is_numeric).ends_with("_ccnew")
            || index.trim_end_matches(char::is_numeric).ends_with("_ccold");
        let (verb, done) = if is_copy {
            ("DROP INDEX CONCURRENTLY IF EXISTS", "was dropped")
        } else {
            ("REINDEX INDEX CONCURRENTLY", "was built again")
        };
        let outcome = conn.batch_execute(&format!("{verb} {index}"));
        told("S2", index, outcome.map(|()| done.to_owned()))
    };
    Ok(invalid.into_iter().map(repair).collect())
}

pub(super) fn validate_constraints(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let found = texts(
        conn,
        &format!("subject FROM ({UNVALIDATED_CONSTRAINTS}) AS found (number, subject, message)"),
    )?;
    let repair = |constraint: String| {
        let statement = match constraint.rsplit_once('.') {
            Some((table, name)) => format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
            None => return told("S3", constraint, Ok("has no table".into())),
        };
        let outcome = conn.batch_execute(&statement);
        told("S3", constraint, outcome.map(|()| "is validated".into()))
    };
    Ok(found.into_iter().map(repair).collect())
}

/// The lock keeps inserts out, and with them the sequence where it is: it only ever moves forward.
/// It is not waited for as long as somebody holds the table, because all who come to write would
/// wait behind us.
pub(super) fn advance_identities(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let mut repaired = Vec::new();
    for identity in identities(conn)? {
        let Identity {
            name,
            column,
            sequence,
        } = identity;
        let advanced = conn.transaction(|conn| {
            conn.batch_execute(&format!(
                "SET LOCAL lock_timeout = '1s'; LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"
            ))?;
            texts(
                conn,
                &format!(
                    "setval('{sequence}', highest)::text \
                       FROM (SELECT max({column}) AS highest FROM {name}) AS used, {sequence} \
                      WHERE highest >= {NEXT}"
                ),
            )
        });
        match advanced.map(|mut at| at.pop()) {
            Ok(None) => {}
            Ok(Some(at)) => repaired.push(told(
                "S5",
                format!("{name}.{column}"),
                Ok(format!("goes on after {at}")),
            )),
            Err(error) => repaired.push(told("S5", format!("{name}.{column}"), Err(error))),
        }
    }
    Ok(repaired)
}

pub(super) fn prune_keys(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let pruned = prune_all(conn, 10_000, idempotency::prune)?;
    let subject = "platform.idempotency_keys".to_owned();
    Ok(vec![told(
        "I10",
        subject,
        Ok(format!("{pruned} forgotten")),
    )])
}

fn told(check: &'static str, subject: String, outcome: QueryResult<String>) -> Repaired {
    Repaired {
        check,
        subject,
        outcome: outcome.map_err(|error| explained(&error.to_string())),
    }
}

fn explained(error: &str) -> String {
    if error.contains("lock timeout") {
        return "a transaction that does not end holds the table, and whoever waits for it keeps all \
                others from writing; end that one, or try again later"
            .to_owned();
    }
    error.to_owned()
}
