//! Orders that make no sense.

use serde_json::{Value, json};

use super::{Unchanged, assert_refused, shop, turn};
use crate::support::order_of;

#[tokio::test]
async fn an_order_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let user = shop.register().await;
    let unchanged = Unchanged::since_now();
    let many: Vec<i64> = vec![1; 10_000];
    let line = |quantity: Value| json!([{"productId": 1, "quantity": quantity}]);
    let huge = json!(9_223_372_036_854_775_808_u64);
    let cases = [
        ("productIds", json!([999_999]), 422, "productIds[0]"),
        ("productIds", json!([1, 999_999]), 422, "productIds[1]"),
        ("productIds", json!([]), 422, "productIds"),
        ("productIds", json!(many), 422, "productIds"),
        ("productIds", json!([-1]), 422, "productIds[0]"),
        ("productIds", json!([0]), 422, "productIds[0]"),
        ("productIds", json!([1.5]), 422, "productIds[0]"),
        ("productIds", json!(["1"]), 422, "productIds[0]"),
        ("productIds", json!([null]), 422, "productIds[0]"),
        ("productIds", json!([huge]), 422, "productIds[0]"),
        ("productIds", json!(i64::MAX), 422, "productIds"),
        ("userId", json!(999_999), 404, ""),
        ("userId", json!("2"), 422, "userId"),
        ("userId", json!(-2), 422, "userId"),
        ("userId", json!(2.5), 422, "userId"),
        ("userId", json!(null), 422, "userId"),
        ("address", json!(""), 422, "address"),
        ("address", json!("x".repeat(501)), 422, "address"),
        ("address", json!(7), 422, "address"),
        ("address", json!({}), 422, "address.line1"),
        (
            "address",
            json!({"line1": "x", "planet": "Mars"}),
            422,
            "address.planet",
        ),
        ("address", json!("a\u{0}b"), 422, "address"),
        ("payment", json!("Card"), 422, "payment"),
        ("payment", json!("ca\u{0}rd"), 422, "payment"),
        ("payment", json!(null), 422, "payment"),
        ("shipping", json!("drone"), 422, "shipping"),
        ("shipping", json!("st\u{0}d"), 422, "shipping"),
        ("shipping", json!(1), 422, "shipping"),
        ("currency", json!("usd"), 422, "currency"),
        ("currency", json!("XXXX"), 422, "currency"),
        (
            "paymentToken",
            json!("4111111111111111"),
            422,
            "paymentToken",
        ),
        ("paymentToken", json!("tok\u{0}"), 422, "paymentToken"),
        ("lines", json!([]), 422, "lines"),
        ("lines", line(json!(0)), 422, "lines[0].quantity"),
        ("lines", line(json!(-1)), 422, "lines[0].quantity"),
        ("lines", line(json!(1_000_001)), 422, "lines[0].quantity"),
        ("lines", line(huge), 422, "lines[0].quantity"),
        ("lines", line(json!(1.5)), 422, "lines[0].quantity"),
        ("lines", line(json!("1")), 422, "lines[0].quantity"),
        ("lines", line(json!(null)), 422, "lines[0].quantity"),
        ("lines", json!([{"quantity": 1}]), 422, "lines[0]"),
        (
            "lines",
            json!([{"sku": "A\u{0}", "quantity": 1}]),
            422,
            "lines[0].sku",
        ),
        (
            "lines",
            json!([{"sku": "UNKNOWN", "quantity": 1}]),
            422,
            "lines[0].sku",
        ),
        (
            "lines",
            json!([{"productId": 1, "quantity": 1, "price": 1}]),
            422,
            "lines[0].price",
        ),
    ];
    for (field, value, status, named) in cases {
        let mut body = order_of(user, &[1]);
        if field == "lines" {
            body.as_object_mut()
                .expect("an object")
                .remove("productIds");
        }
        let what = format!(
            "{field}: {}",
            value.to_string().chars().take(60).collect::<String>()
        );
        body[field] = value;
        let answer = shop.post("/api/orders", &body).send().await;
        assert_refused(&what, &answer, status, (!named.is_empty()).then_some(named));
    }
    for field in ["userId", "productIds", "address", "payment", "shipping"] {
        let mut body = order_of(user, &[1]);
        body.as_object_mut().expect("an object").remove(field);
        let named = if field == "productIds" {
            "lines"
        } else {
            field
        };
        let answer = shop.post("/api/orders", &body).send().await;
        assert_refused(&format!("no {field}"), &answer, 422, Some(named));
    }
    unchanged.assert();
}
