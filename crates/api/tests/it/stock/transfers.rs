//! Stock that staff puts from locations into others.

use serde_json::{Value, json};

use super::locations::{levels, location, put};
use super::stocked;
use crate::support::{Shop, fresh_key, open, order_of, text};

const TRANSFERS: &str = "/api/admin/stock/transfers";

async fn transfer(admin: &Shop, body: &Value) -> crate::support::Answer {
    admin.post(TRANSFERS, body).key(&fresh_key()).send().await
}

/// The variant's id, in the path of its stock.
fn variant(path: &str) -> i64 {
    let id = path.split('/').nth(6).expect("an id");
    id.parse().expect("a number")
}

fn line(path: &str, quantity: i64, from: i64, to: i64) -> Value {
    json!({"variantId": variant(path), "quantity": quantity, "fromLocationId": from, "toLocationId": to})
}

#[tokio::test]
async fn a_transfer_moves_once_per_key_and_is_read_again() {
    let admin = open().admin().await;
    let (near, far) = (location(&admin, 1).await, location(&admin, 2).await);
    let (_, path) = stocked(&admin, 9).await;
    let sku = admin.get(&path).send().await.expect(200)["sku"].clone();
    let by_sku = json!({"sku": sku, "quantity": 2, "fromLocationId": 1, "toLocationId": far});
    let body = json!({"lines": [line(&path, 3, 1, near), by_sku], "note": "van of Tuesday"});
    let key = fresh_key();
    let send = || admin.post(TRANSFERS, &body).key(&key).send();

    let moved = send().await;
    let address = moved.header("location").expect("an address").to_owned();
    let moved = moved.expect(201);
    let again = send().await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201), moved);
    assert_eq!(admin.get(&address).send().await.expect(200), moved);
    assert_eq!(
        (
            &moved["lines"][1]["sku"],
            &moved["lines"][1]["toLocationId"]
        ),
        (&sku, &json!(far))
    );
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 4, 0], [near, 3, 0], [far, 2, 0]], 9)
    );
    let page = admin.get(&format!("{path}/movements?locationId={near}"));
    let page = page.send().await.expect(200);
    assert_eq!(
        (
            &page["movements"][0]["reason"],
            &page["movements"][0]["transferId"]
        ),
        (&json!("transfer_in"), &moved["id"])
    );

    // Events are read once older transactions, of other tests too, have ended.
    let told = format!(
        "(SELECT string_agg(concat_ws(' ', sequence, payload->>'quantity', payload->>'toLocationId'), ', ' ORDER BY sequence) \
           FROM platform.outbox WHERE kind = 'stock.transferred' AND resource_id = {} AND payload->>'transferId' = '{}')",
        variant(&path),
        moved["id"]
    );
    assert_eq!(
        text(&mut open().conn(), &told),
        format!("1 3 {near}, 2 2 {far}")
    );
}

#[tokio::test]
async fn what_is_promised_or_kept_back_is_not_moved_and_nothing_else_is_then() {
    let admin = open().admin().await;
    let far = location(&admin, 2).await;
    let (product, path) = stocked(&admin, 5).await;
    let (_, other) = stocked(&admin, 5).await;
    let user = admin.register().await;
    let order = order_of(user, &[product, product]);
    admin.post("/api/orders", &order).send().await.expect(201);
    let kept = json!({"safety": 1});
    admin.patch(&path, &kept).send().await.expect(200);

    let body = json!({"lines": [line(&other, 5, 1, far), line(&path, 3, 1, far)]});
    let refused = transfer(&admin, &body)
        .await
        .refused(409, "insufficient_stock");
    assert_eq!(refused["errors"].as_array().expect("errors").len(), 1);
    assert_eq!(
        (
            &refused["errors"][0]["field"],
            &refused["errors"][0]["message"]
        ),
        (
            &json!("lines[1].quantity"),
            &json!("2 are neither reserved nor kept back there")
        )
    );
    assert_eq!(levels(&admin, &other).await, (vec![[1, 5, 0]], 5));
    let body = json!({"lines": [line(&other, 5, 1, far), line(&path, 2, 1, far)]});
    transfer(&admin, &body).await.expect(201);
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 3, 2], [far, 2, 0]], 2)
    );
}

