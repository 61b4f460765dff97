//! Fields and bodies that no write takes.

use serde_json::json;

use super::{Unchanged, assert_refused, shop, turn};
use crate::support::{order_of, somebody};

#[tokio::test]
async fn fields_that_nobody_may_set_are_refused_in_every_write() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let user = shop.register().await;
    let order = shop
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let order = format!("/api/orders/{}", order["orderId"]);
    let token = shop.log_in("admin@example.com", "not the public one").await;
    let admin = shop.with_token(&token);
    let unchanged = Unchanged::since_now();
    let writes = [
        ("POST", "/api/orders", order_of(user, &[1])),
        ("PUT", &*order, json!({"status": "processed"})),
        ("POST", "/api/users", somebody()),
        (
            "POST",
            "/api/sessions",
            json!({"email": "a@b.example", "password": "x"}),
        ),
        (
            "POST",
            "/api/products",
            json!({"name": "x", "sku": "X", "price": "1"}),
        ),
        ("PATCH", "/api/products/1", json!({"price": "1"})),
        (
            "PUT",
            "/api/products/1/stock",
            json!({"onHand": 1, "expectedOnHand": 1}),
        ),
    ];
    for (method, path, body) in writes {
        let is_open = path.starts_with("/api/orders") || path == "/api/users";
        let sender = if is_open { &shop } else { &admin };
        for field in [
            "role",
            "isAdmin",
            "price",
            "status",
            "total",
            "id",
            "createdAt",
            "customerId",
        ] {
            let mut body = body.clone();
            if body.get(field).is_some() {
                continue;
            }
            body[field] = 1.into();
            let is_known = field == "price" && path.starts_with("/api/products");
            let answer = sender.request(method, path).json(&body).send().await;
            if !is_known || path.ends_with("stock") {
                assert_refused(
                    &format!("{method} {path} {field}"),
                    &answer,
                    422,
                    Some(field),
                );
            }
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            let answer = sender
                .request(method, path)
                .raw(kind, body.to_string())
                .send()
                .await;
            answer.refused(415, "unsupported_media_type");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(50_000));
        let twice = body.to_string().replacen('{', "{\"name\":1,\"name\":1,", 1);
        for text in [
            "",
            "{",
            "null x",
            "[]",
            "{\"a\":1}}",
            "{\"a\":NaN}",
            "\u{feff}{}",
            &deep,
            &twice,
        ] {
            let answer = sender.request(method, path).raw("application/json", text);
            let answer = answer.send().await;
            assert!(
                [400, 422].contains(&answer.status),
                "{method} {path} {text:.40}: {answer:?}"
            );
        }
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(256 * 1024));
        let answer = sender.request(method, path).raw("application/json", large);
        answer.send().await.refused(413, "payload_too_large");
    }
    unchanged.assert();
}
