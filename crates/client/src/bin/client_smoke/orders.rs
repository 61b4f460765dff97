//! Placing, reading, advancing and cancelling orders.

use client::{Client, IdempotencyKey, Order, OrderDetails};
use domain::UserId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::check::{Check, Kind, ORDER, Seen, request, send, with_body};
use crate::service::Demo;

/// Checks the life of two orders.
pub async fn check(shop: &Client, buyer: UserId, demo: &Demo) -> Check {
    let card = place_by_ids(shop, buyer, demo).await?;
    let cod = place_by_lines(shop, buyer, demo).await?;
    check_lists(shop, buyer, &card, &cod).await?;
    check_details(shop, &card).await?;
    advance(shop, &card).await?;
    cancel(shop, &card, "refunded").await?;
    cancel(shop, &cod, "notRequired").await
}

async fn place_by_ids(shop: &Client, buyer: UserId, demo: &Demo) -> Check<Order> {
    let (first, second) = (demo.first.id.get(), demo.second.id.get());
    let body = json!({"userId": buyer, "productIds": [first, first, second],
        "address": "123 Demo St", "payment": "card", "shipping": "std"});
    let post = with_body(Method::POST, "/api/orders", &body)?;
    let seen = send(shop, "order by ids", post).await?.status(201)?;
    for field in ["userId", "productIds", "address", "payment", "shipping"] {
        seen.field(&format!("/{field}"), body[field].clone())?;
    }
    seen.field("/paymentStatus", "authorised")?;
    check_placed(&seen, demo, 2)
}

async fn place_by_lines(shop: &Client, buyer: UserId, demo: &Demo) -> Check<Order> {
    let address = json!({"name": "Ann Lee", "line1": "1 High Street", "city": "Leeds",
        "postalCode": "LS1 1AA", "country": "GB"});
    let mut body = json!({"userId": buyer, "address": address, "payment": "cod",
        "shipping": "exp", "lines": [{"sku": demo.first.sku, "quantity": 1},
            {"productId": demo.second.id, "quantity": 1}]});
    let key = IdempotencyKey::fresh().map_err(|error| error.to_string())?;
    let post = |body: &Value| {
        let request = with_body(Method::POST, "/api/orders", body)?;
        request.key(&key).map_err(|error| error.to_string())
    };

    let seen = send(shop, "order by lines", post(&body)?)
        .await?
        .status(201)?;
    seen.field("/address", address)?;
    seen.field("/paymentStatus", "notRequired")?;
    let order = check_placed(&seen, demo, 1)?;

    let again = send(shop, "same key and order", post(&body)?)
        .await?
        .status(201)?;
    again.must(again.body == seen.body, "it is not the stored answer")?;
    again.must(
        again.header("idempotent-replayed") == "true",
        "it does not say it is replayed",
    )?;
    again.must(
        again.header("location") == seen.header("location"),
        "another `Location`",
    )?;

    body["lines"][0]["quantity"] = json!(2);
    let other = send(shop, "same key, another order", post(&body)?).await?;
    other.refused(422, "idempotency_key_reused")?;
    Ok(order)
}

/// Checks a fresh order of `quantity` of the first demo product and one of the second.
fn check_placed(seen: &Seen, demo: &Demo, quantity: i64) -> Check<Order> {
    seen.fields(&seen.body, ORDER)?;
    seen.field("/status", "ordered")?;
    seen.field("/source", "web")?;
    let order: Order = seen.read(&seen.body)?;
    let place = format!("/api/orders/{}", order.order_id);
    seen.must(
        seen.header("location").ends_with(&place),
        "`Location` is not the order's",
    )?;

    seen.must(order.lines.len() == 2, "there are not two lines")?;
    let mut subtotal = 0;
    for (line, (product, quantity)) in order
        .lines
        .iter()
        .zip([(&demo.first, quantity), (&demo.second, 1)])
    {
        let price = product.money().map_err(|error| error.to_string())?;
        let at_list = line.unit_price == price && line.list_price == price;
        seen.must(
            at_list && line.price_source == "list",
            "a line is not at its list price",
        )?;
        let named = line.product_id == product.id && line.sku == product.sku;
        seen.must(
            named && line.title == product.name,
            "a line names another product",
        )?;
        seen.must(
            line.quantity.get() == quantity,
            "a line has another quantity",
        )?;
        let right = line.total.minor() == price.minor() * quantity;
        seen.must(right, "a line's total is not price times quantity")?;
        subtotal += line.total.minor();
    }
    let totals = order.totals;
    let total = subtotal - totals.discount.minor() + totals.shipping.minor();
    seen.must(
        totals.subtotal.minor() == subtotal,
        "the subtotal is not the sum of the lines",
    )?;
    seen.must(totals.total.minor() == total, "the total does not add up")?;
    Ok(order)
}

