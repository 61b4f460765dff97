//! Stock that staff keeps for somebody, and orders that take the place of a hold.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::locations::{levels, location, put};
use super::stocked;
use crate::support::load::{all, with_status};
use crate::support::{Answer, Shop, eventually, fresh_key, open, order_of};

const HOLDS: &str = "/api/admin/stock/holds";

fn variant(path: &str) -> i64 {
    let id = path.split('/').nth(6).expect("an id");
    id.parse().expect("a number")
}

async fn hold(admin: &Shop, path: &str, quantity: i64) -> Answer {
    let body =
        json!({"lines": [{"variantId": variant(path), "quantity": quantity}], "note": "Ms Novak"});
    admin.post(HOLDS, &body).key(&fresh_key()).send().await
}

/// As if its time had passed.
fn let_expire(hold: &Value) {
    let late = format!(
        "UPDATE catalog.stock_holds SET expires_at = now() - interval '1 second' WHERE id = {}",
        hold["id"]
    );
    open().conn().batch_execute(&late).expect("late");
}

fn order(user: i64, product: i64, units: usize, hold: &Value) -> Value {
    let mut body = order_of(user, &vec![product; units]);
    body["holdId"] = hold["id"].clone();
    body
}

#[tokio::test]
async fn a_hold_is_made_once_per_key_read_refreshed_and_released() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let far = location(&admin, 1).await;
    let (product, path) = stocked(&admin, 3).await;
    put(&admin, &path, far, 2).await;
    let body = json!({"lines": [{"variantId": variant(&path), "quantity": 4}], "expiresIn": 60});
    let key = fresh_key();
    let send = || admin.post(HOLDS, &body).key(&key).send();

    let made = send().await;
    let address = made.header("location").expect("an address").to_owned();
    let made = made.expect(201);
    assert_eq!(send().await.expect(201), made);
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 3, 3], [far, 2, 1]], 1)
    );
    assert_eq!(made["status"], "active");
    assert_eq!(admin.get(&address).send().await.expect(200), made);
    let user = shop.register().await;
    let two = shop.post("/api/orders", &order_of(user, &[product, product]));
    two.send().await.refused(409, "out_of_stock");

    let longer = json!({"expiresIn": 604_800});
    let longer = admin.patch(&address, &longer).send().await.expect(200);
    assert!(longer["expiresAt"].as_str() > made["expiresAt"].as_str());
    let listed = admin
        .get(&format!("{HOLDS}?limit=100"))
        .send()
        .await
        .expect(200);
    let listed = listed["holds"].as_array().expect("holds");
    assert!(
        listed
            .iter()
            .any(|hold| hold["id"] == made["id"] && hold["lines"].is_null())
    );

    for _ in 0..2 {
        let released = admin.delete(&address).send().await.expect(200);
        assert_eq!(released["status"], "released");
    }
    admin
        .patch(&address, &json!({"expiresIn": 9}))
        .send()
        .await
        .refused(409, "hold_over");
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 3, 0], [far, 2, 0]], 5)
    );
    let moved = admin
        .get(&format!("{path}/movements?limit=1"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (
            &moved["movements"][0]["reason"],
            &moved["movements"][0]["holdId"]
        ),
        (&json!("hold_released"), &made["id"])
    );
}

#[tokio::test]
async fn an_order_takes_the_place_of_a_hold_and_nobody_comes_between() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 4).await;
    let held = hold(&admin, &path, 4).await.expect(201);
    let user = admin.register().await;
    let body = order(user, product, 3, &held);
    let key = fresh_key();
    let rivals: Vec<_> = (0..10)
        .map(|_| {
            admin
                .post("/api/orders", &order_of(user, &[product, product]))
                .send()
        })
        .collect();
    let ours: Vec<_> = (0..4)
        .map(|_| admin.post("/api/orders", &body).key(&key).send())
        .collect();

    let (rivals, ours) = tokio::join!(all(rivals), all(ours));

    assert_eq!(with_status(&ours, 201), 4, "{ours:?}");
    let placed = ours[0].json();
    assert!(
        ours.iter()
            .all(|answer| answer.json()["orderId"] == placed["orderId"])
    );
    assert_eq!(with_status(&rivals, 409), 10);
    assert_eq!(levels(&admin, &path).await, (vec![[1, 4, 3]], 1));
    let held = admin
        .get(&format!("{HOLDS}/{}", held["id"]))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&held["status"], &held["orderId"]),
        (&json!("ordered"), &placed["orderId"])
    );
    let again = admin.post("/api/orders", &order(user, product, 1, &held));
    again.send().await.refused(409, "hold_over");
    let cancelled = admin.delete(&format!("/api/orders/{}", placed["orderId"]));
    cancelled.send().await.expect(200);
    assert_eq!(levels(&admin, &path).await, (vec![[1, 4, 0]], 4));
}

#[tokio::test]
async fn an_order_that_is_refused_leaves_the_hold_as_it_was() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 4).await;
    let held = hold(&admin, &path, 3).await.expect(201);
    let user = admin.register().await;

    let too_many = admin.post("/api/orders", &order(user, product, 5, &held));
    let too_many = too_many.send().await.refused(409, "out_of_stock");
    assert!(
        too_many["errors"][0]["message"]
            .as_str()
            .expect("text")
            .starts_with("4 of")
    );
    let nobody = admin.post("/api/orders", &order(4_000_000_000, product, 1, &held));
    nobody.send().await.refused(404, "user_not_found");
    assert_eq!(levels(&admin, &path).await, (vec![[1, 4, 3]], 1));
    let all_of_it = admin.post("/api/orders", &order(user, product, 4, &held));
    all_of_it.send().await.expect(201);
    assert_eq!(levels(&admin, &path).await, (vec![[1, 4, 4]], 0));
}

