//! What is low, as staff asks to be told and reads it.

use serde_json::{Value, json};

use super::locations::{levels, location, put};
use super::stocked;
use crate::support::{Shop, open, order_of, text};

async fn low_at(admin: &Shop, path: &str, limit: Value) -> Value {
    let body = json!({"lowAt": limit});
    admin.patch(path, &body).send().await.expect(200)
}

/// The levels of a product that are low, from all pages of two.
async fn low(admin: &Shop, product: i64) -> Vec<Value> {
    let mut found = Vec::new();
    let mut path = "/api/admin/stock/low?limit=2".to_owned();
    loop {
        let page = admin.get(&path).send().await.expect(200);
        let levels = page["levels"].as_array().expect("levels");
        assert!(levels.len() <= 2);
        found.extend(levels.iter().filter(|l| l["productId"] == product).cloned());
        if page["hasMore"] == false {
            return found;
        }
        let cursor = page["nextCursor"].as_str().expect("a cursor");
        path = format!("/api/admin/stock/low?limit=2&cursor={cursor}");
    }
}

/// What was told of the variant's low stock: what, and how many were available.
fn told(variant: &Value) -> String {
    let told = format!(
        "(SELECT coalesce(string_agg(concat_ws(' ', kind, payload->>'available'), ', ' ORDER BY sequence), '') \
           FROM platform.outbox WHERE kind IN ('stock.low', 'stock.back') AND resource_id = {variant})"
    );
    text(&mut open().conn(), &told)
}

#[tokio::test]
async fn an_order_that_makes_stock_low_is_told_once_and_listed_until_it_is_back() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (product, path) = stocked(&admin, 6).await;
    let limited = low_at(&admin, &path, json!(4)).await;
    let variant = limited["variantId"].clone();
    assert_eq!(
        (&limited["lowAt"], &limited["available"]),
        (&json!(4), &json!(6))
    );
    assert_eq!(low(&admin, product).await, Vec::<Value>::new());

    let user = shop.register().await;
    let order = |units: usize| shop.post("/api/orders", &order_of(user, &vec![product; units]));
    let first = order(3).send().await.expect(201);
    order(1).send().await.expect(201);
    assert_eq!(told(&variant), "stock.low 3");
    let listed = low(&admin, product).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            &listed[0]["available"],
            &listed[0]["lowAt"],
            &listed[0]["locationId"]
        ),
        (&json!(2), &json!(4), &json!(1))
    );
    let at = admin
        .get(&format!("{path}/levels"))
        .send()
        .await
        .expect(200);
    assert_eq!(at["levels"][0]["lowSince"], listed[0]["lowSince"]);

    let cancelled = shop.delete(&format!("/api/orders/{}", first["orderId"]));
    cancelled.send().await.expect(200);
    assert_eq!(told(&variant), "stock.low 3, stock.back 5");
    assert_eq!(low(&admin, product).await, Vec::<Value>::new());
}

#[tokio::test]
async fn each_location_has_a_limit_of_its_own_and_null_takes_it_away() {
    let admin = open().admin().await;
    let far = location(&admin, 1).await;
    let (product, path) = stocked(&admin, 6).await;
    put(&admin, &path, far, 1).await;
    let body = json!({"locationId": far, "lowAt": 1});
    admin.patch(&path, &body).send().await.expect(200);
    let one = admin.get(&format!("/api/admin/stock/low?locationId={far}"));
    let one = one.send().await.expect(200);
    assert_eq!(one["levels"][0]["productId"], product);

    let untouched = admin.patch(&path, &json!({"locationId": far, "safety": 0}));
    assert_eq!(untouched.send().await.expect(200)["lowAt"], 1);
    let gone = json!({"locationId": far, "lowAt": null});
    let gone = admin.patch(&path, &gone).send().await.expect(200);
    assert_eq!(gone["lowAt"], Value::Null);
    assert_eq!(low(&admin, product).await, Vec::<Value>::new());
    assert_eq!(told(&gone["variantId"]), "stock.low 1, stock.back 1");
}

#[tokio::test]
async fn a_limit_or_a_list_that_makes_no_sense_is_refused() {
    let admin = open().admin().await;
    let (_, path) = stocked(&admin, 6).await;
    for bad in [
        json!(-1),
        json!(1_000_000_000_001_i64),
        json!("1"),
        json!(1.5),
        json!([1]),
    ] {
        let answer = admin.patch(&path, &json!({"lowAt": bad})).send().await;
        assert_eq!(answer.expect(422)["errors"][0]["field"], "lowAt", "{bad}");
    }
    for query in [
        "limit=0",
        "cursor=x",
        "locationId=0",
        "locationId=x",
        "page=1",
    ] {
        let answer = admin
            .get(&format!("/api/admin/stock/low?{query}"))
            .send()
            .await;
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(levels(&admin, &path).await, (vec![[1, 6, 0]], 6));
}