async fn check_lists(shop: &Client, buyer: UserId, older: &Order, newer: &Order) -> Check {
    let list = || request(Method::GET, "/api/orders").query("userId", &buyer);
    let seen = send(shop, "orders of a user", list()).await?.status(200)?;
    seen.field("/hasMore", false)?;
    let ids: Vec<_> = seen
        .list("orders")?
        .iter()
        .map(|order| order["orderId"].clone())
        .collect();
    let expected = [json!(newer.order_id), json!(older.order_id)];
    seen.must(ids == expected, "these are not both orders, newest first")?;
    for order in seen.list("orders")? {
        seen.fields(order, ORDER)?;
        seen.read::<Order>(order)?;
    }

    let page = send(shop, "first page of one", list().query("limit", &1))
        .await?
        .status(200)?;
    page.field("/hasMore", true)?;
    page.field("/orders/0/orderId", newer.order_id.get())?;
    let cursor = page.body["nextCursor"].as_str().unwrap_or_default();
    let next = list().query("limit", &1).query("cursor", &cursor);
    let next = send(shop, "second page of one", next).await?.status(200)?;
    next.field("/orders/0/orderId", older.order_id.get())
}

async fn check_details(shop: &Client, order: &Order) -> Check {
    let seen = get(shop, order).await?;
    seen.fields(&seen.body, ORDER)?;
    let details: OrderDetails = seen.read(&seen.body)?;
    seen.must(
        details.order == *order,
        "it is not the order that was placed",
    )?;
    seen.must(!details.timeline.is_empty(), "the timeline is empty")?;
    let entry = [
        ("version", Kind::Count),
        ("kind", Kind::Text),
        ("from", Kind::TextOrNull),
        ("to", Kind::TextOrNull),
        ("note", Kind::TextOrNull),
        ("at", Kind::Time),
    ];
    for event in seen.list("timeline")? {
        seen.fields(event, &entry)?;
        seen.must(event.get("actor").is_some(), "an entry has no `actor`")?;
    }
    Ok(())
}

async fn advance(shop: &Client, order: &Order) -> Check {
    let put = |status: &str| {
        let path = format!("/api/orders/{}", order.order_id);
        with_body(Method::PUT, path, &json!({"status": status}))
    };
    let jump = send(shop, "forbidden step", put("delivered")?).await?;
    let jump = jump
        .refused(409, "invalid_transition")?
        .mentions(&["allowed"])?;
    jump.mentions(&["\"processed\"", "\"cancelled\""])?;

    // The second time it has no effect; the third time by its label.
    for status in ["processed", "processed", "Processed"] {
        let seen = send(shop, "processing", put(status)?).await?.status(200)?;
        seen.field("/orderId", order.order_id.get())?;
        seen.field("/status", "processed")?;
    }
    send(shop, "unknown status", put("lost")?)
        .await?
        .status(422)?;

    let seen = get(shop, order).await?;
    seen.field("/status", "processed")?;
    seen.field("/paymentStatus", "captured")?;
    let steps = seen
        .list("timeline")?
        .iter()
        .filter(|event| event["to"] == "processed")
        .count();
    seen.must(steps == 1, "it is not in the timeline exactly once")?;
    seen.must(
        seen.number("version")? > order.version,
        "the version did not grow",
    )
}

async fn cancel(shop: &Client, order: &Order, payment: &str) -> Check {
    let path = format!("/api/orders/{}", order.order_id);
    for what in ["cancellation", "second cancellation"] {
        let seen = send(shop, what, request(Method::DELETE, path.as_str()))
            .await?
            .status(200)?;
        seen.field("/success", true)?;
        seen.field("/orderId", order.order_id.get())?;
        seen.field("/status", "cancelled")?;
        seen.field("/paymentStatus", payment)?;
    }
    let seen = get(shop, order).await?;
    seen.field("/status", "cancelled")?;
    seen.fields(
        &seen.body,
        &[("cancelledAt", Kind::Time), ("totals", Kind::Object)],
    )?;
    for amount in ["subtotal", "discount", "shipping", "total"] {
        seen.fields(&seen.body["totals"], &[(amount, Kind::Money)])?;
    }
    let put = with_body(Method::PUT, path, &json!({"status": "processed"}))?;
    send(shop, "step after the end", put)
        .await?
        .refused(409, "invalid_transition")
        .map(drop)
}

async fn get(shop: &Client, order: &Order) -> Check<Seen> {
    let path = format!("/api/orders/{}", order.order_id);
    send(shop, "order", request(Method::GET, path))
        .await?
        .status(200)
}
