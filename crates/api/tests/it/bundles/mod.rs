//! Bundles: bought as one, taken from stock as their parts. Digital products: bought, and neither taken nor sent.
//!
//! - [`orders`]: from the basket to the door, and back
//! - [`digital`]: what is never out of stock, and not sent
//! - [`refusals`]: what no bundle is
//! - [`buyers`]: many at once, of bundles and of their parts

mod buyers;
mod digital;
mod orders;
mod refusals;

use serde_json::{Value, json};

use crate::support::{Shop, fresh_key};

/// A product, and the path of its variant.
struct Sold {
    product: i64,
    variant: i64,
    path: String,
}

/// A product with so many units.
async fn sold(admin: &Shop, on_hand: i64) -> Sold {
    let product = admin.product(&fresh_key().to_uppercase(), on_hand).await;
    let page = admin.get(&format!("/api/products/{product}/variants"));
    let variant = &page.send().await.expect(200)["variants"][0]["id"];
    let variant = variant.as_i64().expect("an id");
    Sold {
        product,
        variant,
        path: format!("/api/admin/products/{product}/variants/{variant}"),
    }
}

fn components(parts: &[(&Sold, i64)]) -> Value {
    let part =
        |(part, quantity): &(&Sold, i64)| json!({"variantId": part.variant, "quantity": quantity});
    json!({"components": parts.iter().map(part).collect::<Vec<_>>()})
}

/// A bundle of these, for 9.50 USD.
async fn bundle(admin: &Shop, parts: &[(&Sold, i64)]) -> Sold {
    let made = sold(admin, 0).await;
    let path = format!("{}/components", made.path);
    let set = admin.put(&path, &components(parts)).send().await;
    assert_eq!(set.expect(200)["kind"], "bundle");
    made
}

/// On hand, reserved and available, at all locations.
async fn stock(admin: &Shop, of: &Sold) -> [Option<i64>; 3] {
    let variant = admin.get(&of.path).send().await.expect(200);
    ["onHand", "reserved", "available"].map(|name| variant[name].as_i64())
}

/// A body for `POST /api/orders`.
fn order(user: i64, lines: &[(&Sold, i64)]) -> Value {
    let line =
        |(of, quantity): &(&Sold, i64)| json!({"productId": of.product, "quantity": quantity});
    json!({
        "userId": user, "lines": lines.iter().map(line).collect::<Vec<_>>(), "address": "123 Demo St",
        "payment": "card", "shipping": "std",
    })
}
