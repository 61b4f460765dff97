//! Stock of a variant, as staff counts, corrects and limits it.
//!
//! - [`locations`]: several of them
//! - [`transfers`]: from some into others
//! - [`holds`]: kept for somebody until a moment
//! - [`low`]: told once, and listed
//! - [`buyers`]: many at once, while stock is on the move

pub mod buyers;
mod holds;
pub mod locations;
mod low;
mod transfers;

use serde_json::{Value, json};

use crate::support::{Shop, fresh_key, open, order_of};

/// A product with so many units, and the path of its variant's stock.
async fn stocked(admin: &Shop, on_hand: i64) -> (i64, String) {
    let id = admin.product(&fresh_key().to_uppercase(), on_hand).await;
    let page = admin.get(&format!("/api/products/{id}/variants"));
    let variant = page.send().await.expect(200)["variants"][0]["id"].clone();
    (
        id,
        format!("/api/admin/products/{id}/variants/{variant}/stock"),
    )
}

async fn order(admin: &Shop, product: i64, units: usize) -> u16 {
    let user = admin.register().await;
    let order = order_of(user, &vec![product; units]);
    admin.post("/api/orders", &order).send().await.status
}

fn counters(stock: &Value) -> [i64; 5] {
    [
        "onHand",
        "reserved",
        "safety",
        "backorderLimit",
        "available",
    ]
    .map(|name| stock[name].as_i64().expect(name))
}

#[tokio::test]
async fn an_adjustment_counts_once_per_key_and_is_explained() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 5).await;
    let adjustments = format!("{path}/adjustments");
    let received = json!({"onHandDelta": 12, "reason": "received", "note": "delivery note 4711"});
    let key = fresh_key();
    let send = || admin.post(&adjustments, &received).key(&key).send();

    assert_eq!(counters(&send().await.expect(200)), [17, 0, 0, 0, 17]);
    let repeat = send().await;
    assert_eq!(repeat.header("idempotent-replayed"), Some("true"));
    assert_eq!(counters(&repeat.expect(200)), [17, 0, 0, 0, 17]);
    let broken = json!({"onHandDelta": -2, "reason": "damaged"});
    let broken = admin
        .post(&adjustments, &broken)
        .key(&fresh_key())
        .send()
        .await;
    assert_eq!(counters(&broken.expect(200)), [15, 0, 0, 0, 15]);
    assert_eq!(order(&admin, product, 3).await, 201);

    let page = admin
        .get(&format!("{path}/movements?limit=2"))
        .send()
        .await
        .expect(200);
    let of = |movement: &Value| {
        (
            movement["reason"].clone(),
            movement["onHandDelta"].clone(),
            movement["reservedDelta"].clone(),
        )
    };
    let newest: Vec<_> = page["movements"]
        .as_array()
        .expect("movements")
        .iter()
        .map(of)
        .collect();
    let expected = [
        (json!("order_placed"), json!(0), json!(3)),
        (json!("damaged"), json!(-2), json!(0)),
    ];
    assert_eq!(newest, expected);
    assert!(page["movements"][0]["orderId"].is_i64());
    let cursor = page["nextCursor"].as_str().expect("there is more");
    let rest = admin.get(&format!("{path}/movements?limit=2&cursor={cursor}"));
    let rest = rest.send().await.expect(200);
    assert_eq!(
        (
            &rest["movements"][0]["note"],
            &rest["movements"][1]["reason"]
        ),
        (&json!("delivery note 4711"), &json!("initial"))
    );
    assert_eq!(rest["hasMore"], false);
}

#[tokio::test]
async fn twenty_who_unpack_at_once_all_count() {
    let admin = open().admin().await;
    let (_, path) = stocked(&admin, 0).await;
    let unpack = (0..20).map(|_| {
        let (admin, path) = (admin.clone(), format!("{path}/adjustments"));
        tokio::spawn(async move {
            let one = json!({"onHandDelta": 1, "reason": "received"});
            admin
                .post(&path, &one)
                .key(&fresh_key())
                .send()
                .await
                .expect(200);
        })
    });
    for done in unpack.collect::<Vec<_>>() {
        done.await.expect("counted");
    }
    let stock = admin.get(&path).send().await.expect(200);
    assert_eq!(counters(&stock), [20, 0, 0, 0, 20]);
}

