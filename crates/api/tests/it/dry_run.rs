//! Writes that are tried: what the parameter may be, and that they meet what writes meet.

use db::consumers;
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::{Cluster, Shop, count, fresh_key, number, open, wait_until};

async fn category(admin: &Shop) -> String {
    let new = json!({"name": fresh_key()});
    let made = admin.post("/api/admin/categories", &new).send().await;
    format!("/api/admin/categories/{}", made.expect(201)["id"])
}

#[tokio::test]
async fn a_parameter_that_is_nearly_right_is_refused_and_nothing_is_written() {
    let admin = open().admin().await;
    let path = category(&admin).await;
    let changes = json!({"description": "Worn"});
    for query in [
        "dryRun",
        "dryRun=",
        "dryRun=1",
        "dryRun=yes",
        "dryRun=True",
        "dryRun=true&dryRun=true",
        "dryRun=false&dryRun=true",
        "dryrun=true",
        "dry_run=true",
        "dry-run=false",
        "dryRun%5B%5D=true",
        "dry%52un=%F0%9F%98%80",
    ] {
        let answer = admin
            .patch(&format!("{path}?{query}"), &changes)
            .send()
            .await;
        assert_eq!(answer.header("dry-run"), None, "{query}");
        let problem = answer.refused(400, "invalid_query");
        assert_eq!(problem["errors"][0]["field"], "dryRun", "{query}");
    }
    let read = async || admin.get(&path).send().await.expect(200)["description"].clone();
    assert_eq!(read().await, "");

    let wet = admin.patch(&format!("{path}?dryRun=false"), &changes);
    let wet = wet.send().await;
    assert_eq!(wet.header("dry-run"), None);
    assert_eq!(wet.expect(200)["description"], "Worn");
    assert_eq!(read().await, "Worn");
}

#[tokio::test]
async fn what_refuses_a_write_refuses_one_that_is_tried() {
    let admin = open().admin().await;
    let path = category(&admin).await;
    let (sku, name) = (fresh_key().to_uppercase(), "n".repeat(501));
    let product = admin.product(&sku, 5).await;
    let taken = json!({"name": "Mug", "sku": sku, "price": "1.00"});
    let counted = json!({"onHand": 3, "expectedOnHand": 4});
    let (stock, long) = (
        format!("/api/products/{product}/stock"),
        json!({"name": name}),
    );
    let below =
        json!({"parents": [{"id": path.rsplit('/').next().and_then(|id| id.parse::<i64>().ok())}]});
    let parents = format!("{path}/parents");
    let nobody = "/api/admin/products/9223372036854775807";
    let cases: [(u16, &str, &str, &Value); 6] = [
        (409, "POST", "/api/admin/products", &taken),
        (409, "PUT", &stock, &counted),
        (409, "PUT", &parents, &below),
        (404, "PATCH", nobody, &json!({"brand": "Acme"})),
        (422, "PATCH", &path, &long),
        (422, "PATCH", &path, &json!({"nme": "Hats"})),
    ];
    for (status, method, path, body) in cases {
        let send = async |path: &str| admin.request(method, path).json(body).send().await;
        let (dry, wet) = (send(&format!("{path}?dryRun=true")).await, send(path).await);
        assert_eq!(dry.header("dry-run"), Some("true"), "{method} {path}");
        let (mut dry, mut wet) = (dry.expect(status), wet.expect(status));
        (dry["requestId"], wet["requestId"]) = (Value::Null, Value::Null);
        assert_eq!(dry, wet, "{method} {path}");
    }

    let dry = format!("{path}?dryRun=true");
    let worn = json!({"description": "Worn"});
    let stale = admin.patch(&dry, &worn).header("if-match", "\"7\"");
    stale.send().await.refused(412, "precondition_failed");
    let current = admin.get(&path).send().await;
    let etag = current.header("etag").expect("an ETag").to_owned();
    for _ in 0..2 {
        let fits = admin.patch(&dry, &worn).header("if-match", &etag);
        fits.send().await.expect(200);
    }
    let nobody = open().shop();
    let (dry, malformed) = (nobody.patch(&dry, &worn), admin.request("PATCH", &dry));
    dry.send().await.refused(401, "unauthorized");
    let malformed = malformed.raw("application/json", "{").send().await;
    malformed.refused(400, "malformed_json");
}

