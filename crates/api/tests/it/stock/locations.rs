//! Stock at several locations, as staff keeps it and orders take it.

use serde_json::{Value, json};

use super::stocked;
use crate::support::{Shop, fresh_key, open, order_of};

/// A location of its own, and its id.
pub async fn location(admin: &Shop, priority: i64) -> i64 {
    let body = json!({"code": fresh_key(), "name": "Far", "priority": priority});
    let made = admin.post("/api/admin/locations", &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

/// Counts units that were not there before.
pub async fn put(admin: &Shop, path: &str, location: i64, on_hand: i64) {
    let count = json!({"locationId": location, "onHand": on_hand, "expectedOnHand": 0});
    let counted = admin.put(path, &count).send().await.expect(200);
    assert_eq!(
        (&counted["locationId"], &counted["onHand"]),
        (&json!(location), &json!(on_hand))
    );
}

/// Location, on hand and reserved of each level, and what is available of all.
pub async fn levels(admin: &Shop, path: &str) -> (Vec<[i64; 3]>, i64) {
    let levels = admin
        .get(&format!("{path}/levels"))
        .send()
        .await
        .expect(200);
    let number = |value: &Value| value.as_i64().expect("a number");
    let level =
        |level: &Value| ["locationId", "onHand", "reserved"].map(|name| number(&level[name]));
    let all = levels["levels"].as_array().expect("levels");
    (
        all.iter().map(level).collect(),
        number(&levels["available"]),
    )
}

async fn order(shop: &Shop, user: i64, product: i64, units: usize) -> Value {
    let body = order_of(user, &vec![product; units]);
    shop.post("/api/orders", &body).send().await.expect(201)
}

#[tokio::test]
async fn a_location_is_made_changed_and_deleted() {
    let admin = open().admin().await;
    let code = fresh_key();
    let body = json!({"code": code, "name": "Back room"});
    let made = admin.post("/api/admin/locations", &body).send().await;
    let (etag, place) = (
        made.header("etag").expect("a version").to_owned(),
        made.header("location").expect("a path").to_owned(),
    );
    let made = made.expect(201);
    assert_eq!(
        (&made["code"], &made["isActive"], &made["priority"]),
        (&json!(code), &json!(true), &json!(0))
    );
    let again = admin.post("/api/admin/locations", &body).send().await;
    again.refused(409, "location_code_taken");

    let closed = json!({"isActive": false, "priority": 3, "name": "Cellar"});
    let change = |etag: String| {
        admin
            .patch(&place, &closed)
            .header("if-match", &etag)
            .send()
    };
    let changed = change(etag.clone()).await.expect(200);
    assert_eq!(
        (&changed["isActive"], &changed["name"], &changed["priority"]),
        (&json!(false), &json!("Cellar"), &json!(3))
    );
    assert!(changed["deactivatedAt"].is_string());
    change(etag).await.refused(412, "precondition_failed");
    assert_eq!(admin.get(&place).send().await.expect(200), changed);

    let cursor = {
        let first = admin
            .get("/api/admin/locations?limit=1")
            .send()
            .await
            .expect(200);
        assert_eq!(first["locations"][0]["code"], "main");
        first["nextCursor"]
            .as_str()
            .expect("there is more")
            .to_owned()
    };
    let rest = admin.get(&format!("/api/admin/locations?limit=100&cursor={cursor}"));
    let rest = rest.send().await.expect(200);
    assert_ne!(rest["locations"][0]["code"], "main");

    admin.delete(&place).send().await.expect(204);
    admin
        .get(&place)
        .send()
        .await
        .refused(404, "location_not_found");
}

#[tokio::test]
async fn the_main_location_stays_and_so_does_one_with_a_past() {
    let admin = open().admin().await;
    let main = "/api/admin/locations/1";
    admin
        .delete(main)
        .send()
        .await
        .refused(409, "main_location");
    let off = json!({"isActive": false});
    admin
        .patch(main, &off)
        .send()
        .await
        .refused(409, "main_location");
    let far = location(&admin, 1).await;
    let (_, path) = stocked(&admin, 1).await;
    put(&admin, &path, far, 2).await;

    let place = format!("/api/admin/locations/{far}");
    admin
        .delete(&place)
        .send()
        .await
        .refused(409, "location_in_use");
    admin.patch(&place, &off).send().await.expect(200);
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 1, 0], [far, 2, 0]], 1)
    );
}

