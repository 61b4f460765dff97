//! Products that are not in memory: those that are asked for at the same time share their statements.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::{PgConnection, sql_query};

use serde_json::{Value, json};

use crate::cache::counted;
use crate::option_translations::{chosen, path_of};
use crate::support::load::{all, with_status};
use crate::support::{Answer, Cluster, PATIENCE, count, eventually};

/// Counts what is loaded from there.
const POSTGRES: &str = "cache_reads_total{tier=\"postgres\"}";

/// A shop that remembers nothing of products.
fn forgetful(settings: &[(&str, &str)]) -> Cluster {
    let settings = [&[("CACHE__MAX_BYTES", "0"), ("REDIS__URL", "")], settings].concat();
    Cluster::with_settings("open", 1, &settings)
}

/// Lets nobody read products until the transaction ends.
fn hold_up(conn: &mut PgConnection) {
    conn.batch_execute("BEGIN; LOCK TABLE catalog.variants IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
}

/// Waits until so many sets of products wait for the lock.
async fn until_held_up(conn: &mut PgConnection, sets: i64) {
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT p.id, p.name, %'";
    let mut is_held_up = || count(conn, waiting) == sets;
    eventually("they wait", PATIENCE, || std::future::ready(is_held_up())).await;
}

/// Asks for all of it at once, each as a task of its own.
fn ask(cluster: &Cluster, paths: Vec<String>) -> tokio::task::JoinHandle<Vec<Answer>> {
    let shop = cluster.shop();
    tokio::spawn(all(paths.into_iter().map(move |path| {
        let request = shop.get(&path);
        async move { request.send().await }
    })))
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_are_wanted_at_the_same_time_are_read_together_and_each_gets_its_own() {
    let cluster = forgetful(&[("DATABASE__ACQUIRE_TIMEOUT_MS", "10000")]);
    let (admin, mut conn, mut other) = (cluster.admin().await, cluster.conn(), cluster.conn());
    let mut ids = vec![1, 2, 3];
    for n in 0..20 {
        ids.push(admin.product(&format!("READ-{n}"), 5).await);
    }
    let spoilt = ids[10];
    let spoil = "UPDATE catalog.variants SET sku = ' ' || sku WHERE product_id = $1";
    let changed = sql_query(spoil)
        .bind::<diesel::sql_types::BigInt, _>(spoilt)
        .execute(&mut conn);
    assert_eq!(changed, Ok(1));

    hold_up(&mut conn);
    let first = ask(
        &cluster,
        vec![
            "/api/products/1".into(),
            "/api/products/2?country=DE".into(),
        ],
    );
    until_held_up(&mut other, 2).await;
    let mut paths: Vec<String> = Vec::new();
    for id in ids.iter().filter(|id| **id != spoilt) {
        paths.push(format!("/api/products/{id}"));
        paths.push(format!("/api/products/{id}?country=DE&locale=de"));
        paths.push(format!("/api/products/{}", id + 1_000_000));
        paths.push(format!("/api/products/{id}"));
    }
    let rest = ask(&cluster, paths);
    // Apart, because no answer of the document is a 500.
    let address = cluster.address(0);
    let spoilt_one = tokio::spawn(reqwest::get(format!(
        "http://{address}/api/products/{spoilt}"
    )));
    // One load for each product and market, and for the spoilt one; two came first, and one of these is asked for again.
    let loads = 2 + 3 * (ids.len() as u64 - 1);
    let all_wait = async || counted(&cluster, 0, POSTGRES).await >= loads;
    eventually("all of them wait", PATIENCE, all_wait).await;
    conn.batch_execute("COMMIT").expect("the end of it");

    let first = first.await.expect("answers");
    assert_eq!(with_status(&first, 200), 2);
    let spoilt_one = spoilt_one.await.expect("no panic").expect("an answer");
    assert_eq!(spoilt_one.status(), 500);
    let mut answers = rest.await.expect("answers").into_iter();
    for id in ids.into_iter().filter(|id| *id != spoilt) {
        for asked in [id, id, id + 1_000_000, id] {
            let answer = answers.next().expect("an answer for each");
            if asked == id {
                assert_eq!(answer.expect(200)["id"], id);
            } else {
                answer.refused(404, "product_not_found");
            }
        }
    }
    let sets = counted(&cluster, 0, "product_reads_set_size_count").await;
    assert!((4..30).contains(&sets), "91 requests in {sets} sets");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_set_has_its_own_words_in_another_language() {
    let cluster = forgetful(&[("DATABASE__ACQUIRE_TIMEOUT_MS", "10000")]);
    let (admin, mut conn, mut other) = (cluster.admin().await, cluster.conn(), cluster.conn());
    let field = json!({"resource": "product", "key": "made_of", "type": "text", "visibility": "public", "translatable": true});
    let field = admin.post("/api/admin/custom-fields", &field);
    field.send().await.expect(201);
    let mut expected = Vec::new();
    for n in 0..8 {
        // Every other one is chosen by nothing.
        let id = if n % 2 == 0 {
            let (id, option) = chosen(&admin).await;
            let german = json!({"name": format!("Farbe {n}"), "values": {}});
            let path = format!("{}/de", path_of(&option));
            let written = admin.put(&path, &german).header("if-match", "\"0\"");
            written.send().await.expect(200);
            expected.push((
                id,
                json!({option: {"label": format!("Farbe {n}"), "values": {}}}),
            ));
            id
        } else {
            let id = admin.product(&format!("PLAIN-{n}"), 1).await;
            expected.push((id, Value::Null));
            id
        };
        let values = json!({"customFields": {"made_of": "wood"}});
        let path = format!("/api/admin/products/{id}");
        admin.patch(&path, &values).send().await.expect(200);
        let texts =
            json!({"name": format!("Ding {n}"), "customFields": {"made_of": format!("Holz {n}")}});
        let path = format!("/api/admin/products/{id}/translations/de");
        admin.put(&path, &texts).send().await.expect(200);
    }

    hold_up(&mut conn);
    let first = ["/api/products/1", "/api/products/2?country=DE"];
    let first = ask(&cluster, first.map(str::to_owned).to_vec());
    until_held_up(&mut other, 2).await;
    let before = counted(&cluster, 0, POSTGRES).await;
    let paths = expected.iter();
    let paths = paths.map(|(id, _)| format!("/api/products/{id}?locale=de"));
    let german = ask(&cluster, paths.collect());
    let all_wait = async || counted(&cluster, 0, POSTGRES).await >= before + 8;
    eventually("all of them wait", PATIENCE, all_wait).await;
    conn.batch_execute("COMMIT").expect("the end of it");

    first.await.expect("answers");
    let german = german.await.expect("answers");
    for (n, (answer, (id, labels))) in german.into_iter().zip(expected).enumerate() {
        let product = answer.expect(200);
        assert_eq!(product["id"], id);
        assert_eq!(product["name"], format!("Ding {n}"));
        assert_eq!(product["customFields"]["made_of"], format!("Holz {n}"));
        assert_eq!(product["optionLabels"], labels);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_served_in_time_is_told_so_and_nobody_else() {
    let cluster = forgetful(&[("DATABASE__ACQUIRE_TIMEOUT_MS", "300")]);
    let (mut conn, mut other) = (cluster.conn(), cluster.conn());
    hold_up(&mut conn);
    let served = ask(
        &cluster,
        vec![
            "/api/products/1".into(),
            "/api/products/2?country=DE".into(),
        ],
    );
    until_held_up(&mut other, 2).await;
    let late = ask(&cluster, vec!["/api/products/3".into(); 5]);
    for answer in late.await.expect("answers") {
        answer.refused(503, "busy");
    }
    conn.batch_execute("COMMIT").expect("the end of it");
    assert_eq!(with_status(&served.await.expect("answers"), 200), 2);
    cluster
        .shop()
        .get("/api/products/3")
        .send()
        .await
        .expect(200);
}
