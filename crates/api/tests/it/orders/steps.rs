//! Orders move on, or are cancelled.

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::{Cluster, Shop, alone, number, open, order_of, wait_until};

/// A card order of `quantity` of a product of its own, and the product.
async fn placed(admin: &Shop, shop: &Shop, sku: &str, quantity: i64) -> (String, i64) {
    let product = admin.product(sku, 10).await;
    let user = shop.register().await;
    let ids = vec![product; usize::try_from(quantity).expect("small")];
    let order = shop
        .post("/api/orders", &order_of(user, &ids))
        .send()
        .await
        .expect(201);
    (format!("/api/orders/{}", order["orderId"]), product)
}

async fn stock(admin: &Shop, product: i64) -> (Value, Value) {
    let stock = admin
        .get(&format!("/api/products/{product}/stock"))
        .send()
        .await
        .expect(200);
    (stock["onHand"].clone(), stock["reserved"].clone())
}

#[tokio::test]
async fn an_order_goes_all_the_way_by_state_or_by_label() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (order, product) = placed(&admin, &shop, "ALL-THE-WAY", 2).await;
    assert_eq!(stock(&admin, product).await, (json!(10), json!(2)));

    let steps = [
        ("processed", "processed", "captured", (10, 2)),
        ("In Transit", "inTransit", "captured", (8, 0)),
        ("Out for Delivery", "outForDelivery", "captured", (8, 0)),
        ("Delivered", "delivered", "captured", (8, 0)),
    ];
    for (sent, status, payment, (on_hand, reserved)) in steps {
        for _ in 0..2 {
            // The second time it has that status already: 200, and nothing happens.
            let answer = shop
                .put(&order, &json!({"status": sent}))
                .send()
                .await
                .expect(200);
            assert_eq!(answer["status"], status);
            assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
        }
        let read = shop.get(&order).send().await.expect(200);
        assert_eq!(
            (&read["status"], &read["paymentStatus"]),
            (&json!(status), &json!(payment))
        );
        assert_eq!(
            stock(&admin, product).await,
            (json!(on_hand), json!(reserved))
        );
    }
    let read = shop.get(&order).send().await.expect(200);
    let timeline = read["timeline"].as_array().expect("a timeline");
    let versions: Vec<_> = timeline
        .iter()
        .map(|entry| entry["version"].as_i64())
        .collect();
    let gapless: Vec<_> = (1..=7).map(Some).collect();
    assert_eq!(versions, gapless, "{timeline:?}");
}

#[tokio::test]
async fn a_forbidden_step_lists_the_allowed_ones() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (order, _) = placed(&admin, &shop, "FORBIDDEN-STEP", 1).await;
    let refused = shop
        .put(&order, &json!({"status": "delivered"}))
        .send()
        .await;
    let refused = refused.refused(409, "invalid_transition");
    assert_eq!(refused["allowed"], json!(["processed", "cancelled"]));

    for status in ["processed", "inTransit"] {
        shop.put(&order, &json!({"status": status}))
            .send()
            .await
            .expect(200);
    }
    let refused = shop
        .delete(&order)
        .send()
        .await
        .refused(409, "invalid_transition");
    assert_eq!(refused["allowed"], json!(["outForDelivery"]));
    let back = shop.put(&order, &json!({"status": "ordered"})).send().await;
    back.refused(409, "invalid_transition");
}

#[tokio::test]
async fn cancelling_returns_the_stock_and_the_money_once() {
    let (shop, admin) = (open().shop(), open().admin().await);
    for (sku, first, money) in [
        ("CANCEL-VOID", None, "voided"),
        ("CANCEL-REFUND", Some("processed"), "refunded"),
    ] {
        let (order, product) = placed(&admin, &shop, sku, 3).await;
        if let Some(status) = first {
            shop.put(&order, &json!({"status": status}))
                .send()
                .await
                .expect(200);
        }
        for _ in 0..2 {
            let cancelled = shop.delete(&order).send().await.expect(200);
            assert_eq!(cancelled["success"], true);
            assert_eq!(cancelled["status"], "cancelled");
            assert_eq!(cancelled["paymentStatus"], money);
            assert_eq!(stock(&admin, product).await, (json!(10), json!(0)));
        }
        let read = shop.get(&order).send().await.expect(200);
        assert_eq!(read["status"], "cancelled");
        assert!(read["cancelledAt"].is_string());
        let again = shop
            .put(&order, &json!({"status": "Cancelled"}))
            .send()
            .await;
        assert_eq!(again.expect(200)["status"], "cancelled");
        let revived = shop
            .put(&order, &json!({"status": "processed"}))
            .send()
            .await;
        assert_eq!(
            revived.refused(409, "invalid_transition")["allowed"],
            json!([])
        );
    }
}

#[tokio::test]
async fn an_order_that_no_provider_handles_moves_without_one() {
    let shop = open().shop();
    let user = shop.register().await;
    let mut body = order_of(user, &[1]);
    body["payment"] = "cod".into();
    let order = shop.post("/api/orders", &body).send().await.expect(201);
    let path = format!("/api/orders/{}", order["orderId"]);
    shop.put(&path, &json!({"status": "Processed"}))
        .send()
        .await
        .expect(200);
    let cancelled = shop.delete(&path).send().await.expect(200);
    assert_eq!(cancelled["paymentStatus"], "notRequired");
}

/// Where a new customer's new order is found.
async fn a_new_order(shop: &Shop) -> String {
    let user = shop.register().await;
    let order = shop.post("/api/orders", &order_of(user, &[1])).send().await;
    format!("/api/orders/{}", order.expect(201)["orderId"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_with_the_timeline_of_the_same_moment() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 1);
    let shop = cluster.shop();
    let order = a_new_order(&shop).await;
    let mut conn = cluster.conn();

    // The reader has the order, and waits for the timeline, when the next step is committed.
    conn.batch_execute("BEGIN; LOCK TABLE ordering.order_timeline IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let reading = tokio::spawn(shop.get(&order).send());
    tokio::task::block_in_place(|| {
        wait_until("the reader waits", || {
            number(
                &mut conn,
                "(SELECT count(*) FROM pg_locks WHERE NOT granted)",
            ) == 1
        });
    });
    conn.batch_execute(
        "UPDATE ordering.orders SET status = 'processed', version = version + 1; \
         INSERT INTO ordering.order_timeline (order_id, version, kind, from_status, to_status) \
         SELECT id, version, 'status', 'ordered', 'processed' FROM ordering.orders; COMMIT",
    )
    .expect("a step");

    let read = reading.await.expect("a request").expect(200);
    assert_eq!(read["status"], "ordered");
    let timeline = read["timeline"].as_array().expect("a timeline");
    assert_eq!(json!(timeline.len()), read["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_customer_cannot_be_read_is_not_said_to_be_missing() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 1);
    let shop = cluster.shop();
    let order = a_new_order(&shop).await;
    let mut conn = cluster.conn();

    conn.batch_execute("BEGIN; LOCK TABLE accounts.users IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    shop.get(&order).send().await.expect(503);
    conn.batch_execute("COMMIT").expect("no lock");
    shop.get(&order).send().await.expect(200);
}
