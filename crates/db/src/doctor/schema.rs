//! What must be true of the schemas themselves, and of the tables of nobody in particular.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::repairs::NEXT;
use super::{Check, repairs};

/// Schemas that [`migrations`](crate::migrations) keeps: ours, and nobody else's.
pub(super) const OURS: &str =
    "(SELECT relnamespace FROM pg_class WHERE relname = '__diesel_schema_migrations')";

/// What the promises of schema `platform` rest on.
const GUARDS: [&str; 10] = [
    "idempotency_keys_pkey",
    "idempotency_keys_answered_or_resumable",
    "outbox_pkey",
    "outbox_resource_sequence_idx",
    "outbox_start_is_only",
    "consumers_pkey",
    "jobs_pkey",
    "jobs_key_idx",
    "schedules_pkey",
    "ticks_pkey",
];

/// The checks of this crate: those of every schema that has migrations, and those of `platform`.
///
/// # Errors
///
/// Those of the database, which is asked for its identity columns.
pub fn checks(conn: &mut PgConnection) -> QueryResult<Vec<Check>> {
    let mut checks = vec![
        guards("platform", &GUARDS),
        invalid_indexes(),
        unvalidated_constraints(),
        disabled_triggers(),
    ];
    checks.extend(identities_behind(conn)?);
    checks.push(gaps_in_events());
    checks.push(stuck_consumers());
    checks.push(expired_keys());
    checks.push(forgotten_jobs());
    Ok(checks)
}

/// Constraints and unique indexes of a schema that must be there: the promises rest on them.
#[must_use]
pub fn guards(schema: &str, names: &[&str]) -> Check {
    let names: Vec<String> = names.iter().map(|name| format!("('{name}')")).collect();
    Check {
        id: "S1",
        name: "the constraints and indexes that promises rest on are there",
        sql: format!(
            "SELECT NULL::bigint, '{schema}.' || name, 'is missing' FROM (VALUES {}) AS guard (name) \
              WHERE NOT EXISTS (SELECT FROM pg_constraint \
                      WHERE conname = name AND connamespace = to_regnamespace('{schema}')) \
                AND NOT EXISTS (SELECT FROM pg_class \
                      WHERE relname = name AND relkind = 'i' AND relnamespace = to_regnamespace('{schema}'))",
            names.join(", ")
        )
        .into(),
        todo: "Somebody dropped it by hand. Run the other checks first and mend what they find, then \
               create it again as its migration in crates/*/migrations does.",
        repair: None,
    }
}

fn invalid_indexes() -> Check {
    Check {
        id: "S2",
        name: "every index is valid",
        sql: repairs::INVALID_INDEXES.into(),
        todo: "A build of it was cut off. --repair builds it again beside running traffic, or drops \
               the copy that an interrupted REINDEX left. A unique index that cannot be built has \
               duplicates: the error names them.",
        repair: Some(repairs::rebuild_indexes),
    }
}

fn unvalidated_constraints() -> Check {
    Check {
        id: "S3",
        name: "every constraint holds for all rows",
        sql: repairs::UNVALIDATED_CONSTRAINTS.into(),
        todo: "It was added NOT VALID, and holds for new rows only. --repair has Postgres look at the \
               old ones; rows that break it are named by the error and are yours to judge.",
        repair: Some(repairs::validate_constraints),
    }
}

fn disabled_triggers() -> Check {
    Check {
        id: "S4",
        name: "every trigger fires",
        sql: format!(
            "SELECT NULL::bigint, t.tgrelid::regclass::text || '.' || coalesce(c.conname, t.tgname), \
                    'is switched off, so it checks nothing' \
               FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid \
               LEFT JOIN pg_constraint c ON c.oid = t.tgconstraint \
              WHERE t.tgenabled IN ('D', 'R') AND r.relnamespace IN {OURS}"
        )
        .into(),
        todo: "A restore or somebody's hand left it off. Run ALTER TABLE … ENABLE TRIGGER ALL as a \
               superuser, and look at the findings of I7: what came in meanwhile was not checked.",
        repair: None,
    }
}