#[tokio::test]
async fn an_order_takes_from_several_locations_and_gives_back_where_it_took() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let (near, far) = (location(&admin, 0).await, location(&admin, 9).await);
    let (product, path) = stocked(&admin, 2).await;
    put(&admin, &path, far, 3).await;
    put(&admin, &path, near, 1).await;
    let user = shop.register().await;

    let first = order(&shop, user, product, 3).await;
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 2, 2], [near, 1, 1], [far, 3, 0]], 3)
    );
    let second = order(&shop, user, product, 2).await;
    let listed = admin.get(&format!("/api/admin/products/{product}/variants"));
    let listed = listed.send().await.expect(200)["variants"][0].clone();
    assert_eq!(
        (&listed["onHand"], &listed["reserved"], &listed["available"]),
        (&json!(6), &json!(5), &json!(1))
    );
    let short = shop.post("/api/orders", &order_of(user, &[product, product]));
    let short = short.send().await.refused(409, "out_of_stock");
    assert!(
        short["errors"][0]["message"]
            .as_str()
            .expect("text")
            .starts_with("1 of")
    );

    let path_of = |order: &Value| format!("/api/orders/{}", order["orderId"]);
    shop.delete(&path_of(&first)).send().await.expect(200);
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 2, 0], [near, 1, 0], [far, 3, 2]], 4)
    );
    for status in ["processed", "inTransit"] {
        let step = json!({"status": status});
        shop.put(&path_of(&second), &step).send().await.expect(200);
    }
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 2, 0], [near, 1, 0], [far, 1, 0]], 4)
    );

    let there = admin.get(&format!("{path}/movements?locationId={far}&limit=2"));
    let there = there.send().await.expect(200);
    let told: Vec<_> = there["movements"]
        .as_array()
        .expect("movements")
        .iter()
        .collect();
    assert_eq!(
        (
            &told[0]["reason"],
            &told[0]["onHandDelta"],
            &told[0]["locationId"]
        ),
        (&json!("order_shipped"), &json!(-2), &json!(far))
    );
    let cursor = there["nextCursor"].as_str().expect("there is more");
    let rest = admin.get(&format!(
        "{path}/movements?locationId={far}&cursor={cursor}"
    ));
    assert_eq!(
        rest.send().await.expect(200)["movements"][0]["reason"],
        "count"
    );
    let all = admin
        .get(&format!("{path}/movements?limit=100"))
        .send()
        .await
        .expect(200);
    // Three times stock came, 3 places were reserved, 2 returned, 1 shipped.
    assert_eq!(all["movements"].as_array().expect("movements").len(), 9);
}

