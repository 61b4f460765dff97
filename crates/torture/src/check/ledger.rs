//! What only the database can tell, in words of our own beside those of the shop's doctor: movements
//! sum to counters (I2), a key has one order (I4), nothing is an orphan (I7), each entry of a
//! timeline has its event and no other (I9), no transaction is left open, no deadlock ever happened.
//! A binary with fault points has consumers and jobs whose effects are counted here: each event
//! reached its consumers, and exactly once where the effect is in the database; so did jobs.

use super::Finding;
use crate::Fallible;
use crate::cluster::DATABASE;
use crate::cluster::postgres::Postgres;

/// Check, kind, and a query of what must not be: one line per case.
const QUERIES: [(&str, &str, &str); 13] = [
    (
        "I2",
        "movements",
        "SELECT 'variant ' || s.variant_id FROM catalog.stock_levels s \
        LEFT JOIN catalog.stock_movements m USING (variant_id, location_id) \
       GROUP BY s.variant_id, s.location_id, s.on_hand, s.reserved \
      HAVING s.on_hand <> coalesce(sum(m.on_hand_delta), 0) OR s.reserved <> coalesce(sum(m.reserved_delta), 0)",
    ),
    (
        "I4",
        "key",
        "SELECT 'key ' || request_key FROM ordering.orders WHERE request_key IS NOT NULL \
       GROUP BY request_scope, request_key HAVING count(*) > 1",
    ),
    (
        "I7",
        "lines",
        "SELECT 'order ' || o.id FROM ordering.orders o \
      WHERE NOT EXISTS (SELECT FROM ordering.order_lines l WHERE l.order_id = o.id)",
    ),
    (
        "I7",
        "movement",
        "SELECT 'movement ' || m.id FROM catalog.stock_movements m \
      WHERE m.order_id IS NOT NULL AND NOT EXISTS (SELECT FROM ordering.orders o WHERE o.id = m.order_id)",
    ),
    (
        "I9",
        "event",
        "SELECT 'order ' || o.id || ' has ' || t.entries || ' entries and ' || coalesce(e.events, 0) || ' events' \
       FROM ordering.orders o \
       JOIN (SELECT order_id, count(*) AS entries FROM ordering.order_timeline GROUP BY 1) t ON t.order_id = o.id \
       LEFT JOIN (SELECT resource_id, count(*) AS events FROM platform.outbox WHERE resource_type = 'order' GROUP BY 1) e \
         ON e.resource_id = o.id \
      WHERE t.entries IS DISTINCT FROM e.events AND NOT (SELECT id > 0 FROM platform.outbox_start)",
    ),
    (
        "I9",
        "placed",
        "SELECT 'order ' || resource_id FROM platform.outbox WHERE kind = 'order.placed' \
       GROUP BY resource_id HAVING count(*) > 1",
    ),
    (
        "I9",
        "not-delivered",
        "SELECT c.name || ' missed ' || o.kind || ' of ' || o.resource_type || ' ' || o.resource_id \
       FROM platform.consumers c JOIN platform.outbox o ON (o.xid, o.id) <= (c.xid, c.id) \
      WHERE c.name IN ('probeElsewhere', 'probeInside') \
        AND NOT EXISTS (SELECT FROM torture.delivered d WHERE d.consumer = c.name AND d.event_id = o.event_id)",
    ),
    (
        "I9",
        "delivered-twice",
        "SELECT 'event ' || event_id FROM torture.delivered WHERE consumer = 'probeInside' \
       GROUP BY event_id HAVING count(*) > 1",
    ),
    (
        "jobs",
        "done-twice",
        "SELECT 'job ' || job_id FROM torture.done GROUP BY job_id HAVING count(*) > 1",
    ),
    (
        "jobs",
        "not-done",
        "SELECT 'job ' || id FROM platform.jobs WHERE kind LIKE 'probe_' AND state = 'succeeded' \
        AND id NOT IN (SELECT job_id FROM torture.done)",
    ),
    (
        "jobs",
        "done-in-vain",
        "SELECT 'job ' || id || ' is ' || state FROM platform.jobs \
      WHERE state <> 'succeeded' AND id IN (SELECT job_id FROM torture.done)",
    ),
    (
        "I13",
        "left-open",
        "SELECT 'connection ' || pid || ' is ' || state FROM pg_stat_activity \
      WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND state_change < now() - interval '5 s'",
    ),
    (
        "I1",
        "deadlock",
        "SELECT deadlocks || ' deadlocks' FROM pg_stat_database \
      WHERE datname = current_database() AND deadlocks > 0",
    ),
];

/// Asks the database of a shop that rests.
///
/// # Errors
///
/// When it cannot be asked.
pub fn check(postgres: &Postgres) -> Fallible<Vec<Finding>> {
    let mut findings = Vec::new();
    for (check, kind, query) in QUERIES {
        for row in postgres.sql(DATABASE, query)? {
            findings.push(Finding::new(check, kind, row.join(" "), &[]));
        }
    }
    Ok(findings)
}
