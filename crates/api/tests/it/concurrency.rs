//! Many at once, through two replicas.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::load::{all, with_status};
use crate::support::{Cluster, alone, assert_healthy, number, open, order_of, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_units_go_to_fifty_of_two_hundred_buyers() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let scarce = admin.product("FIFTY", 50).await;
    let plenty = admin.product("PLENTY", 10_000).await;
    let buyers = "INSERT INTO accounts.users (name, email, email_normalised, role, is_open) \
                  SELECT 'b', n || '@b.example', n || '@b.example', 'customer', true FROM generate_series(1, 200) n";
    let mut conn = cluster.conn();
    conn.batch_execute(buyers).expect("buyers");
    let first = number(
        &mut conn,
        "(SELECT min(id) FROM accounts.users WHERE name = 'b')",
    );

    // Two lines in both orders: whoever locks them as they come would meet the other half-way.
    let requests = (first..first + 200).map(|user| {
        let ids = if user % 2 == 0 {
            [scarce, plenty]
        } else {
            [plenty, scarce]
        };
        shop.post("/api/orders", &order_of(user, &ids)).send()
    });
    let answers = all(requests.collect::<Vec<_>>()).await;

    assert_eq!(with_status(&answers, 201), 50);
    assert_eq!(with_status(&answers, 409), 150);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.json()["code"], "out_of_stock");
    }
    let buyers: HashSet<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["userId"].to_string())
        .collect();
    assert_eq!(buyers.len(), 50);
    let stock = admin
        .get(&format!("/api/products/{scarce}/stock"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&stock["reserved"], &stock["available"]),
        (&json!(50), &json!(0))
    );
    let stock = admin
        .get(&format!("/api/products/{plenty}/stock"))
        .send()
        .await
        .expect(200);
    assert_eq!(stock["reserved"], 50);
    assert_healthy(&mut conn);
    let deadlocks = "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())";
    assert_eq!(number(&mut conn, deadlocks), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_registrations_of_one_address_are_one_user() {
    let shop = open().shop();
    let person = somebody();
    let requests = (0..16).map(|_| shop.post("/api/users", &person).send());
    let answers = all(requests.collect::<Vec<_>>()).await;
    // Hashing is bounded, so some may be asked to come back.
    let (busy, users): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| [429, 503].contains(&answer.status));
    assert!(
        busy.iter()
            .all(|answer| answer.header("retry-after").is_some())
    );
    assert_eq!(with_status(&answers, 201), 1);
    let ids: HashSet<String> = users
        .iter()
        .map(|answer| answer.json()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(with_status(&answers, 200) + 1 + busy.len(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn processing_and_cancelling_at_once_keeps_money_and_stock_together() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product("BOTH-AT-ONCE", 100).await;
    let user = shop.register().await;
    for _ in 0..8 {
        let order = shop
            .post("/api/orders", &order_of(user, &[product]))
            .send()
            .await
            .expect(201);
        let path = format!("/api/orders/{}", order["orderId"]);
        let process = open()
            .replica(0)
            .put(&path, &json!({"status": "processed"}));
        let cancel = open().replica(1).delete(&path);
        let answers = all([tokio::spawn(process.send()), tokio::spawn(cancel.send())]
            .map(|task| async { task.await.expect("a request") }))
        .await;
        for answer in &answers {
            assert!([200, 409].contains(&answer.status), "{answer:?}");
        }
        let read = shop.get(&path).send().await.expect(200);
        let pair = (read["status"].as_str(), read["paymentStatus"].as_str());
        let consistent = [
            (Some("processed"), Some("captured")),
            (Some("cancelled"), Some("voided")),
            (Some("cancelled"), Some("refunded")),
        ];
        assert!(consistent.contains(&pair), "{pair:?}");
        let reserved = i64::from(pair.0 == Some("processed"));
        let stock = admin
            .get(&format!("/api/products/{product}/stock"))
            .send()
            .await
            .expect(200);
        assert_eq!(stock["reserved"], reserved, "{pair:?}");
        shop.delete(&path).send().await.expect(200);
    }
    let stock = admin
        .get(&format!("/api/products/{product}/stock"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&stock["onHand"], &stock["reserved"]),
        (&json!(100), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_cancellations_return_the_stock_once() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product("TWENTY", 10).await;
    let user = shop.register().await;
    let keep = shop
        .post("/api/orders", &order_of(user, &[product]))
        .send()
        .await;
    keep.expect(201);
    let order = shop
        .post("/api/orders", &order_of(user, &[product, product]))
        .send()
        .await
        .expect(201);
    let path = format!("/api/orders/{}", order["orderId"]);

    let shops = [open().replica(0), open().replica(1)];
    let answers = all((0..20)
        .map(|n| shops[n % 2].delete(&path).send())
        .collect::<Vec<_>>())
    .await;

    assert_eq!(with_status(&answers, 200), 20, "{answers:?}");
    let paid_back: HashSet<Value> = answers
        .iter()
        .map(|answer| answer.json()["paymentStatus"].clone())
        .collect();
    let stock = admin
        .get(&format!("/api/products/{product}/stock"))
        .send()
        .await
        .expect(200);
    assert_eq!(stock["reserved"], 1);
    let mut conn = open().conn();
    let returns = format!(
        "(SELECT count(*) FROM catalog.stock_movements WHERE reason = 'order_cancelled' AND order_id = {})",
        order["orderId"]
    );
    assert_eq!(number(&mut conn, &returns), 1);
    assert_eq!(paid_back, HashSet::from([json!("voided")]));
}
