//! Parts die, freeze and come back under load, and nobody notices.

mod postgres;
mod standstill;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use crate::support::load::{Load, Outcome};
use crate::support::{
    Cluster, Shop, alone, assert_healthy, count, eventually, fresh_key, order_of,
};

/// A cluster with a user and an order for the load to read.
async fn cluster_under_load(per_second: u32) -> (Cluster, Shop, i64, Load) {
    let cluster = Cluster::start("open", 2);
    let shop = cluster.shop();
    let user = shop.register().await;
    shop.post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let load = Load::start(&shop, user, per_second);
    (cluster, shop, user, load)
}

/// Lets the load run for a moment; there is no condition to wait for, the time is the point.
async fn for_a_while(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// No request failed, every acknowledged order is there, and no key bought twice.
fn assert_nothing_noticed(cluster: &Cluster, outcome: &Outcome) {
    assert_eq!(outcome.failures, [""; 0]);
    assert!(
        outcome.orders.len() > 20 && outcome.reads > 60,
        "{outcome:?}"
    );
    let ids: HashSet<i64> = outcome.orders.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids.len(), outcome.orders.len());
    let mut conn = cluster.conn();
    let stored = usize::try_from(count(&mut conn, "ordering.orders")).expect("a count");
    assert_eq!(
        stored,
        ids.len() + 1,
        "one order per key, and the one before the load"
    );
    for (key, id) in &outcome.orders {
        let of_key = format!("ordering.orders WHERE request_key = '{key}' AND id = {id}");
        assert_eq!(count(&mut conn, &of_key), 1, "{key}");
    }
    assert_healthy(&mut conn);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_killed_cost_no_request() {
    let _alone = alone().await;
    let (cluster, _, _, load) = cluster_under_load(100).await;
    for round in 0..3 {
        for_a_while(800).await;
        let victim = round % 2;
        tokio::task::block_in_place(|| {
            cluster.signal(victim, "KILL");
            cluster.restart(victim);
        });
    }
    for_a_while(500).await;
    assert_nothing_noticed(&cluster, &load.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_asked_to_stop_finishes_what_it_has_and_exits_with_0() {
    let _alone = alone().await;
    let (cluster, _, _, load) = cluster_under_load(100).await;
    for_a_while(500).await;
    for replica in [0, 1] {
        let code = tokio::task::block_in_place(|| cluster.stop(replica));
        assert_eq!(code, 0);
        tokio::task::block_in_place(|| cluster.restart(replica));
        for_a_while(300).await;
    }
    assert_nothing_noticed(&cluster, &load.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_freezes_costs_time_and_no_request() {
    let _alone = alone().await;
    let (cluster, _, _, load) = cluster_under_load(60).await;
    for_a_while(500).await;
    cluster.signal(0, "STOP");
    for_a_while(3_000).await;
    cluster.signal(0, "CONT");
    for_a_while(1_000).await;
    assert_nothing_noticed(&cluster, &load.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_a_frozen_replica_is_left_to_those_who_answer_for_it() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let user = cluster.shop().register().await;
    let (key, body) = (fresh_key(), order_of(user, &[1]));
    let frozen = cluster.replica(0);
    frozen.get("/readyz").send().await.expect(200);

    cluster.signal(0, "STOP");
    let waiting = tokio::spawn(frozen.post("/api/orders", &body).key(&key).send());
    for_a_while(1_500).await;
    cluster.signal(0, "CONT");

    let answer = waiting.await.expect("an answer");
    answer.refused(502, "stood_still");
    assert_eq!(count(&mut cluster.conn(), "ordering.orders"), 0);
    let placed = cluster.shop().post("/api/orders", &body).key(&key);
    placed.send().await.expect(201);
    eventually(
        "it takes orders again",
        Duration::from_secs(2),
        async || {
            let order = frozen.post("/api/orders", &body).key(&fresh_key());
            order.send().await.status == 201
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_everything_works_and_with_it_again_caches() {
    let _alone = alone().await;
    let (cluster, shop, user, load) = cluster_under_load(60).await;
    let admin = cluster.admin().await;
    for_a_while(700).await;
    cluster.kill_redis();
    let change = json!({"price": "1000.01"});
    admin
        .patch("/api/products/1", &change)
        .send()
        .await
        .expect(200);
    let order = shop
        .post("/api/orders", &order_of(user, &[1]))
        .key(&fresh_key());
    let order = order.send().await.expect(201);
    assert_eq!(order["totals"]["total"]["amount"], 100_001);
    let is_down = async || shop.get("/readyz").send().await.json()["redis"] == "down";
    eventually("Redis is missed", Duration::from_secs(3), is_down).await;
    for_a_while(700).await;
    tokio::task::block_in_place(|| cluster.start_redis());
    let is_up = async || shop.get("/readyz").send().await.json()["redis"] == "up";
    eventually("Redis is back", Duration::from_secs(5), is_up).await;
    for replica in [0, 1] {
        let product = cluster.replica(replica).get("/api/products/1").send().await;
        assert_eq!(product.expect(200)["price"], "1000.01");
    }
    let cached = async || {
        let page = shop
            .get(&format!("/api/products?q={}", fresh_key()))
            .send()
            .await;
        page.expect(200);
        crate::cache::keys(&cluster)
            .await
            .iter()
            .any(|key| key.contains("products:"))
    };
    eventually("it caches again", Duration::from_secs(5), cached).await;

    let outcome = load.stop().await;
    assert_eq!(outcome.failures, [""; 0]);
    let stored = count(&mut cluster.conn(), "ordering.orders");
    let own = 2; // the one before the load, and the one while Redis was away
    assert_eq!(usize::try_from(stored), Ok(outcome.orders.len() + own));
}
