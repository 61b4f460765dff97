//! Cached answers: fast, and never older than a second.

use deadpool_redis::redis;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Cluster, Shop, alone, eventually, order_of};

/// A change is visible on every replica within this time.
const PROMISE: Duration = Duration::from_secs(1);

async fn redis(cluster: &Cluster) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(cluster.redis_url()).expect("an address");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("Redis answers")
}

/// What is stored in the Redis of a cluster.
pub async fn keys(cluster: &Cluster) -> Vec<String> {
    let mut redis = redis(cluster).await;
    let keys = redis::cmd("KEYS").arg("*").query_async(&mut redis).await;
    keys.expect("keys")
}

async fn price(shop: &Shop, id: i64) -> Value {
    shop.get(&format!("/api/products/{id}"))
        .send()
        .await
        .expect(200)["price"]
        .clone()
}

async fn listed_price(shop: &Shop, id: i64) -> Value {
    let page = shop.get("/api/products?limit=100").send().await.expect(200);
    let products = page["products"].as_array().expect("products").clone();
    let product = products.iter().find(|product| product["id"] == id);
    product.expect("it is listed")["price"].clone()
}

/// Changes prices through the first replica, which shows each at once; the second within a second.
async fn assert_changes_are_seen(cluster: &Cluster, prices: &[&str]) {
    let (first, second) = (cluster.replica(0), cluster.replica(1));
    let admin = first.with_token(
        &cluster
            .token("admin@example.com", "not the public one")
            .await,
    );
    for expected in prices {
        for shop in [&first, &second] {
            price(shop, 1).await; // cached on both
            listed_price(shop, 1).await;
        }
        let change = json!({"price": expected});
        admin
            .patch("/api/products/1", &change)
            .send()
            .await
            .expect(200);
        assert_eq!(price(&first, 1).await, *expected);
        assert_eq!(listed_price(&first, 1).await, *expected);
        let is_seen = async || {
            price(&second, 1).await == *expected && listed_price(&second, 1).await == *expected
        };
        eventually("the other replica shows the price", PROMISE, is_seen).await;
    }
}

#[tokio::test]
async fn a_price_is_seen_at_once_here_and_within_a_second_there() {
    let cluster = Cluster::start("open", 2);
    assert_changes_are_seen(&cluster, &["10.01", "10.02", "10.03", "10.04"]).await;
    cluster.kill_redis();
    assert_changes_are_seen(&cluster, &["11.01", "11.02", "11.03", "11.04"]).await;
    cluster.start_redis();
    assert_changes_are_seen(&cluster, &["12.01", "12.02", "12.03", "12.04"]).await;
}

/// A frozen Redis keeps what it holds, and hears of no change once nobody asks it any more.
#[tokio::test]
async fn a_change_that_redis_missed_is_not_undone_when_it_is_back() {
    let cluster = Cluster::start("open", 2);
    for round in ["20.01", "20.02"] {
        for replica in 0..2 {
            price(&cluster.replica(replica), 1).await;
        }
        cluster.signal_redis("STOP");
        for page in 1..=8 {
            for replica in 0..2 {
                // Never cached, so it asks Redis in vain until the circuit is open.
                let path = format!("/api/products?q={round}&page={page}");
                let reading = cluster.replica(replica);
                reading.get(&path).send().await.expect(200);
            }
        }
        let admin = cluster.replica(0).with_token(
            &cluster
                .token("admin@example.com", "not the public one")
                .await,
        );
        let change = json!({"price": round});
        let path = "/api/products/1";
        admin.patch(path, &change).send().await.expect(200);
        cluster.signal_redis("CONT");
        for replica in 0..2 {
            let reading = cluster.replica(replica);
            let is_up = async || {
                let ready = reading.get("/readyz").send().await;
                ready.expect(200)["redis"] == "up"
            };
            eventually("Redis is asked again", Duration::from_secs(10), is_up).await;
            // Not read since the change, so nothing nearer than Redis has it.
            assert_eq!(price(&reading, 1).await, round);
        }
    }
}