/// One query over all identity columns that something looks rows up by.
fn identities_behind(conn: &mut PgConnection) -> QueryResult<Option<Check>> {
    let parts = repairs::identities(conn)?.into_iter().map(|identity| {
        let repairs::Identity {
            name,
            column,
            sequence,
        } = identity;
        format!(
            "SELECT NULL::bigint, '{name}.{column}', \
                    format('has a row %s, and its sequence gives %s next', highest, {NEXT}) \
               FROM (SELECT max({column}) AS highest FROM {name}) AS used, {sequence} \
              WHERE highest >= {NEXT}"
        )
    });
    let parts: Vec<String> = parts.collect();
    Ok((!parts.is_empty()).then(|| Check {
        id: "S5",
        name: "no identity lags behind its rows",
        sql: parts.join(" UNION ALL ").into(),
        todo: "Rows came in with ids of their own, and the next insert would collide with one. \
               --repair moves the sequence forward, never back.",
        repair: Some(repairs::advance_identities),
    }))
}

/// The index `outbox_resource_sequence_idx` keeps numbers apart, so that a number above their count
/// tells of a gap. Events of releases that did not number fill one each; pruned ones were the first.
fn gaps_in_events() -> Check {
    Check {
        id: "I9",
        name: "the events of a resource count 1, 2, 3 … without gaps",
        sql: "SELECT resource_id, resource_type || ' ' || resource_id, \
                     format('has %s events, numbered %s to %s', count(*), min(sequence), max(sequence)) \
                FROM platform.outbox GROUP BY resource_type, resource_id \
              HAVING min(sequence) < 1 \
                  OR max(sequence) - CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                                          THEN min(sequence) - 1 ELSE 0 END > count(*)"
            .into(),
        todo: "An event was lost or invented. Compare with the resource; consumers that count will \
               wait for the missing one. Do not renumber: consumers remember what they saw.",
        repair: None,
    }
}

fn stuck_consumers() -> Check {
    Check {
        id: "I9",
        name: "every event reaches its consumers",
        sql: "SELECT NULL::bigint, 'consumer ' || c.name, \
                     coalesce(format('has failed since %s: %s', c.failing_since, c.last_error), \
                              'has not handled an event of ' || o.occurred_at) \
                FROM platform.consumers c \
                LEFT JOIN LATERAL (SELECT occurred_at FROM platform.outbox \
                                    WHERE (xid, id) > (c.xid, c.id) ORDER BY xid, id LIMIT 1) o ON true \
               WHERE c.failing_since < now() - interval '1 minute' \
                  OR o.occurred_at < now() - interval '10 minutes'"
            .into(),
        todo: "Mend what the error names: the event is tried again within a minute or so, and never \
               skipped. Without an error nobody delivers: start a replica. A consumer that no release \
               has any more holds up pruning: delete its row.",
        repair: None,
    }
}

fn expired_keys() -> Check {
    Check {
        id: "I10",
        name: "expired idempotency keys are forgotten",
        sql: "SELECT NULL::bigint, 'platform.idempotency_keys', \
                     format('%s expired more than an hour ago, the first at %s', count(*), min(expires_at)) \
                FROM platform.idempotency_keys WHERE expires_at < now() - interval '1 hour' \
              HAVING count(*) > 0"
            .into(),
        todo: "No worker runs, or it falls behind. Start one, or let --repair delete them: an \
               expired key is never read.",
        repair: Some(repairs::prune_keys),
    }
}

fn forgotten_jobs() -> Check {
    Check {
        id: "I10",
        name: "jobs are taken when they are due, and taken away from workers that are gone",
        sql: "SELECT min(id), 'jobs of kind ' || kind, \
                     CASE state WHEN 'queued' THEN format('%s wait in queue %s, due since %s', count(*), queue, min(run_at)) \
                     ELSE format('%s run in queue %s by leases that ended, the first at %s', \
                                 count(*), queue, min(lease_until)) END \
                FROM platform.jobs \
               WHERE state = 'queued' AND run_at < now() - interval '10 minutes' \
                  OR state = 'running' AND lease_until < now() - interval '10 minutes' \
               GROUP BY kind, queue, state"
            .into(),
        todo: "No worker runs that knows the kind: start one. If one runs, the queue is too narrow, or \
               its running jobs are stuck: GET /api/jobs?state=running names their holders, and \
               platform.queues has how many may run. Jobs of a kind that no release has any more: \
               POST /api/jobs/{id}/cancel.",
        repair: None,
    }
}

/// The texts that a query of one text column finds.
pub(super) fn texts(conn: &mut PgConnection, query: &str) -> QueryResult<Vec<String>> {
    diesel::dsl::sql::<Text>(&format!("SELECT {query}")).load(conn)
}
