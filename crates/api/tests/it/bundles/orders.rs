//! A bundle is one line of an order, and its parts are what is taken, sent and given back.

use serde_json::{Value, json};

use super::digital::ebook;
use super::{Sold, bundle, components, order, sold, stock};
use crate::support::{PATIENCE, Shop, assert_healthy, eventually, open};

/// A set of two cups and a plate, of which there are these.
async fn set(admin: &Shop, cups: i64, plates: i64) -> (Sold, Sold, Sold) {
    let (cup, plate) = (sold(admin, cups).await, sold(admin, plates).await);
    let set = bundle(admin, &[(&cup, 2), (&plate, 1)]).await;
    (cup, plate, set)
}

async fn place(shop: &Shop, lines: &[(&Sold, i64)]) -> Value {
    let user = shop.register().await;
    let placed = shop.post("/api/orders", &order(user, lines)).send().await;
    placed.expect(201)
}

#[tokio::test]
async fn a_bundle_is_shown_with_its_components_and_what_they_make() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (cup, plate, set) = set(&admin, 9, 3).await;
    let public = json!([
        {"variantId": cup.variant, "productId": cup.product, "quantity": 2},
        {"variantId": plate.variant, "productId": plate.product, "quantity": 1},
    ]);

    let path = format!("/api/products/{}", set.product);
    let product = shop.get(&path).send().await.expect(200);
    assert_eq!(
        (&product["kind"], &product["components"]),
        (&json!("bundle"), &public)
    );
    let page = shop
        .get(&format!("{path}/variants"))
        .send()
        .await
        .expect(200);
    let variant = &page["variants"][0];
    assert_eq!(
        (&variant["kind"], &variant["components"]),
        (&json!("bundle"), &public)
    );
    let part = shop.get(&format!("/api/products/{}", cup.product));
    let part = part.send().await.expect(200);
    assert_eq!(
        (&part["kind"], part.get("components")),
        (&json!("physical"), None)
    );

    let staff = admin.get(&set.path).send().await;
    let etag = staff.header("etag").expect("a version").to_owned();
    let staff = staff.expect(200);
    assert_eq!(
        (&staff["available"], &staff["onHand"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(staff["components"][0]["quantity"], 2);
    let levels = admin.get(&format!("{}/stock/levels", set.path));
    assert_eq!(levels.send().await.expect(200)["available"], 3);
    let main = admin.get(&format!("/api/products/{}/stock", set.product));
    assert_eq!(main.send().await.expect(200)["available"], 3);

    let other = components(&[(&cup, 5)]);
    let change = |etag: &str| {
        let path = format!("{}/components", set.path);
        admin.put(&path, &other).header("if-match", etag).send()
    };
    assert_eq!(change(&etag).await.expect(200)["available"], 1);
    change(&etag).await.refused(412, "precondition_failed");
    let is_seen = || async {
        let product = shop.get(&path).send().await.expect(200);
        product["components"]
            == json!([{"variantId": cup.variant, "productId": cup.product, "quantity": 5}])
    };
    eventually("both replicas show it", PATIENCE, is_seen).await;
}

#[tokio::test]
async fn an_order_keeps_what_it_took_when_the_bundle_is_made_of_something_else() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (cup, plate, set) = set(&admin, 20, 20).await;

    let kept = place(&shop, &[(&set, 2), (&cup, 1), (&set, 1)]).await;
    assert_eq!(stock(&admin, &cup).await, [20, 7, 13].map(Some));
    assert_eq!(stock(&admin, &plate).await, [20, 3, 17].map(Some));
    assert_eq!(stock(&admin, &set).await, [0, 0, 6].map(Some));
    let line = &kept["lines"][0];
    assert_eq!(
        (
            &line["kind"],
            &line["taxClass"],
            &line["unitPrice"]["amount"]
        ),
        (&json!("bundle"), &json!("standard"), &json!(950))
    );
    let parts = line["components"].as_array().expect("components");
    let part = |part: &Value| (part["variantId"].as_i64(), part["quantity"].as_i64());
    let parts: Vec<_> = parts.iter().map(part).collect();
    assert_eq!(
        parts,
        [(Some(cup.variant), Some(2)), (Some(plate.variant), Some(1))]
    );
    assert_eq!(kept["lines"][1].get("components"), None);
    let sent = place(&shop, &[(&set, 1)]).await;

    let path = format!("{}/components", set.path);
    let other = components(&[(&plate, 1)]);
    admin.put(&path, &other).send().await.expect(200);
    assert_eq!(
        place(&shop, &[(&set, 1)]).await["lines"][0]["components"][0]["quantity"],
        1
    );
    assert_eq!(stock(&admin, &plate).await, [20, 5, 15].map(Some));
    let read = |order: &Value| {
        shop.get(&format!("/api/orders/{}", order["orderId"]))
            .send()
    };
    assert_eq!(read(&kept).await.expect(200)["lines"], kept["lines"]);
    let listed = shop.get(&format!("/api/orders?userId={}", kept["userId"]));
    assert_eq!(
        listed.send().await.expect(200)["orders"][0]["lines"],
        kept["lines"]
    );

    for status in ["processed", "inTransit"] {
        let path = format!("/api/orders/{}", sent["orderId"]);
        shop.put(&path, &json!({"status": status}))
            .send()
            .await
            .expect(200);
    }
    assert_eq!(stock(&admin, &cup).await, [18, 7, 11].map(Some));
    assert_eq!(stock(&admin, &plate).await, [19, 4, 15].map(Some));
    let cancelled = shop.delete(&format!("/api/orders/{}", kept["orderId"]));
    cancelled.send().await.expect(200);
    assert_eq!(stock(&admin, &cup).await, [18, 0, 18].map(Some));
    assert_eq!(stock(&admin, &plate).await, [19, 1, 18].map(Some));
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn the_demand_of_all_lines_is_summed_before_anything_is_taken() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (cup, plate, set) = set(&admin, 7, 9).await;
    let duo = bundle(&admin, &[(&plate, 1), (&cup, 1)]).await;
    let user = shop.register().await;
    let ask = |lines: &[(&Sold, i64)]| shop.post("/api/orders", &order(user, lines)).send();

    // Six cups for the sets, one for the duo, and one more.
    let short = ask(&[(&set, 3), (&duo, 1), (&cup, 1)]).await;
    let short = short.refused(409, "out_of_stock");
    let fields: Vec<_> = (0..3)
        .map(|n| short["errors"][n]["field"].clone())
        .collect();
    assert_eq!(
        fields,
        [
            "lines[0].productId",
            "lines[1].productId",
            "lines[2].productId"
        ]
    );
    let first = short["errors"][0]["message"].as_str().expect("a text");
    assert!(first.starts_with("3 of "), "{first}");
    assert_eq!(stock(&admin, &cup).await, [7, 0, 7].map(Some));
    ask(&[(&set, 3), (&duo, 1)]).await.expect(201);
    assert_eq!(stock(&admin, &cup).await, [7, 7, 0].map(Some));
    assert_eq!(stock(&admin, &plate).await, [9, 4, 5].map(Some));
    ask(&[(&set, 1)]).await.refused(409, "out_of_stock");
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn a_search_hears_that_an_order_has_left_too_little_for_a_bundle() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (cup, _, set) = set(&admin, 3, 3).await;
    let product = shop.get(&format!("/api/products/{}", set.product));
    let sku = product.send().await.expect(200)["sku"].clone();
    let path = format!(
        "/api/search?q={}&inStock=true",
        sku.as_str().expect("a text")
    );
    let is_found = || async {
        let found = shop.get(&path).send().await.expect(200);
        found["products"][0]["id"] == set.product
    };
    eventually("two cups make a set", PATIENCE, is_found).await;

    let bought = place(&shop, &[(&cup, 2)]).await;
    let is_gone = || async { !is_found().await };
    eventually("one cup does not", PATIENCE, is_gone).await;
    let cancelled = shop.delete(&format!("/api/orders/{}", bought["orderId"]));
    cancelled.send().await.expect(200);
    eventually("the cups are back", PATIENCE, is_found).await;
}

#[tokio::test]
async fn an_order_takes_the_place_of_a_hold_of_bundles() {
    let admin = open().admin().await;
    let (cup, plate, set) = set(&admin, 4, 2).await;
    let hold = json!({"lines": [{"variantId": set.variant, "quantity": 2}]});
    let hold = admin
        .post("/api/admin/stock/holds", &hold)
        .key(&crate::support::fresh_key());
    let hold = hold.send().await.expect(201);
    assert_eq!(stock(&admin, &set).await, [0, 0, 0].map(Some));
    let user = admin.register().await;
    let mut body = order(user, &[(&set, 2)]);
    admin
        .post("/api/orders", &body)
        .send()
        .await
        .refused(409, "out_of_stock");

    body["holdId"] = hold["id"].clone();
    admin.post("/api/orders", &body).send().await.expect(201);

    assert_eq!(stock(&admin, &cup).await, [4, 4, 0].map(Some));
    assert_eq!(stock(&admin, &plate).await, [2, 2, 0].map(Some));
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn a_bundle_whose_digital_part_has_left_the_shop_is_sold_no_more() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (book, cup) = (ebook(&admin).await, sold(&admin, 3).await);
    let pair = bundle(&admin, &[(&book, 2)]).await;
    let mixed = bundle(&admin, &[(&book, 1), (&cup, 1)]).await;
    let user = shop.register().await;
    let ask = |of: &Sold| shop.post("/api/orders", &order(user, &[(of, 1)])).send();
    for set in [&pair, &mixed] {
        ask(set).await.expect(201);
    }

    let path = format!("/api/products/{}", book.product);
    admin.delete(&path).send().await.expect(204);

    for set in [&pair, &mixed] {
        ask(set).await.refused(409, "out_of_stock");
    }
    assert_eq!(stock(&admin, &cup).await, [3, 1, 2].map(Some));
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn a_bundle_whose_part_has_left_the_shop_is_sold_no_more() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (cup, _, set) = set(&admin, 4, 2).await;
    let path = format!("/api/products/{}", cup.product);
    admin.delete(&path).send().await.expect(204);

    let staff = admin.get(&set.path).send().await.expect(200);
    assert_eq!(
        (&staff["available"], &staff["components"][0]["isArchived"]),
        (&json!(0), &json!(true))
    );
    let user = shop.register().await;
    let refused = shop
        .post("/api/orders", &order(user, &[(&set, 1)]))
        .send()
        .await;
    refused.refused(409, "out_of_stock");
}