#[tokio::test]
async fn without_redis_postgres_alone_tells_the_other_replica() {
    let cluster = Cluster::without_redis("open", 2);
    assert_changes_are_seen(&cluster, &["10.01", "10.02", "10.03", "10.04"]).await;
}

#[tokio::test]
async fn an_import_is_seen_by_all_replicas_within_a_second() {
    let cluster = Cluster::start("open", 2);
    let shops = [cluster.replica(0), cluster.replica(1)];
    for shop in &shops {
        price(shop, 1).await;
        listed_price(shop, 1).await;
    }
    let file =
        "sku,name,price,currency\nMACBOOK-AIR,MacBook Air,888.88,USD\nIMPORTED-TEE,Tee,12.00,USD\n";
    let imported = cluster.run(&["import", "products", "-"], file);
    assert!(imported.status.success(), "{imported:?}");
    for shop in &shops {
        let is_seen = async || {
            let page = shop
                .get("/api/products?q=imported-tee")
                .send()
                .await
                .expect(200);
            let listed = page["products"]
                .as_array()
                .is_some_and(|products| products.len() == 1);
            listed && price(shop, 1).await == "888.88" && listed_price(shop, 1).await == "888.88"
        };
        eventually("the import is seen", PROMISE, is_seen).await;
    }
}

#[tokio::test]
async fn what_is_wrong_in_redis_never_reaches_an_order() {
    let cluster = Cluster::start("open", 2);
    let shop = cluster.shop();
    let user = shop.register().await;
    for id in 1..=3 {
        price(&shop, id).await;
    }
    shop.get("/api/products").send().await.expect(200);
    let mut redis = redis(&cluster).await;
    for key in keys(&cluster).await {
        let stored: Vec<u8> = redis::cmd("GET")
            .arg(&key)
            .query_async(&mut redis)
            .await
            .expect("bytes");
        // Behind valid tokens, the worst case: another price in an answer that looks right.
        let text =
            String::from_utf8_lossy(&stored[stored.len().min(32)..]).replace("999.99", "000.01");
        let mut wrong = stored[..stored.len().min(32)].to_vec();
        wrong.extend(text.into_bytes());
        redis::cmd("SET")
            .arg(&key)
            .arg(wrong)
            .query_async::<()>(&mut redis)
            .await
            .expect("stored");
    }
    let order = shop
        .post("/api/orders", &order_of(user, &[1, 2]))
        .send()
        .await
        .expect(201);
    assert_eq!(order["totals"]["total"]["amount"], 119_998);

    for key in keys(&cluster).await {
        redis::cmd("SET")
            .arg(&key)
            .arg("garbage")
            .query_async::<()>(&mut redis)
            .await
            .expect("stored");
    }
    cluster.restart(0);
    for shop in [cluster.replica(0), cluster.replica(1)] {
        assert_eq!(price(&shop, 1).await, "999.99");
        let order = shop
            .post("/api/orders", &order_of(user, &[1]))
            .send()
            .await
            .expect(201);
        assert_eq!(order["totals"]["total"]["amount"], 99_999);
    }
}

