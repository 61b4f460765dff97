//! What is digital is never out of stock, and not sent.

use serde_json::{Value, json};

use super::{Sold, bundle, order, sold, stock};
use crate::support::{Shop, assert_healthy, open};

pub(super) async fn ebook(admin: &Shop) -> Sold {
    let made = sold(admin, 0).await;
    let changed = admin
        .patch(&made.path, &json!({"kind": "digital"}))
        .send()
        .await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["kind"], &changed["available"]),
        (&json!("digital"), &Value::Null)
    );
    made
}

async fn step(shop: &Shop, order: &Value, status: &str) -> crate::support::Answer {
    let path = format!("/api/orders/{}", order["orderId"]);
    shop.put(&path, &json!({"status": status})).send().await
}

#[tokio::test]
async fn what_is_digital_is_delivered_without_being_sent() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let book = ebook(&admin).await;
    let pack = bundle(&admin, &[(&book, 3)]).await;
    let user = shop.register().await;
    let mut body = order(user, &[(&book, 1_000), (&pack, 7)]);
    body["shipping"] = "exp".into();

    let placed = shop.post("/api/orders", &body).send().await.expect(201);

    assert_eq!(placed["totals"]["shipping"]["amount"], 0, "nothing is sent");
    assert_eq!(placed["lines"][0]["kind"], "digital");
    assert_eq!(stock(&admin, &book).await, [Some(0), Some(0), None]);
    let early = step(&shop, &placed, "delivered").await;
    early.refused(409, "invalid_transition");
    step(&shop, &placed, "processed").await.expect(200);
    let sent = step(&shop, &placed, "inTransit").await;
    let sent = sent.refused(409, "invalid_transition");
    assert_eq!(sent["allowed"], json!(["delivered", "cancelled"]));
    step(&shop, &placed, "delivered").await.expect(200);
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn an_order_of_both_is_sent_and_takes_only_what_there_is() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (book, cup) = (ebook(&admin).await, sold(&admin, 3).await);
    let mixed = bundle(&admin, &[(&book, 1), (&cup, 2)]).await;
    let user = shop.register().await;
    assert_eq!(stock(&admin, &mixed).await, [0, 0, 1].map(Some));

    let mut body = order(user, &[(&mixed, 1), (&book, 1), (&cup, 1)]);
    body["shipping"] = "exp".into();
    let placed = shop.post("/api/orders", &body).send().await.expect(201);

    assert_eq!(placed["totals"]["shipping"]["amount"], 1_500);
    assert_eq!(stock(&admin, &cup).await, [3, 3, 0].map(Some));
    step(&shop, &placed, "processed").await.expect(200);
    step(&shop, &placed, "delivered")
        .await
        .refused(409, "invalid_transition");
    for status in ["inTransit", "outForDelivery", "delivered"] {
        step(&shop, &placed, status).await.expect(200);
    }
    assert_eq!(stock(&admin, &cup).await, [0, 0, 0].map(Some));
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn a_variant_is_made_digital_while_it_has_no_stock() {
    let admin = open().admin().await;
    let tee = sold(&admin, 1).await;
    let options = json!({"options": [{"name": "Form", "values": ["paper", "file", "sound"]}]});
    let path = format!("/api/admin/products/{}", tee.product);
    admin
        .put(&format!("{path}/options"), &options)
        .send()
        .await
        .expect(200);
    let full = admin
        .patch(&tee.path, &json!({"kind": "digital"}))
        .send()
        .await;
    full.refused(409, "has_stock");
    let add = |variant: Value| {
        admin
            .post(&format!("{path}/variants"), &json!({"variants": [variant]}))
            .send()
    };
    let file = |on_hand: i64, kind: &str| json!({"sku": crate::support::fresh_key(), "choices": {"Form": "file"}, "price": "1.00", "kind": kind, "onHand": on_hand});

    for (variant, field) in [
        (file(1, "digital"), "variants[0].onHand"),
        (file(0, "bundle"), "variants[0].kind"),
    ] {
        let refused = add(variant).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    add(file(0, "virtual")).await.expect(422);
    let made = add(file(0, "digital")).await.expect(201);
    let made = admin.get(&format!("{path}/variants/{}", made["variants"][0]["id"]));
    assert_eq!(made.send().await.expect(200)["kind"], "digital");

    let count = json!({"onHand": 5, "expectedOnHand": 0});
    let book = ebook(&admin).await;
    let counted = admin
        .put(&format!("{}/stock", book.path), &count)
        .send()
        .await;
    counted.refused(409, "not_stocked");
    let hold = json!({"lines": [{"variantId": book.variant, "quantity": 1}]});
    let hold = admin
        .post("/api/admin/stock/holds", &hold)
        .key(&crate::support::fresh_key());
    let hold = hold.send().await.refused(409, "not_stocked");
    assert_eq!(hold["errors"][0]["field"], "lines[0]");
    admin
        .patch(&book.path, &json!({"kind": "physical"}))
        .send()
        .await
        .expect(200);
    let counted = admin
        .put(&format!("{}/stock", book.path), &count)
        .send()
        .await;
    assert_eq!(counted.expect(200)["available"], 5);
    assert_healthy(&mut open().conn());
}

#[tokio::test]
async fn a_line_keeps_the_tax_class_that_its_product_had() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let book = sold(&admin, 5).await;
    let path = format!("/api/admin/products/{}", book.product);
    let classify = |class: Value| admin.patch(&path, &json!({"taxClass": class})).send();
    assert_eq!(
        admin.get(&path).send().await.expect(200)["taxClass"],
        "standard"
    );
    for bad in [
        json!(""),
        json!("Reduced"),
        json!("a b"),
        json!("réduit"),
        json!("a".repeat(41)),
        json!(7),
    ] {
        let refused = classify(bad).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "taxClass", "{refused}");
    }

    assert_eq!(
        classify("reduced".into()).await.expect(200)["taxClass"],
        "reduced"
    );
    let user = shop.register().await;
    let placed = shop
        .post("/api/orders", &order(user, &[(&book, 1)]))
        .send()
        .await
        .expect(201);
    classify("zero".into()).await.expect(200);

    let read = shop.get(&format!("/api/orders/{}", placed["orderId"]));
    assert_eq!(
        read.send().await.expect(200)["lines"][0]["taxClass"],
        "reduced"
    );
}