#[tokio::test]
async fn a_thousand_lines_are_one_transfer_and_one_more_is_too_many() {
    let admin = open().admin().await;
    let far = location(&admin, 2).await;
    let (_, path) = stocked(&admin, 1_000).await;
    put(&admin, &path, far, 1).await;
    let lines = |count: usize| json!({"lines": vec![line(&path, 1, 1, far); count]});

    let answer = transfer(&admin, &lines(1_001)).await.expect(422);
    assert_eq!(answer["errors"][0]["field"], "lines");
    let moved = transfer(&admin, &lines(1_000)).await.expect(201);
    assert_eq!(moved["lines"].as_array().expect("lines").len(), 1_000);
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 0, 0], [far, 1_001, 0]], 1_001)
    );
}

#[tokio::test]
async fn a_transfer_that_makes_no_sense_names_the_field_and_nothing_moves() {
    let admin = open().admin().await;
    let far = location(&admin, 2).await;
    let (_, path) = stocked(&admin, 5).await;
    let id = variant(&path);
    let with = |field: &str, value: Value| {
        let mut line = line(&path, 1, 1, far);
        line[field] = value;
        json!({"lines": [line]})
    };
    let without = |field: &str| {
        let mut line = line(&path, 1, 1, far);
        line.as_object_mut().expect("an object").remove(field);
        json!({"lines": [line]})
    };
    let cases = [
        (json!({}), "lines"),
        (json!({"lines": []}), "lines"),
        (json!({"lines": {}}), "lines"),
        (with("quantity", json!(0)), "lines[0].quantity"),
        (with("quantity", json!(-1)), "lines[0].quantity"),
        (with("quantity", json!(1.5)), "lines[0].quantity"),
        (with("quantity", json!("1")), "lines[0].quantity"),
        (
            with("quantity", json!(1_000_000_000_001_i64)),
            "lines[0].quantity",
        ),
        (
            with("quantity", json!(18_446_744_073_709_551_615_u64)),
            "lines[0].quantity",
        ),
        (with("toLocationId", json!(1)), "lines[0].toLocationId"),
        (with("toLocationId", json!(0)), "lines[0].toLocationId"),
        (
            with("fromLocationId", json!("1")),
            "lines[0].fromLocationId",
        ),
        (with("fromLocationId", json!(4_000_000_000_i64)), "lines[0]"),
        (with("variantId", json!(4_000_000_000_i64)), "lines[0]"),
        (with("variantId", json!(-1)), "lines[0].variantId"),
        (with("sku", json!("X")), "lines[0].sku"),
        (with("reason", json!("lost")), "lines[0].reason"),
        (without("variantId"), "lines[0].sku"),
        (without("quantity"), "lines[0].quantity"),
        (without("toLocationId"), "lines[0].toLocationId"),
        (
            json!({"lines": [{"sku": "ＳＫＵ\u{200b}", "quantity": 1, "fromLocationId": 1, "toLocationId": far}]}),
            "lines[0].sku",
        ),
        (
            json!({"lines": [line(&path, 1, 1, far)], "note": ""}),
            "note",
        ),
        (
            json!({"lines": [line(&path, 1, 1, far)], "note": "a\u{0}"}),
            "note",
        ),
        (
            json!({"lines": [line(&path, 1, 1, far)], "note": "x".repeat(501)}),
            "note",
        ),
        (
            json!({"lines": [line(&path, 1, 1, far)], "from": 1}),
            "from",
        ),
    ];
    for (body, field) in cases {
        let answer = transfer(&admin, &body).await.expect(422);
        assert_eq!(answer["errors"][0]["field"], field, "{body}\n{answer}");
    }
    let malformed = admin
        .request("POST", TRANSFERS)
        .raw("application/json", "{\"lines\":[");
    assert_eq!(malformed.send().await.status, 400);
    for unknown in ["0", "x", "9223372036854775807", "01"] {
        let answer = admin.get(&format!("{TRANSFERS}/{unknown}")).send().await;
        answer.refused(404, "transfer_not_found");
    }
    assert_eq!(levels(&admin, &path).await, (vec![[1, 5, 0]], 5), "{id}");
}
