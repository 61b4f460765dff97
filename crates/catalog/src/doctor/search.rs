//! What must always be true of the search index.

use db::doctor::{Check, Repaired};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};

use crate::search::following;

/// What is on its way into the index is left out: marked products, prices whose moment has just come, what is kept by holds that
/// have expired and are yet to be swept up, what the consumer has yet to read, and what a job does about custom fields. An index that a release before has built is about to be built anew.
const WRONG: &str = "\
    WITH pending (product_id) AS ( \
      SELECT product_id FROM catalog.search_stale \
       UNION \
      SELECT product_id FROM catalog.search_live WHERE changes_at <= statement_timestamp() \
       UNION \
      SELECT v.product_id FROM catalog.stock_holds h JOIN catalog.stock_hold_lines l ON l.hold_id = h.id AND l.released_at IS NULL \
        LEFT JOIN catalog.bundle_parts b ON b.part_id = l.variant_id JOIN catalog.variants v ON v.id IN (l.variant_id, b.bundle_id) \
       WHERE h.expires_at <= clock_timestamp() \
       UNION \
      SELECT coalesce(w.product_id, v.resource_id) FROM catalog.custom_fields f \
        JOIN catalog.custom_values v ON v.resource = f.resource AND (v.public_values ? f.key OR v.private_values ? f.key) \
        LEFT JOIN catalog.variants w ON f.resource = 'variant' AND w.id = v.resource_id \
       WHERE f.resource IN ('product', 'variant') AND (f.applied_version < f.version OR f.removed_at IS NOT NULL) \
       UNION \
      SELECT a.product_id FROM ( \
        SELECT array_agg(o.kind) AS kinds, array_agg(o.resource_id) AS ids, array_agg(o.payload) AS payloads \
          FROM platform.outbox o WHERE NOT EXISTS ( \
            SELECT FROM platform.consumers c WHERE c.name = 'search' AND (o.xid, o.id) <= (c.xid, c.id))) e, \
        catalog.search_affected(e.kinds, e.ids, e.payloads) a \
    ), wanted AS ( \
      SELECT s.product_id, l.locale COLLATE \"C\" AS locale, s.fingerprint \
        FROM catalog.search_sources s, (SELECT unnest(locales) AS locale FROM catalog.search_index) l \
    ) SELECT coalesce(w.product_id, d.product_id), 'product ' || coalesce(w.product_id, d.product_id), \
             CASE WHEN d.product_id IS NULL THEN 'cannot be found' \
                  WHEN w.product_id IS NULL THEN 'is in the index though nobody may find it' \
                  ELSE 'is found as it was once' END || ' in ' || coalesce(w.locale, d.locale) \
        FROM wanted w FULL JOIN catalog.search_live d ON d.product_id = w.product_id AND d.locale = w.locale \
       WHERE w.fingerprint IS DISTINCT FROM d.fingerprint \
         AND EXISTS (SELECT FROM catalog.search_index WHERE built_at IS NOT NULL AND shape = catalog.search_shape()) \
         AND NOT EXISTS (SELECT FROM pending p WHERE p.product_id = coalesce(w.product_id, d.product_id))";

pub(super) fn checks() -> [Check; 3] {
    let found = Check {
        id: "S13",
        name: "what is found is what there is",
        sql: WRONG.into(),
        todo: "Somebody wrote past the crate catalog, which tells of every change, or edited the index. The repair writes \
               these documents anew; `cartwright rebuild search` all of them.",
        repair: Some(write_anew),
    };
    let counted = Check {
        id: "S13",
        name: "what is counted is what is found",
        sql: "SELECT id::bigint, 'value ' || id, format('is said to be in %s products, and is in %s', told, counted) \
                FROM catalog.search_miscounted"
            .into(),
        todo: "Somebody edited the index. The repair counts anew.",
        repair: Some(count_anew),
    };
    let priced = Check {
        id: "S13",
        name: "what is sorted by its price has that price",
        sql: "SELECT product_id, 'product ' || product_id, format('%s as %s in %s', \
                CASE WHEN is_missing THEN 'is not listed' ELSE 'is listed' END, amount, name) \
                FROM catalog.search_mispriced"
            .into(),
        todo: "Somebody edited the index. The repair lists what documents say.",
        repair: Some(list_anew),
    };
    [found, counted, priced]
}

fn write_anew(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let mark = format!(
        "INSERT INTO catalog.search_stale (product_id) \
         SELECT DISTINCT number FROM ({WRONG}) AS found (number, subject, message) ORDER BY number RETURNING product_id AS id"
    );
    let wrong: Vec<Subject> = diesel::sql_query(mark).load(conn)?;
    while following::refresh(conn)? > 0 {}
    Ok(told(wrong, "product", "is found as it is"))
}

/// Under the lock of who writes documents: which of the two indexes is read.
fn lock(conn: &mut PgConnection) -> QueryResult<i32> {
    conn.batch_execute("SELECT FROM catalog.search_index FOR UPDATE")?;
    let live = sql::<Integer>("(SELECT live::int FROM catalog.search_index)");
    diesel::select(live).get_result(conn)
}

fn count_anew(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    conn.transaction(|conn| {
        let live = lock(conn)?;
        let counted: Vec<Subject> = diesel::sql_query(format!(
            "UPDATE catalog.search_values_{live} v SET products = wrong.counted \
               FROM catalog.search_miscounted wrong WHERE v.id = wrong.id RETURNING v.id::bigint AS id"
        ))
        .load(conn)?;
        Ok(told(counted, "value", "is counted"))
    })
}

fn list_anew(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    conn.transaction(|conn| {
        let live = lock(conn)?;
        let listed: Vec<Subject> = diesel::sql_query(format!(
            "WITH wrong AS MATERIALIZED (SELECT * FROM catalog.search_mispriced), gone AS ( \
               DELETE FROM catalog.search_prices_{live} p USING wrong w \
                WHERE NOT w.is_missing AND p.name = w.name AND p.amount = w.amount AND p.product_id = w.product_id), \
             come AS ( \
               INSERT INTO catalog.search_prices_{live} (name, amount, product_id) \
               SELECT name, amount, product_id FROM wrong WHERE is_missing) \
             SELECT DISTINCT product_id AS id FROM wrong ORDER BY id"
        ))
        .load(conn)?;
        Ok(told(listed, "product", "is listed by its prices"))
    })
}

fn told(repaired: Vec<Subject>, kind: &str, outcome: &str) -> Vec<Repaired> {
    let told = |subject: Subject| Repaired {
        check: "S13",
        subject: format!("{kind} {}", subject.id),
        outcome: Ok(outcome.into()),
    };
    repaired.into_iter().map(told).collect()
}

#[derive(QueryableByName)]
struct Subject {
    #[diesel(sql_type = BigInt)]
    id: i64,
}
