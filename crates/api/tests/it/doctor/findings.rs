use std::collections::BTreeSet;

use api::workflows::doctor;
use catalog::search::following;
use db::outbox::upkeep;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::broken_ground::{EVENTS_AND_SCHEMA, REFERENCES};
use super::broken_trade::{ORDERS, PAYMENTS, STOCK};
use super::busy_shop;

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_broken_is_found_and_nothing_else() {
    let cluster = busy_shop().await;
    let conn = &mut cluster.conn();
    // What is on its way into the search index is no finding, so it has to have arrived.
    conn.batch_execute("UPDATE platform.consumers SET (xid, id) = (SELECT xid, id FROM platform.outbox ORDER BY xid DESC, id DESC LIMIT 1)")
        .expect("read");
    let mark = "INSERT INTO catalog.search_stale (product_id) SELECT id FROM catalog.products";
    conn.batch_execute(mark).expect("marked");
    while following::refresh(conn).expect("written") > 0 {}
    let healthy = doctor::run(conn).expect("a report");
    assert!(healthy.is_ok(), "{:#}", healthy.to_json());

    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let cases = [
        &STOCK[..],
        &PAYMENTS,
        &ORDERS,
        &REFERENCES,
        &EVENTS_AND_SCHEMA,
    ]
    .concat();
    for (broken, expected) in cases {
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            conn.batch_execute("SET LOCAL session_replication_role = replica")?;
            conn.batch_execute(broken)
                .unwrap_or_else(|e| panic!("{broken}: {e}"));
            let report = doctor::look(conn, &[]).expect("a report");
            let found: BTreeSet<(&str, &str)> = report
                .checks
                .iter()
                .flat_map(|e| e.findings.iter().map(|f| (e.check.id, f.subject.as_str())))
                .collect();
            let is_expected = |(id, subject): &(&str, &str)| {
                expected
                    .iter()
                    .any(|(i, s)| i == id && subject.starts_with(s))
            };
            if found.len() != expected.len() || !found.iter().all(is_expected) {
                let findings = report.to_json()["findings"].clone();
                wrong.push(format!("{broken}\nexpected {expected:?}\n{findings:#}"));
            }
            seen.extend(
                report
                    .checks
                    .iter()
                    .filter(|e| e.count > 0)
                    .map(|e| e.check.name),
            );
            Ok(())
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let all: BTreeSet<&str> = healthy.checks.iter().map(|e| e.check.name).collect();
    assert_eq!(seen, all, "every check has found something");
    assert!(
        doctor::run(conn).expect("a report").is_ok(),
        "all was rolled back"
    );
    assert_pruned_events_are_not_missed(conn);
}

/// However many of the oldest events are gone, that is no finding; a gap in the others still is.
fn assert_pruned_events_are_not_missed(conn: &mut PgConnection) {
    let age = "UPDATE platform.outbox SET occurred_at = now() - interval '31 days'; \
               DELETE FROM platform.consumers";
    let lose_the_last_of_order_8 = "DELETE FROM platform.outbox WHERE (resource_type, resource_id, sequence) IN \
        (SELECT resource_type, resource_id, max(sequence) FROM platform.outbox \
          WHERE resource_type = 'order' AND resource_id = 8 GROUP BY 1, 2)";
    for pruned in [1, 10, 25, 1_000] {
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            conn.batch_execute(age)?;
            assert!(db::outbox::prune(conn, pruned)? > 0);
            let report = doctor::look(conn, &[]).expect("a report");
            assert!(report.is_ok(), "{pruned}: {:#}", report.to_json());
            // A dump of it, restored into another server and adopted there, is as well.
            conn.batch_execute(
                "UPDATE platform.outbox SET xid = (xid::text::bigint + 900000000000)::text::xid8; \
                 UPDATE platform.outbox_start SET xid = (xid::text::bigint + 900000000000)::text::xid8",
            )?;
            assert!(upkeep::adopt(conn)?);
            let report = doctor::look(conn, &[]).expect("a report");
            assert!(report.is_ok(), "{pruned}: {:#}", report.to_json());
            if pruned <= 25 {
                conn.batch_execute(lose_the_last_of_order_8)?;
                let report = doctor::look(conn, &[]).expect("a report").to_json();
                assert_eq!(report["findings"][0]["subject"], "order 8", "{report:#}");
            }
            Ok(())
        });
    }
}
