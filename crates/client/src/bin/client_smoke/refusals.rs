//! Requests that must be refused, and how.

use client::Client;
use domain::UserId;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};

use crate::check::{Check, Seen, request, send, with_body};
use crate::service::Demo;

const NOWHERE: i64 = i64::MAX;

/// Checks the codes and forms of refusals.
pub async fn check(shop: &Client, buyer: UserId, demo: &Demo) -> Check {
    let good = json!({"userId": buyer, "productIds": [demo.first.id], "address": "123 Demo St",
        "payment": "card", "shipping": "std"});
    check_fields(shop, &good).await?;
    check_lines(shop, &good, demo).await?;
    check_payment(shop, &good).await?;
    check_protocol(shop, &good).await
}

/// Sends an order that differs from a good one in one field.
async fn order_with(shop: &Client, good: &Value, field: &str, value: Value) -> Check<Seen> {
    let mut body = good.clone();
    body[field] = value;
    if field == "lines"
        && let Some(fields) = body.as_object_mut()
    {
        fields.remove("productIds");
    }
    let post = with_body(Method::POST, "/api/orders", &body)?;
    send(shop, &format!("order whose `{field}` is wrong"), post).await
}

async fn check_fields(shop: &Client, good: &Value) -> Check {
    let unknown = order_with(shop, good, "userId", json!(NOWHERE)).await?;
    unknown.refused(404, "user_not_found")?;
    let unknown = order_with(shop, good, "productIds", json!([NOWHERE])).await?;
    unknown
        .refused(422, "unknown_product")?
        .at("productIds[0]")?;
    order_with(shop, good, "productIds", json!([]))
        .await?
        .status(422)?;
    order_with(shop, good, "address", json!(""))
        .await?
        .status(422)?;
    order_with(shop, good, "colour", json!("red"))
        .await?
        .status(422)?;

    let payment = order_with(shop, good, "payment", json!("shells"))
        .await?
        .status(422)?;
    payment.mentions(&["card", "cod", "invoice"])?;
    let shipping = order_with(shop, good, "shipping", json!("pigeon"))
        .await?
        .status(422)?;
    shipping.mentions(&["std", "exp"])?;
    order_with(shop, good, "reference", json!("R-1"))
        .await?
        .status(403)
        .map(drop)
}

async fn check_lines(shop: &Client, good: &Value, demo: &Demo) -> Check {
    let (id, sku) = (demo.first.id, demo.first.sku.as_str());
    let unknown = json!([{"sku": sku, "quantity": 1}, {"sku": "NO-SUCH-SKU", "quantity": 1}]);
    let unknown = order_with(shop, good, "lines", unknown).await?;
    unknown
        .refused(422, "unknown_product")?
        .at("lines[1].sku")?;
    for quantity in [
        json!(0),
        json!(-1),
        json!(1_000_001),
        json!(1.5),
        json!("2"),
    ] {
        let lines = json!([{"productId": id, "quantity": quantity}]);
        order_with(shop, good, "lines", lines).await?.status(422)?;
    }
    let much = json!([{"productId": id, "quantity": 1_000_000}]);
    let much = order_with(shop, good, "lines", much)
        .await?
        .refused(409, "out_of_stock")?;
    much.must(!much.list("errors")?.is_empty(), "no error names the line")?;

    let price = json!({"amount": 1, "currency": demo.first.currency});
    let cheap = json!([{"productId": id, "quantity": 1, "unitPrice": price}]);
    order_with(shop, good, "lines", cheap)
        .await?
        .status(403)
        .map(drop)
}

async fn check_payment(shop: &Client, good: &Value) -> Check {
    let declined = order_with(shop, good, "paymentToken", json!("tok_declined")).await?;
    let declined = declined.refused(402, "payment_declined")?;
    let path = format!("/api/orders/{}", declined.number("orderId")?);
    let kept = send(shop, "declined order", request(Method::GET, path))
        .await?
        .status(200)?;
    kept.field("/status", "cancelled")?;
    kept.field("/paymentStatus", "failed")
}

async fn check_protocol(shop: &Client, good: &Value) -> Check {
    let text = |error: client::Error| error.to_string();
    let post = || with_body(Method::POST, "/api/orders", good);
    for key in ["short", "has a space in the key"] {
        let keyed = post()?.header(HeaderName::from_static("idempotency-key"), key);
        let seen = send(shop, "malformed key", keyed.map_err(text)?).await?;
        seen.refused(400, "invalid_idempotency_key")?;
    }
    let broken = request(Method::POST, "/api/orders").raw_body("application/json", "{\"userId\":");
    send(shop, "malformed JSON", broken).await?.status(400)?;
    let plain = request(Method::POST, "/api/orders").raw_body("text/plain", good.to_string());
    send(shop, "body that is no JSON", plain)
        .await?
        .status(415)?;
    let mut long = good.clone();
    long["address"] = json!("x".repeat(300 * 1024));
    let long = with_body(Method::POST, "/api/orders", &long)?;
    send(shop, "large body", long).await?.status(413)?;

    let order = format!("/api/orders/{NOWHERE}");
    send(shop, "unknown order", request(Method::GET, order.as_str()))
        .await?
        .status(404)?;
    send(shop, "unknown order", request(Method::DELETE, order))
        .await?
        .status(404)?;
    let orders = request(Method::GET, "/api/orders").query("userId", &NOWHERE);
    send(shop, "orders of an unknown user", orders)
        .await?
        .status(404)?;
    let dead = request(Method::GET, "/api/orders").header(AUTHORIZATION, "Bearer not-a-token");
    send(shop, "unknown token", dead.map_err(text)?)
        .await?
        .status(401)?;

    send(
        shop,
        "events without a token",
        request(Method::GET, "/api/events"),
    )
    .await?
    .status(401)?;

    let id = "smoke-request-0123456789";
    let named = request(Method::GET, "/api/products/1")
        .header(HeaderName::from_static("x-request-id"), id)
        .map_err(text)?;
    let seen = send(shop, "named request", named).await?;
    seen.must(
        seen.header("x-request-id") == id,
        "the request id is not kept",
    )
}
