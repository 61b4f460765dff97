//! Users and products that make no sense.

use serde_json::json;

use super::{Unchanged, assert_refused, shop, turn};
use crate::support::somebody;

#[tokio::test]
async fn a_registration_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let unchanged = Unchanged::since_now();
    let long = format!("{}@example.com", "a".repeat(320));
    let addresses = [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@@example.com",
        "a nn@example.com",
        "ann@exam ple.com",
        "ann\u{200b}@example.com",
        "ann\u{202e}@example.com",
        "ann\u{0}@example.com",
        "аnn@example.com",
        "ann..lee@example.com",
        "ann@example..com",
        "ann@-example.com",
        "\"ann lee\"@example.com",
        &long,
    ];
    for address in addresses {
        let mut body = somebody();
        body["email"] = address.into();
        let answer = shop.post("/api/users", &body).send().await;
        assert_refused(address, &answer, 422, Some("email"));
    }
    let fields = [
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!("a\u{0}")),
        ("name", json!("x".repeat(201))),
        ("name", json!(null)),
        ("password", json!("short")),
        ("password", json!("x".repeat(129))),
        ("password", json!(12_345_678)),
        ("phoneNumber", json!("+49\u{0}")),
        ("phoneNumber", json!("1".repeat(41))),
    ];
    for (field, value) in fields {
        let mut body = somebody();
        body[field] = value.clone();
        let answer = shop.post("/api/users", &body).send().await;
        assert_refused(&format!("{field} {value}"), &answer, 422, Some(field));
    }
    unchanged.assert();
}

#[tokio::test]
async fn a_product_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let token = shop.log_in("admin@example.com", "not the public one").await;
    let admin = shop.with_token(&token);
    let unchanged = Unchanged::since_now();
    let fields = [
        ("name", json!("")),
        ("name", json!("a\u{0}")),
        ("name", json!("x".repeat(301))),
        ("sku", json!("")),
        ("sku", json!("a\u{0}b")),
        ("sku", json!("x".repeat(300))),
        ("price", json!("-1.00")),
        ("price", json!("1.005")),
        ("price", json!("1e3")),
        ("price", json!("NaN")),
        ("price", json!(1.5)),
        ("price", json!("99999999999999999999")),
        ("price", json!("1\u{0}")),
        ("currency", json!("usd")),
        ("currency", json!("US\u{0}")),
        ("onHand", json!(-1)),
        ("onHand", json!(1.5)),
        ("onHand", json!(1_000_000_000_001_i64)),
        ("onHand", json!(i64::MAX)),
        ("description", json!("a\u{0}")),
        ("image", json!("a\u{0}")),
    ];
    for (field, value) in fields {
        let mut body = json!({"name": "Tee", "sku": "NO-SENSE", "price": "1.00"});
        body[field] = value.clone();
        let answer = admin.post("/api/products", &body).send().await;
        assert_refused(&format!("{field} {value}"), &answer, 422, Some(field));
        if !["sku", "onHand"].contains(&field) {
            let change = json!({ field: value });
            let answer = admin.patch("/api/products/1", &change).send().await;
            assert_refused(&format!("PATCH {field} {value}"), &answer, 422, Some(field));
        }
    }
    let count = json!({"onHand": -1, "expectedOnHand": 1_000});
    let answer = admin.put("/api/products/1/stock", &count).send().await;
    assert_refused("a count", &answer, 422, Some("onHand"));
    unchanged.assert();
}
