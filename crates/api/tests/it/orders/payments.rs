//! What the test provider is scripted to do.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::{Shop, eventually, fresh_key, number, open, order_of};

async fn reserved(admin: &Shop, product: i64) -> Value {
    let path = format!("/api/products/{product}/stock");
    admin.get(&path).send().await.expect(200)["reserved"].clone()
}

#[tokio::test]
async fn a_declined_order_is_kept_as_cancelled_and_its_stock_is_back() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let user = shop.register().await;
    let by_amount = admin.product_for("DECLINED", "666.01", 5).await;
    for (product, token) in [
        (by_amount, None),
        (1, Some("tok_declined")),
        (1, Some("tok_from_elsewhere")),
    ] {
        let mut body = order_of(user, &[product]);
        if let Some(token) = token {
            body["paymentToken"] = token.into();
        }
        let problem = shop.post("/api/orders", &body).send().await;
        let problem = problem.refused(402, "payment_declined");
        let path = format!("/api/orders/{}", problem["orderId"]);
        let order = shop.get(&path).send().await.expect(200);
        assert_eq!(order["status"], "cancelled");
        assert_eq!(order["paymentStatus"], "failed");
        let again = shop.delete(&path).send().await.expect(200);
        assert_eq!(again["paymentStatus"], "failed");
    }
    assert_eq!(reserved(&admin, by_amount).await, 0);
}

#[tokio::test]
async fn a_decline_is_told_again_to_whoever_repeats_it() {
    let shop = open().shop();
    let mut body = order_of(shop.register().await, &[1]);
    body["paymentToken"] = "tok_declined".into();
    let key = fresh_key();
    let first = shop.post("/api/orders", &body).key(&key).send().await;
    let second = shop.post("/api/orders", &body).key(&key).send().await;
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.body, second.body);
    first.refused(402, "payment_declined");
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_by_the_same_key() {
    let shop = open().shop();
    let mut body = order_of(shop.register().await, &[1]);
    body["paymentToken"] = "tok_error".into();
    let key = fresh_key();
    for _ in 0..2 {
        let away = shop.post("/api/orders", &body).key(&key).send().await;
        assert!(away.header("retry-after").is_some());
        away.refused(503, "payment_unavailable");
    }
    let user = &body["userId"];
    let page = shop
        .get(&format!("/api/orders?userId={user}"))
        .send()
        .await
        .expect(200);
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(1));
    let order = &page["orders"][0];
    assert_eq!(order["paymentStatus"], "pending");
    let path = format!("/api/orders/{}", order["orderId"]);
    let processed = json!({"status": "processed"});
    let busy = shop.put(&path, &processed).send().await;
    busy.refused(409, "payment_in_progress");

    let back = format!(
        "UPDATE ordering.payments SET token = 'tok_ok' WHERE order_id = {}",
        order["orderId"]
    );
    open()
        .conn()
        .batch_execute(&back)
        .expect("the provider is back");

    let placed = shop
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await
        .expect(201);
    assert_eq!(placed["orderId"], order["orderId"]);
    assert_eq!(placed["paymentStatus"], "authorised");
    let again = shop.post("/api/orders", &body).key(&key).send().await;
    assert_eq!(again.expect(201), placed);
}

#[tokio::test]
async fn an_order_can_be_cancelled_while_its_payment_is_unknown_and_the_money_goes_back() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product("UNKNOWN-PAYMENT", 5).await;
    let user = shop.register().await;
    let mut body = order_of(user, &[product]);
    body["paymentToken"] = "tok_error".into();
    let key = fresh_key();
    let placing = shop.post("/api/orders", &body).key(&key);
    placing.send().await.refused(503, "payment_unavailable");
    let mut conn = open().conn();
    let order = number(
        &mut conn,
        &format!("(SELECT id FROM ordering.orders WHERE user_id = {user})"),
    );
    let path = format!("/api/orders/{order}");
    assert_eq!(reserved(&admin, product).await, 1);

    let cancelled = shop.delete(&path).send().await.expect(200);
    assert_eq!(cancelled["paymentStatus"], "pending");
    assert_eq!(reserved(&admin, product).await, 0);
    // The provider is still away, which is nothing to whoever cancels.
    let again = shop.delete(&path).key(&fresh_key()).send().await;
    assert_eq!(again.expect(200), cancelled);

    // The provider is back and takes the money after all.
    let back = format!("UPDATE ordering.payments SET token = NULL WHERE order_id = {order}");
    conn.batch_execute(&back).expect("the provider is back");
    let placed = shop.post("/api/orders", &body).key(&key).send().await;
    assert_eq!(placed.expect(201)["status"], "cancelled");
    let cancelled = shop.delete(&path).send().await.expect(200);
    assert_eq!(cancelled["paymentStatus"], "voided");
    assert_eq!(reserved(&admin, product).await, 0);
}

#[tokio::test]
async fn a_late_repeat_of_a_step_is_answered_by_what_it_came_to() {
    let shop = open().shop();
    let body = order_of(shop.register().await, &[1]);
    let order = shop.post("/api/orders", &body).send().await.expect(201)["orderId"].clone();
    let (path, key) = (format!("/api/orders/{order}"), fresh_key());
    let processed = json!({"status": "processed"});
    let first = shop.put(&path, &processed).key(&key).send().await;
    first.clone().expect(200);

    // As if the replica had died after the capture, before the answer was stored.
    let forgotten = format!(
        "UPDATE platform.idempotency_keys SET status = NULL, body = NULL, resource_id = \
           (SELECT max(x.id) FROM ordering.payment_operations x \
              JOIN ordering.payments p ON p.id = x.payment_id WHERE p.order_id = {order}) \
          WHERE key = '{key}'"
    );
    open().conn().batch_execute(&forgotten).expect("forgotten");
    let shipped = json!({"status": "inTransit"});
    shop.put(&path, &shipped).send().await.expect(200);

    let late = shop.put(&path, &processed).key(&key).send().await;
    assert_eq!(late.body, first.body);
    late.expect(200);
}

#[tokio::test]
async fn an_order_nobody_comes_back_for_is_settled_by_a_job() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product_for("UNREACHABLE", "666.02", 5).await;
    let user = shop.register().await;
    let away = shop
        .post("/api/orders", &order_of(user, &[product]))
        .send()
        .await;
    away.refused(503, "payment_unavailable");
    let mut conn = open().conn();
    let order = number(
        &mut conn,
        &format!("(SELECT id FROM ordering.orders WHERE user_id = {user})"),
    );
    let path = format!("/api/orders/{order}");
    assert_eq!(reserved(&admin, product).await, 1);

    // Long ago, and the provider is back, as it says no.
    let back = format!(
        "UPDATE ordering.payments SET amount_minor = 66601 WHERE order_id = {order};
         UPDATE ordering.payment_operations SET attempted_at = now() - interval '1 minute'
           WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = {order})"
    );
    conn.batch_execute(&back).expect("the provider is back");

    let is_settled = || async {
        let order = shop.get(&path).send().await.expect(200);
        order["paymentStatus"] == json!("failed") && order["status"] == json!("cancelled")
    };
    eventually("a job settles it", Duration::from_secs(12), is_settled).await;
    assert_eq!(reserved(&admin, product).await, 0);
}