/// The first answer comes by way of a route, those after it from what the worker remembers.
#[tokio::test]
async fn a_repeated_read_is_answered_as_the_first_and_never_with_what_was_true_before() {
    let cluster = Cluster::with_settings("open", 1, &[("HTTP__WORKERS", "1")]);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    for path in ["/api/products/1", "/api/products?limit=2"] {
        let read = async || {
            let request = shop.get(path).header("x-request-id", REQUEST_ID);
            let answer = request.send().await;
            let headers = ["content-type", "etag", "cache-control", "x-request-id"];
            let told = headers.map(|name| answer.header(name).map(str::to_owned));
            assert!(told.iter().all(Option::is_some), "{told:?}");
            (told, answer.expect(200))
        };
        let (first, again) = (read().await, read().await);
        assert_eq!(first, again);

        let etag = again.0[1].clone().expect("an ETag");
        for (known, status) in [(etag.as_str(), 304), ("*", 304), ("\"another\"", 200)] {
            let conditional = shop.get(path).header("if-none-match", known).send().await;
            assert_eq!(conditional.status, status, "{known}");
            assert_eq!(conditional.header("etag"), Some(etag.as_str()));
        }

        let renamed = json!({"name": format!("Renamed after {path}")});
        let change = admin.patch("/api/products/1", &renamed);
        change.send().await.expect(200);
        let changed = read().await;
        assert_ne!(changed.0[1], again.0[1]);
        assert!(changed.1.to_string().contains("Renamed after"));
        assert_eq!(read().await, changed);
    }
    // Other words, another answer; and errors are nothing to remember.
    shop.get("/api/products?limit=2&page=0")
        .send()
        .await
        .expect(400);
    shop.get("/api/products/1/nothing").send().await.expect(404);
    shop.post("/api/products/1", &json!({}))
        .send()
        .await
        .expect(405);
}

const REQUEST_ID: &str = "a-request-of-this-test";

#[tokio::test]
async fn a_cache_that_may_hold_nothing_gives_nothing_again() {
    let cluster = Cluster::with_settings("open", 1, &[("CACHE__MAX_BYTES", "0")]);
    for _ in 0..5 {
        assert_eq!(price(&cluster.shop(), 1).await, "999.99");
    }
    let again = counted(&cluster, 0, "cache_reads_total{tier=\"local\"}").await;
    assert_eq!(again, 0);
}

/// A counter of a replica; 0 before it has counted anything.
pub async fn counted(cluster: &Cluster, replica: usize, name: &str) -> u64 {
    let metrics = reqwest::get(cluster.metrics_url(replica))
        .await
        .expect("an answer");
    let text = metrics.text().await.expect("text");
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// How often a replica has read an answer from Postgres, and how often it was told to forget.
async fn reads_and_invalidations(cluster: &Cluster, replica: usize) -> (u64, u64) {
    (
        counted(cluster, replica, "cache_reads_total{tier=\"postgres\"}").await,
        counted(cluster, replica, "cache_invalidations_total").await,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_redis_costs_one_read_per_key_and_replica() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let admin = cluster.admin().await;
    let mut redis = redis(&cluster).await;
    for round in 1..=3 {
        // The change empties what the replicas hold themselves, the flush what Redis holds.
        let change = json!({"price": format!("20.0{round}")});
        admin
            .patch("/api/products/1", &change)
            .send()
            .await
            .expect(200);
        for replica in [0, 1] {
            let shop = cluster.replica(replica);
            let is_seen = async || price(&shop, 1).await == change["price"];
            eventually("the change is seen", PROMISE, is_seen).await;
        }
        let before = [
            reads_and_invalidations(&cluster, 0).await,
            reads_and_invalidations(&cluster, 1).await,
        ];
        redis::cmd("FLUSHALL")
            .query_async::<()>(&mut redis)
            .await
            .expect("flushed");
        let shops = [cluster.replica(0), cluster.replica(1)];
        let path = format!("/api/products?q=macbook&limit={round}");
        let requests = (0..200).map(|n| shops[n % 2].get(&path).send());
        let answers = crate::support::load::all(requests.collect::<Vec<_>>()).await;
        assert_eq!(crate::support::load::with_status(&answers, 200), 200);
        for replica in [0, 1] {
            let (reads, told) = reads_and_invalidations(&cluster, replica).await;
            let reads = reads - before[replica].0;
            // The change is told on several paths, and the last may come only now.
            let allowed = 1 + told - before[replica].1;
            assert!(
                reads <= allowed,
                "{reads} reads of one key by replica {replica}, {allowed} were due"
            );
        }
    }
}
