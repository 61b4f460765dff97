//! From a request to an order.

use serde_json::json;

use crate::support::{open, order_of};

#[tokio::test]
async fn a_repeated_product_id_is_a_quantity() {
    let shop = open().shop();
    let user = shop.register().await;
    let placed = shop
        .post("/api/orders", &order_of(user, &[2, 1, 2]))
        .send()
        .await;
    let order = placed.expect(201);
    assert_eq!(order["productIds"], json!([2, 2, 1]));
    assert_eq!(order["lines"][0]["quantity"], 2);
    assert_eq!(order["lines"][0]["total"]["amount"], 39_998);
    assert_eq!(order["totals"]["total"]["amount"], 139_997);
    assert_eq!(order["paymentStatus"], "authorised");
    assert_eq!(order["source"], "web");

    let read = shop
        .get(&format!("/api/orders/{}", order["orderId"]))
        .send()
        .await;
    let mut read = read.expect(200);
    let timeline = read
        .as_object_mut()
        .expect("an order")
        .remove("timeline")
        .expect("a timeline");
    assert_eq!(read, order);
    let kinds: Vec<_> = timeline
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| e["kind"].clone())
        .collect();
    assert_eq!(kinds, ["placed", "payment"]);
}

#[tokio::test]
async fn lines_name_products_or_skus_and_an_address_comes_back_as_given() {
    let shop = open().shop();
    let user = shop.register().await;
    let addresses = [
        json!("123 Demo St"),
        json!({"name": "Ann Lee", "line1": "1 Main St", "line2": null, "city": "Berlin", "postalCode": "10115", "country": "DE"}),
        json!({"line1": "1 Main St"}),
    ];
    for address in addresses {
        let body = json!({
            "userId": user, "address": address, "payment": "invoice", "shipping": "exp",
            "lines": [{"productId": 1, "quantity": 2}, {"sku": "AIRPODS-PRO-3", "quantity": 1}],
        });
        let order = shop.post("/api/orders", &body).send().await.expect(201);
        let mut given = address.clone();
        if let Some(parts) = given.as_object_mut() {
            parts.retain(|_, part| !part.is_null());
        }
        assert_eq!(order["address"], given);
        assert_eq!(order["productIds"], json!([1, 1, 2]));
        assert_eq!(order["totals"]["shipping"]["amount"], 1_500);
        assert_eq!(
            order["totals"]["total"]["amount"],
            2 * 99_999 + 19_999 + 1_500
        );
        assert_eq!(order["paymentStatus"], "notRequired");
    }
}

#[tokio::test]
async fn every_documented_payment_and_shipping_works_and_an_unknown_one_lists_them() {
    let shop = open().shop();
    let user = shop.register().await;
    for payment in ["card", "cod", "invoice"] {
        for shipping in ["std", "exp"] {
            let mut body = order_of(user, &[3]);
            (body["payment"], body["shipping"]) = (payment.into(), shipping.into());
            let order = shop.post("/api/orders", &body).send().await.expect(201);
            assert_eq!(
                (&order["payment"], &order["shipping"]),
                (&json!(payment), &json!(shipping))
            );
        }
    }
    let unknown = [
        ("payment", ["card", "cod", "invoice"].as_slice()),
        ("shipping", &["std", "exp"]),
    ];
    for (field, known) in unknown {
        let mut body = order_of(user, &[3]);
        body[field] = "pigeon".into();
        let problem = shop.post("/api/orders", &body).send().await.expect(422);
        assert_eq!(problem["errors"][0]["field"], field);
        let message = problem["errors"][0]["message"].as_str().expect("a message");
        assert!(known.iter().all(|code| message.contains(code)), "{message}");
    }
}

#[tokio::test]
async fn what_is_not_in_stock_is_told_per_line_with_what_is_there() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let user = shop.register().await;
    let scarce = admin.product("SCARCE", 2).await;
    let body = json!({
        "userId": user, "address": "x", "payment": "cod", "shipping": "std",
        "lines": [{"productId": 1, "quantity": 1}, {"productId": scarce, "quantity": 3}],
    });
    let problem = shop.post("/api/orders", &body).send().await;
    let problem = problem.refused(409, "out_of_stock");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(problem["errors"][0]["field"], "lines[1].productId");
    assert_eq!(
        problem["errors"][0]["message"],
        "2 of `SCARCE` are available"
    );
}

#[tokio::test]
async fn staff_places_orders_for_somebody_at_a_negotiated_price() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let user = shop.register().await;
    let mut body = json!({
        "userId": user, "address": "x", "payment": "invoice", "shipping": "std", "reference": "PO-17",
        "lines": [{"productId": 1, "quantity": 2, "unitPrice": {"amount": 90_000, "currency": "USD"}}],
    });
    let order = admin.post("/api/orders", &body).send().await.expect(201);
    assert_eq!(order["source"], "staff");
    assert_eq!(order["reference"], "PO-17");
    assert_eq!(order["lines"][0]["priceSource"], "negotiated");
    assert_eq!(order["lines"][0]["listPrice"]["amount"], 99_999);
    assert_eq!(order["totals"]["total"]["amount"], 180_000);

    let forbidden = shop.post("/api/orders", &body).send().await;
    let forbidden = forbidden.refused(403, "forbidden");
    assert_eq!(forbidden["errors"][0]["field"], "lines[0].unitPrice");
    body["lines"] = json!([{"productId": 1, "quantity": 2}]);
    let forbidden = shop.post("/api/orders", &body).send().await;
    assert_eq!(
        forbidden.refused(403, "forbidden")["errors"][0]["field"],
        "reference"
    );
}

#[tokio::test]
async fn an_order_has_one_currency_that_all_its_lines_have_a_price_in() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let user = shop.register().await;
    let euro = json!({"name": "Euro", "sku": "EURO-ONLY", "price": "10.00", "currency": "EUR", "onHand": 5});
    let euro = admin.post("/api/products", &euro).send().await.expect(201);
    let mut body = order_of(user, &[1, euro["id"].as_i64().expect("an id")]);
    let mixed = shop.post("/api/orders", &body).send().await;
    mixed.refused(422, "no_price");

    body["productIds"] = json!([euro["id"]]);
    let order = shop.post("/api/orders", &body).send().await.expect(201);
    assert_eq!(
        order["totals"]["total"],
        json!({"amount": 1_000, "currency": "EUR"})
    );
    body["currency"] = "USD".into();
    let unpriced = shop.post("/api/orders", &body).send().await;
    unpriced.refused(422, "no_price");
}

#[tokio::test]
async fn lists_show_the_newest_first_and_go_on_by_cursor() {
    let shop = open().shop();
    let user = shop.register().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        let order = shop.post("/api/orders", &order_of(user, &[1])).send().await;
        placed.insert(0, order.expect(201)["orderId"].clone());
    }
    let mut seen = Vec::new();
    let mut path = format!("/api/orders?userId={user}&limit=2");
    loop {
        let page = shop.get(&path).send().await.expect(200);
        seen.extend(
            page["orders"]
                .as_array()
                .expect("orders")
                .iter()
                .map(|o| o["orderId"].clone()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/api/orders?userId={user}&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, placed);
}