#[tokio::test]
async fn an_expired_hold_keeps_nothing_from_an_order_and_is_swept_up() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (product, path) = stocked(&admin, 2).await;
    let (_, other) = stocked(&admin, 2).await;
    let lines = json!([{"variantId": variant(&path), "quantity": 2}, {"variantId": variant(&other), "quantity": 2}]);
    let held = admin
        .post(HOLDS, &json!({"lines": lines}))
        .key(&fresh_key());
    let held = held.send().await.expect(201);
    let_expire(&held);

    let user = shop.register().await;
    let late = admin.post("/api/orders", &order(user, product, 1, &held));
    late.send().await.refused(409, "hold_over");
    let two = shop.post("/api/orders", &order_of(user, &[product, product]));
    two.send().await.expect(201);
    let address = format!("{HOLDS}/{}", held["id"]);
    assert_eq!(
        admin.get(&address).send().await.expect(200)["status"],
        "expired"
    );

    let run = admin.post("/api/schedules/expireHolds/run", &Value::Null);
    assert!([200, 201].contains(&run.send().await.status));
    let swept = || async { levels(&admin, &other).await.0 == vec![[1, 2, 0]] };
    eventually("it is swept up", Duration::from_secs(60), swept).await;
    assert_eq!(levels(&admin, &path).await, (vec![[1, 2, 2]], 0));
}

#[tokio::test]
async fn a_hold_that_makes_no_sense_names_the_field_and_nothing_is_kept() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (product, path) = stocked(&admin, 2).await;
    let line = |quantity: Value| json!([{"variantId": variant(&path), "quantity": quantity}]);
    let unknown = json!([{"sku": "no such thing", "quantity": 1}]);
    let both = json!([{"sku": "X", "variantId": 1, "quantity": 1}]);
    let cases = [
        (json!({}), "lines"),
        (json!({"lines": []}), "lines"),
        (
            json!({"lines": vec![line(json!(1))[0].clone(); 1_001]}),
            "lines",
        ),
        (json!({"lines": line(json!(0))}), "lines[0].quantity"),
        (json!({"lines": line(json!(-1))}), "lines[0].quantity"),
        (json!({"lines": line(json!("1"))}), "lines[0].quantity"),
        (
            json!({"lines": line(json!(1_000_000_000_001_i64))}),
            "lines[0].quantity",
        ),
        (json!({"lines": unknown}), "lines[0]"),
        (json!({"lines": both}), "lines[0].sku"),
        (json!({"lines": [{"quantity": 1}]}), "lines[0].sku"),
        (
            json!({"lines": line(json!(1)), "expiresIn": 0}),
            "expiresIn",
        ),
        (
            json!({"lines": line(json!(1)), "expiresIn": 604_801}),
            "expiresIn",
        ),
        (
            json!({"lines": line(json!(1)), "expiresIn": "1"}),
            "expiresIn",
        ),
        (
            json!({"lines": line(json!(1)), "expiresIn": 4_294_967_297_i64}),
            "expiresIn",
        ),
        (json!({"lines": line(json!(1)), "note": "\u{0}"}), "note"),
        (json!({"lines": line(json!(1)), "until": 1}), "until"),
    ];
    for (body, field) in cases {
        let answer = admin
            .post(HOLDS, &body)
            .key(&fresh_key())
            .send()
            .await
            .expect(422);
        assert_eq!(answer["errors"][0]["field"], field, "{body}\n{answer}");
    }
    let short = hold(&admin, &path, 3).await.refused(409, "out_of_stock");
    assert_eq!(
        (&short["errors"][0]["field"], &short["errors"][0]["message"]),
        (&json!("lines[0].quantity"), &json!("2 are available"))
    );
    for id in ["0", "x", "01", "9223372036854775807"] {
        let answer = admin.get(&format!("{HOLDS}/{id}")).send().await;
        answer.refused(404, "hold_not_found");
    }
    let held = hold(&admin, &path, 1).await.expect(201);
    let address = format!("{HOLDS}/{}", held["id"]);
    for body in [
        json!({}),
        json!({"expiresIn": 0}),
        json!({"expiresIn": null}),
    ] {
        let answer = admin.patch(&address, &body).send().await.expect(422);
        assert_eq!(answer["errors"][0]["field"], "expiresIn", "{body}");
    }
    let user = shop.register().await;
    let unknown = admin.post(
        "/api/orders",
        &order(user, product, 1, &json!({"id": 4_000_000_000_i64})),
    );
    let unknown = unknown.send().await.refused(422, "unknown_hold");
    assert_eq!(unknown["errors"][0]["field"], "holdId");
    let not_staff = shop.post("/api/orders", &order(user, product, 1, &held));
    assert_eq!(
        not_staff.send().await.expect(403)["errors"][0]["field"],
        "holdId"
    );
    assert_eq!(levels(&admin, &path).await, (vec![[1, 2, 1]], 1));
}
