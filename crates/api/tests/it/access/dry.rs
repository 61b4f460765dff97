//! Every write with `dryRun=true`: it answers as it would, and leaves nothing.

use std::collections::BTreeSet;

use db::consumers;
use diesel::PgConnection;
use serde_json::Value;

use super::real::Real;
use super::rows::matrix;
use crate::support::{Answer, Cluster, assert_healthy, count, fresh_key, text, wait_until};

/// What cannot be taken back, or is not there to be taken back.
const REFUSED: [(&str, &str); 9] = [
    ("DELETE", "/api/orders/{id}"),
    ("DELETE", "/api/sessions/current"),
    ("POST", "/api/admin/imports"),
    ("POST", "/api/admin/media"),
    ("POST", "/api/orders"),
    ("POST", "/api/prices/lookup"),
    ("POST", "/api/sessions"),
    ("POST", "/api/users"),
    ("PUT", "/api/orders/{id}"),
];

/// What finds nothing to do: an import that is over cannot be cancelled.
const CHANGELESS: [(&str, &str); 1] = [("POST", "/api/admin/imports/{id}/cancel")];

/// A shop in which nobody else does anything.
fn quiet() -> Cluster {
    Cluster::with_command(1, &[], &["serve", "--with-worker=false"])
}

/// All rows of all tables as one text, apart from how far readers of events are, which they write themselves.
fn everything(conn: &mut PgConnection) -> String {
    wait_until("all events are handled", || {
        let standings = consumers::list(conn).expect("standings");
        let are_done = standings.iter().all(|standing| standing.waiting == 0);
        are_done && count(conn, "catalog.search_stale") == 0
    });
    let tables = "(SELECT string_agg(format('%I.%I', schemaname, tablename), ' ' ORDER BY 1) FROM pg_tables
        WHERE schemaname IN ('accounts', 'catalog', 'ordering', 'platform') AND tablename <> 'consumers')";
    let tables = text(conn, tables);
    assert!(tables.contains("catalog.products") && tables.contains("platform.outbox"));
    let contents = tables.split(' ').map(|table| {
        format!("(SELECT '{table} ' || count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t)")
    });
    let contents = contents.collect::<Vec<_>>().join(", ");
    text(conn, &format!("concat_ws(E'\n', {contents})"))
}

/// What an answer says, apart from the names and moments that each request has of its own.
fn meaning(body: &Value) -> Value {
    let is_own =
        |name: &str| name == "slug" || name.to_lowercase().ends_with("id") || name.ends_with("At");
    match body {
        Value::Array(values) => values.iter().map(meaning).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !is_own(name));
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), meaning(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn said(answer: &Answer) -> (u16, Value) {
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, meaning(&body))
}

fn dry(path: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}dryRun=true")
}

#[tokio::test]
async fn a_dry_write_answers_as_it_would_and_leaves_nothing() {
    let cluster = quiet();
    let admin = cluster.admin().await;
    let real = Real::laid(&cluster, &admin).await;
    let mut conn = cluster.conn();
    let (mut refused, mut changeless) = (BTreeSet::new(), BTreeSet::new());
    for row in matrix().iter().filter(|row| row.method != "GET") {
        let route = row.route.split('?').next().expect("a path");
        let (path, body) = real.asked(row);
        let key = fresh_key();
        let send = async |path: &str| {
            let mut request = admin.request(row.method, path).key(&key);
            if !row.body.is_null() {
                request = request.raw("application/json", body.clone());
            }
            request.send().await
        };

        let before = everything(&mut conn);
        let tried = send(&dry(&path)).await;
        let what = format!("{} {path}: {:?}", row.method, said(&tried));
        assert_eq!(everything(&mut conn), before, "{what}");
        if tried.status == 400 {
            let problem = tried.refused(400, "dry_run_unsupported");
            assert_eq!(problem["errors"][0]["field"], "dryRun", "{what}");
            refused.insert((row.method, route));
            continue;
        }
        assert_eq!(tried.header("dry-run"), Some("true"), "{what}");
        assert_eq!(
            (tried.header("etag"), tried.header("location")),
            (None, None),
            "{what}"
        );

        let done = send(&path).await;
        assert_eq!(said(&done), said(&tried), "{what}");
        assert_eq!(done.header("dry-run"), None, "{what}");
        let after = everything(&mut conn);
        if after == before {
            changeless.insert((row.method, route));
        }
        let again = send(&dry(&path)).await;
        assert_eq!(again.header("idempotent-replayed"), None, "{what}");
        assert_eq!(everything(&mut conn), after, "{what}");
    }
    assert_eq!(refused, BTreeSet::from(REFUSED));
    assert_eq!(changeless, BTreeSet::from(CHANGELESS));
    assert_healthy(&mut conn);
}
