//! Files of the shop that staff asks for.

use std::fmt::Write as _;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::{Cluster, Shop, alone, count, eventually, number, open, text, wait_until};

const PATH: &str = "/api/admin/exports";

async fn asked(staff: &Shop, body: Value) -> Value {
    staff.post(PATH, &body).send().await.expect(201)
}

pub async fn written(staff: &Shop, export: &Value) -> Value {
    let path = format!("{PATH}/{}", export["id"]);
    let is_over = async || !staff.get(&path).send().await.json()["finishedAt"].is_null();
    eventually("the file is written", Duration::from_secs(60), is_over).await;
    staff.get(&path).send().await.expect(200)
}

/// A shop of 4,000 products, which make a file of several parts.
async fn large(cluster: &Cluster) -> Shop {
    let mut file = "sku,name,description,price,currency\n".to_owned();
    for n in 0..4_000 {
        writeln!(
            file,
            "S-{n},Name {n},{},1.50,USD",
            "Description. ".repeat(10)
        )
        .expect("text");
    }
    let done = tokio::task::block_in_place(|| cluster.run(&["import", "products", "-"], &file));
    assert!(done.status.success(), "{done:?}");
    cluster.admin().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_the_one_that_the_command_writes_and_can_be_fetched_from_any_byte_on() {
    let cluster = Cluster::with_command(2, &[], &["serve"]);
    let staff = large(&cluster).await;
    for (format, kind) in [
        ("csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/x-ndjson"),
    ] {
        let export = asked(&staff, json!({"kind": "products", "format": format})).await;
        let export = written(&staff, &export).await;
        let command = ["export", "products", "--format", format];
        let expected = tokio::task::block_in_place(|| cluster.run(&command, "")).stdout;

        assert_eq!(
            (&export["state"], &export["products"]),
            (&json!("succeeded"), &json!(4_003))
        );
        assert_eq!(export["bytes"], expected.len());
        assert!(export["asOf"].is_string());
        let path = format!("{PATH}/{}/file", export["id"]);
        let whole = staff.get(&path).send().await;
        assert_eq!(
            (whole.status, whole.header("content-type")),
            (200, Some(kind))
        );
        assert!(whole.body == expected, "the file differs");
        let etag = whole.header("etag").expect("an ETag").to_owned();
        for start in [0, 1, 262_143, 262_144, 262_145, 600_000, expected.len() - 1] {
            let rest = staff.get(&path).header("range", &format!("bytes={start}-"));
            let rest = rest.header("if-range", &etag).send().await;
            assert_eq!(rest.status, 206);
            assert!(rest.body == expected[start..], "from {start}");
            let range = format!("bytes {start}-{}/{}", expected.len() - 1, expected.len());
            assert_eq!(rest.header("content-range"), Some(range.as_str()));
        }
        let beyond = staff
            .get(&path)
            .header("range", &format!("bytes={}-", expected.len()));
        beyond.send().await.refused(416, "range_not_satisfiable");
        let other = staff
            .get(&path)
            .header("range", "bytes=5-")
            .header("if-range", "\"0-0\"");
        assert_eq!(other.send().await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_tells_of_the_moment_at_which_it_was_begun_though_its_writer_died() {
    let _alone = alone().await;
    let cluster = Cluster::with_command(2, &[("JOBS__LEASE_SECONDS", "1")], &["serve"]);
    let staff = large(&cluster).await;
    let mut conn = cluster.conn();
    let mut in_the_way = cluster.conn();
    let lock = "BEGIN; LOCK TABLE catalog.export_parts IN SHARE MODE";
    in_the_way.batch_execute(lock).expect("locked");
    let export = asked(&staff, json!({"kind": "products"})).await;
    let held = "(SELECT coalesce(max(holder), '') FROM platform.jobs WHERE kind = 'export' AND state = 'running')";
    let mut victim = None;
    tokio::task::block_in_place(|| {
        wait_until("a replica writes the file", || {
            let holder = text(&mut conn, held);
            victim = holder
                .split(':')
                .nth(1)
                .and_then(|pid| cluster.find_replica(pid));
            victim.is_some()
        });
    });
    cluster.signal(victim.expect("just found"), "KILL");
    let rename = "UPDATE catalog.products SET name = 'Renamed', version = version + 1 WHERE id = 1";
    conn.batch_execute(rename).expect("renamed");
    drop(in_the_way);

    let export = written(&staff_of(&cluster, victim).await, &export).await;

    assert_eq!(export["state"], "succeeded");
    let attempts = "(SELECT attempts::bigint FROM platform.jobs WHERE kind = 'export')";
    assert_eq!(number(&mut conn, attempts), 2);
    let other = 1 - victim.expect("just found");
    let staff = staff_of(&cluster, Some(1 - other)).await;
    let file = staff
        .get(&format!("{PATH}/{}/file", export["id"]))
        .send()
        .await;
    let expected = tokio::task::block_in_place(|| cluster.run(&["export", "products"], "")).stdout;
    assert!(file.body == expected, "the file differs");
    let left = format!(
        "catalog.export_parts p JOIN catalog.exports e ON e.id = p.export_id WHERE p.attempt <> e.attempt AND e.id = {}",
        export["id"]
    );
    assert_eq!(count(&mut conn, &left), 0);
}

/// Staff at the replica that was not killed.
async fn staff_of(cluster: &Cluster, victim: Option<usize>) -> Shop {
    use crate::support::cluster::{ADMIN_EMAIL, ADMIN_PASSWORD};
    let alive = cluster.replica(1 - victim.expect("one of two"));
    let token = alive.log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    alive.with_token(&token)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_refused_by_name() {
    let staff = open().admin().await;
    for (body, field) in [
        (json!({"kind": "orders"}), "kind"),
        (json!({}), "kind"),
        (json!({"kind": "products", "format": "xml"}), "format"),
        (json!({"kind": "products", "onSale": "yes"}), "onSale"),
        (json!({"kind": "products", "all": true}), "all"),
    ] {
        let problem = staff
            .post(PATH, &body)
            .send()
            .await
            .refused(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    for path in ["0", "x", "9223372036854775808", "999999999"] {
        let path = format!("{PATH}/{path}");
        staff
            .get(&path)
            .send()
            .await
            .refused(404, "export_not_found");
        staff
            .get(&format!("{path}/file"))
            .send()
            .await
            .refused(404, "export_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_file_before_it_is_written() {
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let export = asked(&staff, json!({"kind": "products", "onSale": true})).await;

    let page = staff.get(PATH).send().await.expect(200);
    assert_eq!(page["exports"][0]["id"], export["id"]);
    assert_eq!(
        (&export["state"], &export["onSale"]),
        (&json!("waiting"), &json!(true))
    );
    let none = staff
        .get(&format!("{PATH}/{}/file", export["id"]))
        .send()
        .await;
    none.refused(409, "no_file");
}
