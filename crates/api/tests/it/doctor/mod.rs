//! `cartwright doctor`: silent about a shop after a busy life, and exact about each thing broken.

mod broken_ground;
mod broken_trade;
mod command;
mod findings;
mod restored;

use serde_json::{Value, json};

use crate::support::{Cluster, Shop, fresh_dir, order_of};

/// The key with which product 4 was made.
const PRODUCT_KEY: &str = "the-product-of-the-doctor";
/// The key with which order 1 was placed.
const ORDER_KEY: &str = "the-first-order-there-is";

/// What is broken by which SQL, and what is found then: the check, and the start of the subject.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

/// A shop whose replica has stopped, after a life in which everything happened.
///
/// Product 4 (and variant 4) was made by staff, recounted and repriced, 5 sells for an amount that
/// is declined; 6 and 7 were imported, 7 was archived. The orders of user 2 are:
///
/// | order | payment | status |
/// |---|---|---|
/// | 1 | card, authorised | ordered, two lines |
/// | 2 | card, captured | processed |
/// | 3 | card, captured | delivered |
/// | 4 | card, voided | cancelled |
/// | 5 | card, refunded | cancelled after it was processed |
/// | 6 | card, declined | cancelled |
/// | 7 | invoice | ordered, express |
/// | 8 | cash on delivery | in transit |
/// | 9 | card, voided | cancelled before its payment was known |
async fn busy_shop() -> Cluster {
    let cluster = Cluster::start("open", 1);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    stock_up(&cluster, &admin).await;
    let user = shop.register().await;
    let orders = [
        (json!({"productIds": [4, 1, 4], "payment": "card"}), vec![]),
        (json!({"productIds": [4]}), vec!["processed"]),
        (
            json!({"productIds": [1, 2]}),
            vec!["processed", "inTransit", "outForDelivery", "delivered"],
        ),
        (json!({"productIds": [4]}), vec!["cancelled"]),
        (json!({"productIds": [6]}), vec!["processed", "cancelled"]),
        (json!({"productIds": [5]}), vec![]),
        (
            json!({"productIds": [4, 4], "payment": "invoice", "shipping": "exp"}),
            vec![],
        ),
        (
            json!({"productIds": [2], "payment": "cod"}),
            vec!["processed", "inTransit"],
        ),
    ];
    for (number, (fields, steps)) in (1..).zip(orders) {
        let mut body = order_of(user, &[]);
        for (field, value) in fields.as_object().expect("an object") {
            body[field] = value.clone();
        }
        let key = match number {
            1 => ORDER_KEY.to_owned(),
            _ => crate::support::fresh_key(),
        };
        let placed = shop
            .post("/api/orders", &body)
            .key(&key)
            .send()
            .await
            .json();
        assert_eq!(placed["orderId"], number, "{placed}");
        for status in steps {
            let step = json!({"status": status});
            let path = format!("/api/orders/{number}");
            shop.put(&path, &step).send().await.expect(200);
        }
    }
    cancel_while_unknown(&shop, user).await;
    tokio::task::block_in_place(|| cluster.stop(0));
    cluster
}

async fn stock_up(cluster: &Cluster, admin: &Shop) {
    let body = json!({"name": "Tee", "sku": "TEE", "price": "9.50", "onHand": 50});
    let made = admin
        .post("/api/products", &body)
        .key(PRODUCT_KEY)
        .send()
        .await;
    assert_eq!(made.expect(201)["id"], 4);
    let count = json!({"expectedOnHand": 50, "onHand": 40});
    admin
        .put("/api/products/4/stock", &count)
        .send()
        .await
        .expect(200);
    let price = json!({"price": "10.50", "name": "T-shirt"});
    admin
        .patch("/api/products/4", &price)
        .send()
        .await
        .expect(200);
    assert_eq!(admin.product_for("NEVER", "666.01", 5).await, 5);

    let file = fresh_dir().with_extension("csv");
    for on_hand in [10, 20] {
        let rows = format!(
            "sku,name,price,currency,on_hand\nI-1,One,1.00,USD,{on_hand}\nI-2,Two,2.00,USD,3\n"
        );
        std::fs::write(&file, rows).expect("a file");
        let imported = cluster.run(&["import", "products", &file.display().to_string()], "");
        assert!(imported.status.success(), "{imported:?}");
    }
    std::fs::remove_file(file).expect("gone");
    admin.delete("/api/products/7").send().await.expect(204);
}

/// Order 9: the provider is away, the customer cancels, the provider takes the money after all.
async fn cancel_while_unknown(shop: &Shop, user: i64) {
    let mut body = order_of(user, &[2]);
    body["paymentToken"] = "tok_error".into();
    let key = crate::support::fresh_key();
    let away = shop.post("/api/orders", &body).key(&key).send().await;
    away.refused(503, "payment_unavailable");
    shop.delete("/api/orders/9").send().await.expect(200);
}

/// The report in the output of a command that looked.
fn report(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}