#[tokio::test]
async fn a_dry_write_waits_for_the_lock_that_a_write_needs() {
    let admin = open().admin().await;
    let sku = fresh_key().to_uppercase();
    let product = admin.product(&sku, 5).await;
    let path = format!("/api/admin/products/{product}?dryRun=true");
    let mut other = open().conn();
    let lock = format!("BEGIN; SELECT FROM catalog.products WHERE id = {product} FOR UPDATE");
    other.batch_execute(&lock).expect("locked");

    let brand = json!({"brand": "Acme"});
    let busy = admin.patch(&path, &brand).send().await;
    busy.refused(503, "busy");

    other.batch_execute("ROLLBACK").expect("let go");
    let tried = admin.patch(&path, &brand).send().await;
    assert_eq!(tried.expect(200)["brand"], "Acme");
}

#[tokio::test]
async fn the_key_of_a_dry_write_is_not_looked_at_and_stays_unused() {
    let admin = open().admin().await;
    let (key, sku) = (fresh_key(), fresh_key().to_uppercase());
    let product = admin.product(&sku, 5).await;
    let variant = number(
        &mut open().conn(),
        &format!("(SELECT id FROM catalog.variants WHERE product_id = {product})"),
    );
    let path = format!("/api/admin/products/{product}/variants/{variant}/stock/adjustments");
    let found = json!({"onHandDelta": 2, "reason": "found"});
    let send = async |path: &str, body: &Value| admin.post(path, body).key(&key).send().await;
    let dry = format!("{path}?dryRun=true");
    let kept = || {
        count(
            &mut open().conn(),
            &format!("platform.idempotency_keys WHERE key = '{key}'"),
        )
    };

    assert_eq!(send(&dry, &found).await.expect(200)["onHand"], 7);
    assert_eq!(kept(), 0);
    assert_eq!(send(&path, &found).await.expect(200)["onHand"], 7);
    assert_eq!(kept(), 1);

    // Of the wet one there is an answer to be had again; this asks what another one would do.
    let again = send(&dry, &found).await;
    assert_eq!(again.header("idempotent-replayed"), None);
    assert_eq!(again.expect(200)["onHand"], 9);
    let other = json!({"onHandDelta": -1, "reason": "damaged"});
    assert_eq!(send(&dry, &other).await.expect(200)["onHand"], 6);
    assert_eq!(send(&path, &found).await.expect(200)["onHand"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_write_drops_nothing_from_the_cache() {
    let cluster = Cluster::start("open", 1);
    let (admin, shop) = (cluster.admin().await, cluster.shop());
    let mut conn = cluster.conn();
    wait_until("what filled the shop is told", || {
        let standings = consumers::list(&mut conn).expect("standings");
        standings.iter().all(|standing| standing.waiting == 0)
    });
    let read = async || {
        for path in ["/api/products", "/api/products/1", "/api/categories"] {
            shop.get(path).send().await.expect(200);
        }
        reads_from_postgres(&cluster).await
    };
    let before = read().await;
    assert!(before >= 3);

    let writes = [
        ("PATCH", "/api/products/1", json!({"price": "3.00"})),
        ("POST", "/api/admin/categories", json!({"name": "Hats"})),
        (
            "POST",
            "/api/admin/prices",
            json!({"prices": [{"sku": "NOBODY-HAS-IT", "price": "3.00"}], "onError": "skip"}),
        ),
    ];
    for dry_run in [true, false] {
        for (method, path, body) in &writes {
            let path = format!("{path}?dryRun={dry_run}");
            let answer = admin.request(method, &path).json(body).send().await;
            assert!(answer.status < 300, "{path}");
            assert_eq!(read().await == before, dry_run, "{method} {path}");
        }
    }
}

/// How many answers the replica has read from Postgres.
async fn reads_from_postgres(cluster: &Cluster) -> u64 {
    let metrics = reqwest::get(cluster.metrics_url(0)).await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let name = "cache_reads_total{tier=\"postgres\"}";
    let line = metrics.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.expect("a number")
}