#[tokio::test]
async fn what_is_kept_back_is_not_sold_and_backorders_are_up_to_their_limit() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 5).await;

    let limited = admin
        .patch(&path, &json!({"safety": 3}))
        .send()
        .await
        .expect(200);
    assert_eq!(counters(&limited), [5, 0, 3, 0, 2]);
    assert_eq!(order(&admin, product, 3).await, 409);
    assert_eq!(order(&admin, product, 2).await, 201);
    let more = admin.patch(&path, &json!({"safety": 4})).send().await;
    assert_eq!(
        more.refused(409, "stock_reserved")["errors"][0]["field"],
        "safety"
    );

    let open_end = json!({"safety": 0, "backorderLimit": 4, "lowAt": null});
    let open_end = admin.patch(&path, &open_end).send().await.expect(200);
    assert_eq!(counters(&open_end), [5, 2, 0, 4, 7]);
    assert_eq!(order(&admin, product, 8).await, 409);
    assert_eq!(order(&admin, product, 7).await, 201);
    let fewer = admin
        .patch(&path, &json!({"backorderLimit": 3}))
        .send()
        .await;
    assert_eq!(
        fewer.refused(409, "stock_reserved")["errors"][0]["field"],
        "backorderLimit"
    );
    let nothing = admin.patch(&path, &json!({})).send().await.expect(200);
    assert_eq!(counters(&nothing), [5, 9, 0, 4, 0]);

    let variant = nothing["variantId"].clone();
    let events = admin
        .get("/api/events?type=stock.limitsChanged&limit=100")
        .send()
        .await
        .expect(200);
    let events = events["events"].as_array().expect("events").clone();
    let told: Vec<_> = events
        .iter()
        .filter(|e| e["data"]["variantId"] == variant)
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[1]["data"],
        json!({"variantId": variant, "locationId": 1, "safety": 0, "backorderLimit": 4, "lowAt": null})
    );
}

#[tokio::test]
async fn a_count_of_a_variant_is_compared_with_what_it_replaces() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 5).await;
    assert_eq!(order(&admin, product, 4).await, 201);

    admin
        .put(&path, &json!({"onHand": 6}))
        .send()
        .await
        .refused(428, "precondition_required");
    let count = json!({"onHand": 6, "expectedOnHand": 5, "note": "Ann"});
    assert_eq!(
        counters(&admin.put(&path, &count).send().await.expect(200)),
        [6, 4, 0, 0, 2]
    );
    assert_eq!(
        admin
            .put(&path, &count)
            .send()
            .await
            .refused(409, "stock_changed")["onHand"],
        6
    );
    let too_few = json!({"onHand": 3, "expectedOnHand": 6});
    admin
        .put(&path, &too_few)
        .send()
        .await
        .refused(409, "stock_reserved");
}

#[tokio::test]
async fn stock_that_makes_no_sense_names_the_field_and_nothing_moves() {
    let admin = open().admin().await;
    let (product, path) = stocked(&admin, 5).await;
    assert_eq!(order(&admin, product, 4).await, 201);
    let adjustments = format!("{path}/adjustments");
    let cases = [
        (
            json!({"onHandDelta": 0, "reason": "found"}),
            422,
            "onHandDelta",
        ),
        (
            json!({"onHandDelta": 1.5, "reason": "found"}),
            422,
            "onHandDelta",
        ),
        (
            json!({"onHandDelta": i64::MIN, "reason": "lost"}),
            422,
            "onHandDelta",
        ),
        (
            json!({"onHandDelta": 1_000_000_000_000_i64, "reason": "found"}),
            422,
            "onHandDelta",
        ),
        (
            json!({"onHandDelta": -2, "reason": "lost"}),
            409,
            "onHandDelta",
        ),
        (json!({"onHandDelta": 1, "reason": "count"}), 422, "reason"),
        (
            json!({"onHandDelta": 1, "reason": "found", "note": ""}),
            422,
            "note",
        ),
        (
            json!({"onHandDelta": 1, "reason": "found", "note": "a\u{0}"}),
            422,
            "note",
        ),
        (
            json!({"onHandDelta": 1, "reason": "found", "note": "x".repeat(501)}),
            422,
            "note",
        ),
        (
            json!({"onHandDelta": 1, "reason": "found", "location": 2}),
            422,
            "location",
        ),
    ];
    for (body, status, field) in cases {
        let answer = admin
            .post(&adjustments, &body)
            .key(&fresh_key())
            .send()
            .await;
        assert_eq!(answer.expect(status)["errors"][0]["field"], field, "{body}");
    }
    let limits = [
        ("safety", json!(-1)),
        ("safety", json!(1_000_000_000_001_i64)),
        ("backorderLimit", json!(-1)),
        ("backorderLimit", json!("x")),
    ];
    for (field, value) in limits {
        let answer = admin.patch(&path, &json!({field: value})).send().await;
        assert_eq!(answer.expect(422)["errors"][0]["field"], field, "{value}");
    }
    let elsewhere = path.replacen(&format!("/{product}/"), "/1/", 1);
    admin
        .get(&elsewhere)
        .send()
        .await
        .refused(404, "variant_not_found");
    let stock = admin.get(&path).send().await.expect(200);
    assert_eq!(counters(&stock), [5, 4, 0, 0, 1]);
}