#[tokio::test]
async fn what_is_written_without_a_location_is_written_at_the_main_one() {
    let admin = open().admin().await;
    let far = location(&admin, 0).await;
    let (product, path) = stocked(&admin, 2).await;
    let found = json!({"locationId": far, "onHandDelta": 4, "reason": "found"});
    let found = admin.post(&format!("{path}/adjustments"), &found);
    let found = found.key(&fresh_key()).send().await.expect(200);
    assert_eq!(
        (&found["locationId"], &found["onHand"]),
        (&json!(far), &json!(4))
    );
    let kept = json!({"locationId": far, "safety": 3, "backorderLimit": 1});
    let kept = admin.patch(&path, &kept).send().await.expect(200);
    assert_eq!(kept["available"], 2);

    let count = json!({"onHand": 6, "expectedOnHand": 2});
    let counted = admin.put(&path, &count).send().await.expect(200);
    assert_eq!(counted["locationId"], 1);
    let documented = format!("/api/products/{product}/stock");
    let documented = admin.get(&documented).send().await.expect(200);
    assert_eq!(
        (&documented["onHand"], &documented["available"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(
        levels(&admin, &path).await,
        (vec![[1, 6, 0], [far, 4, 0]], 8)
    );
    let one = admin
        .get(&format!("{path}?locationId={far}"))
        .send()
        .await
        .expect(200);
    assert_eq!((&one["safety"], &one["available"]), (&json!(3), &json!(2)));
    let untouched = location(&admin, 0).await;
    let none = admin.get(&format!("{path}?locationId={untouched}"));
    assert_eq!(none.send().await.expect(200)["onHand"], 0);
}

#[tokio::test]
async fn a_location_that_makes_no_sense_names_the_field_and_nothing_happens() {
    let admin = open().admin().await;
    let cases = [
        (json!({"name": "x"}), 422, "code"),
        (json!({"code": "", "name": "x"}), 422, "code"),
        (json!({"code": "Back Room", "name": "x"}), 422, "code"),
        (json!({"code": "ｂerlin", "name": "x"}), 422, "code"),
        (json!({"code": "a".repeat(81), "name": "x"}), 422, "code"),
        (json!({"code": 7, "name": "x"}), 422, "code"),
        (json!({"code": fresh_key()}), 422, "name"),
        (json!({"code": fresh_key(), "name": "  "}), 422, "name"),
        (json!({"code": fresh_key(), "name": "a\u{0}b"}), 422, "name"),
        (
            json!({"code": fresh_key(), "name": "x".repeat(201)}),
            422,
            "name",
        ),
        (
            json!({"code": fresh_key(), "name": "x", "priority": -1}),
            422,
            "priority",
        ),
        (
            json!({"code": fresh_key(), "name": "x", "priority": 1_000_000_001}),
            422,
            "priority",
        ),
        (
            json!({"code": fresh_key(), "name": "x", "priority": 1.5}),
            422,
            "priority",
        ),
        (
            json!({"code": fresh_key(), "name": "x", "isActive": "yes"}),
            422,
            "isActive",
        ),
        (
            json!({"code": fresh_key(), "name": "x", "id": 7}),
            422,
            "id",
        ),
    ];
    for (body, status, field) in cases {
        let answer = admin.post("/api/admin/locations", &body).send().await;
        assert_eq!(answer.expect(status)["errors"][0]["field"], field, "{body}");
    }
    let malformed = admin.request("POST", "/api/admin/locations");
    let malformed = malformed.raw("application/json", "{\"code\":").send().await;
    assert_eq!(malformed.status, 400);
    let far = location(&admin, 0).await;
    for (body, field) in [
        (json!({"priority": -1}), "priority"),
        (json!({"name": ""}), "name"),
        (json!({"code": "A"}), "code"),
        (json!({"version": 1}), "version"),
    ] {
        let answer = admin
            .patch(&format!("/api/admin/locations/{far}"), &body)
            .send()
            .await;
        assert_eq!(answer.expect(422)["errors"][0]["field"], field, "{body}");
    }
    for id in ["0", "-1", "01", "1e9", "9223372036854775808", "x"] {
        let answer = admin
            .get(&format!("/api/admin/locations/{id}"))
            .send()
            .await;
        answer.refused(404, "location_not_found");
    }
    for query in ["limit=0", "limit=101", "cursor=x", "page=2"] {
        let answer = admin
            .get(&format!("/api/admin/locations?{query}"))
            .send()
            .await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn stock_at_a_location_that_is_not_there_is_refused() {
    let admin = open().admin().await;
    let (_, path) = stocked(&admin, 2).await;
    let unknown = 4_000_000_000_i64;
    let refused = |answer: crate::support::Answer| {
        let problem = answer.refused(422, "unknown_location");
        assert_eq!(problem["errors"][0]["field"], "locationId");
    };
    let count = json!({"locationId": unknown, "onHand": 1, "expectedOnHand": 0});
    refused(admin.put(&path, &count).send().await);
    let found = json!({"locationId": unknown, "onHandDelta": 1, "reason": "found"});
    let adjustments = format!("{path}/adjustments");
    refused(
        admin
            .post(&adjustments, &found)
            .key(&fresh_key())
            .send()
            .await,
    );
    let kept = json!({"locationId": unknown, "safety": 1});
    refused(admin.patch(&path, &kept).send().await);
    for bad in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let count = json!({"locationId": bad, "onHand": 1, "expectedOnHand": 0});
        let answer = admin.put(&path, &count).send().await.expect(422);
        assert_eq!(answer["errors"][0]["field"], "locationId", "{bad}");
    }
    for query in [
        "locationId=0",
        "locationId=4000000000",
        "locationId=x",
        "location=1",
    ] {
        let answer = admin.get(&format!("{path}?{query}")).send().await;
        assert_eq!(answer.status, 400, "{query}");
    }
    let stale = json!({"locationId": location(&admin, 0).await, "onHand": 1, "expectedOnHand": 5});
    admin
        .put(&path, &stale)
        .send()
        .await
        .refused(409, "stock_changed");
    assert_eq!(levels(&admin, &path).await, (vec![[1, 2, 0]], 2));
}
