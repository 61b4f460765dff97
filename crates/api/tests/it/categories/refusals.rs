//! What makes no sense names the field, and changes nothing.

use serde_json::{Value, json};

use super::{PATH, category, product};
use crate::support::{Shop, count, fresh_key, open};

/// Sends a body that is wrong in one field, and checks which one is named.
async fn refused(
    admin: &Shop,
    (method, path): (&str, &str),
    body: Value,
    status: u16,
    field: &str,
) {
    let answer = admin.request(method, path).json(&body).send().await;
    let problem = answer.expect(status);
    let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
    assert_eq!(named, field, "{method} {body}: {problem}");
}

fn long(length: usize) -> Value {
    "x".repeat(length).into()
}

#[tokio::test]
async fn a_category_that_makes_no_sense_is_not_made_and_not_changed() {
    let admin = open().admin().await;
    let id = category(&admin, "Tees", &[]).await;
    let taken = json!({"name": "x", "slug": fresh_key()});
    let taken = admin.post(PATH, &taken).send().await.expect(201)["slug"].clone();
    let texts = [
        ("name", json!(""), 422),
        ("name", json!("   "), 422),
        ("name", json!("a\u{0}b"), 422),
        ("name", json!("\u{1b}[2J"), 422),
        ("name", long(301), 422),
        ("name", json!(7), 422),
        ("slug", json!(""), 422),
        ("slug", json!("Tees"), 422),
        ("slug", json!("a b"), 422),
        ("slug", json!("-a"), 422),
        ("slug", json!("a--b"), 422),
        ("slug", json!("../a"), 422),
        ("slug", json!("ｔｅｅｓ"), 422),
        ("slug", json!("te\u{200b}es"), 422),
        ("slug", json!("a\u{0}"), 422),
        ("slug", long(81), 422),
        ("slug", json!(1), 422),
        ("slug", taken, 409),
        ("description", json!("a\u{0}"), 422),
        ("description", long(20_001), 422),
        ("description", json!([]), 422),
        ("image", json!("a\u{0}"), 422),
        ("image", long(2_001), 422),
        ("image", json!(false), 422),
        ("productOrder", json!("priceAsc"), 422),
        ("productOrder", json!(""), 422),
        ("productOrder", json!("Newest"), 422),
        ("productOrder", json!({}), 422),
        ("colour", json!("red"), 422),
        ("id", json!(1), 422),
        ("version", json!(1), 422),
        ("archivedAt", json!("2026-01-01T00:00:00Z"), 422),
    ];
    let before = count(
        &mut open().conn(),
        "catalog.categories WHERE name IN ('Good', 'x')",
    );
    let one = format!("{PATH}/{id}");
    for (field, value, status) in texts {
        let mut new = json!({"name": "Good", "slug": fresh_key()});
        new[field] = value.clone();
        refused(&admin, ("POST", PATH), new, status, field).await;
        refused(
            &admin,
            ("PATCH", &one),
            json!({field: value}),
            status,
            field,
        )
        .await;
    }
    refused(&admin, ("POST", PATH), json!({"slug": "a"}), 422, "name").await;
    refused(&admin, ("POST", PATH), json!({"name": "東京"}), 422, "slug").await;
    let after = count(
        &mut open().conn(),
        "catalog.categories WHERE name IN ('Good', 'x')",
    );
    assert_eq!(after, before);
    assert_eq!(admin.get(&one).send().await.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn a_place_that_makes_no_sense_is_refused() {
    let admin = open().admin().await;
    let top = category(&admin, "Top", &[]).await;
    let (a, b) = (
        category(&admin, "A", &[]).await,
        category(&admin, "B", &[top]).await,
    );
    let bodies = [
        (json!({}), 422, "parents"),
        (json!({"parents": null}), 422, "parents"),
        (json!({"parents": 1}), 422, "parents"),
        (json!({"parents": [1]}), 422, "parents[0]"),
        (json!({"parents": [{}]}), 422, "parents[0].id"),
        (json!({"parents": [{"id": 0}]}), 422, "parents[0].id"),
        (json!({"parents": [{"id": -1}]}), 422, "parents[0].id"),
        (json!({"parents": [{"id": 1.5}]}), 422, "parents[0].id"),
        (json!({"parents": [{"id": "1"}]}), 422, "parents[0].id"),
        (
            json!({"parents": [{"id": 9_223_372_036_854_775_808_u64}]}),
            422,
            "parents[0].id",
        ),
        (
            json!({"parents": [{"id": top}, {"id": i64::MAX}]}),
            422,
            "parents[1].id",
        ),
        (
            json!({"parents": [{"id": top}, {"id": top}]}),
            422,
            "parents[1].id",
        ),
        (
            json!({"parents": [{"id": top, "position": -1}]}),
            422,
            "parents[0].position",
        ),
        (
            json!({"parents": [{"id": top, "position": 1_000_000_001}]}),
            422,
            "parents[0].position",
        ),
        (
            json!({"parents": [{"id": top, "position": "1"}]}),
            422,
            "parents[0].position",
        ),
        (
            json!({"parents": [{"id": top, "rank": 1}]}),
            422,
            "parents[0].rank",
        ),
        (
            json!({"parents": vec![json!({"id": top}); 51]}),
            422,
            "parents",
        ),
        (
            json!({"parents": [], "rootPosition": -1}),
            422,
            "rootPosition",
        ),
        (
            json!({"parents": [], "rootPosition": i64::MAX}),
            422,
            "rootPosition",
        ),
        (
            json!({"parents": [], "rootPosition": 0.5}),
            422,
            "rootPosition",
        ),
        (
            json!({"parents": [{"id": top}], "rootPosition": 1}),
            422,
            "rootPosition",
        ),
        (json!({"parents": [], "children": []}), 422, "children"),
        (json!({"parents": [{"id": a}]}), 409, "parents[0].id"),
    ];
    let path = format!("{PATH}/{a}/parents");
    for (body, status, field) in bodies {
        refused(&admin, ("PUT", &path), body.clone(), status, field).await;
        // As a new category would say it; nothing is below that one, and no parents are a root.
        if status == 422 && !["parents", "children"].contains(&field) {
            let mut new = body;
            new["name"] = "New".into();
            refused(&admin, ("POST", PATH), new, status, field).await;
        }
    }
    let below = json!({"parents": [{"id": b}]});
    let path = format!("{PATH}/{top}/parents");
    let cycle = admin.put(&path, &below).send().await;
    cycle.refused(409, "category_cycle");
    let children = admin.delete(&format!("{PATH}/{top}")).send().await;
    children.refused(409, "category_has_children");
    let mut deep = top;
    for level in 2..=20 {
        deep = category(&admin, &format!("Level {level}"), &[deep]).await;
    }
    let deeper = json!({"name": "Too deep", "parents": [{"id": deep}]});
    let deeper = admin.post(PATH, &deeper).send().await;
    deeper.refused(409, "category_too_deep");
    assert_eq!(
        admin
            .get(&format!("{PATH}/{a}"))
            .send()
            .await
            .header("etag"),
        Some("\"1\"")
    );
}

#[tokio::test]
async fn assignments_that_make_no_sense_are_refused_and_none_is_made() {
    let admin = open().admin().await;
    let id = category(&admin, "Tees", &[]).await;
    let tee = product(&admin).await;
    let (one, other) = (json!({"productId": tee}), json!({"productId": 1}));
    let bodies = [
        (json!({}), "add"),
        (json!({"add": [], "remove": []}), "add"),
        (json!({"add": vec![other.clone(); 1_001]}), "add"),
        (json!({"add": [one], "remove": vec![1; 1_000]}), "add"),
        (json!({"add": {}}), "add"),
        (json!({"add": [one, {}]}), "add[1].productId"),
        (json!({"add": [one, {"productId": 0}]}), "add[1].productId"),
        (json!({"add": [one, {"productId": -7}]}), "add[1].productId"),
        (
            json!({"add": [one, {"productId": "7"}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [one, {"productId": 1.5}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [one, {"productId": null}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [one, {"productId": i64::MAX}]}),
            "add[1].productId",
        ),
        (json!({"add": [one, one]}), "add[1].productId"),
        (
            json!({"add": [{"productId": tee, "position": -1}]}),
            "add[0].position",
        ),
        (
            json!({"add": [{"productId": tee, "position": i64::MAX}]}),
            "add[0].position",
        ),
        (
            json!({"add": [{"productId": tee, "position": "1"}]}),
            "add[0].position",
        ),
        (
            json!({"add": [{"productId": tee, "price": "1"}]}),
            "add[0].price",
        ),
        (json!({"add": [one], "remove": [1, tee]}), "remove[1]"),
        (json!({"add": [one], "remove": [1, 1]}), "remove[1]"),
        (json!({"add": [one], "remove": ["x"]}), "remove[0]"),
        (json!({"add": [one], "remove": [-1]}), "remove[0]"),
        (json!({"add": [one], "replace": true}), "replace"),
    ];
    let path = format!("{PATH}/{id}/products");
    for (body, field) in bodies {
        refused(&admin, ("PUT", &path), body, 422, field).await;
    }
    let most: Vec<i64> = (0..1_000).map(|n| i64::MAX - n).collect();
    let none = admin.put(&path, &json!({"remove": most})).send().await;
    assert_eq!(none.expect(200), json!({"placed": 0, "removed": 0}));
    let held = format!("catalog.category_products WHERE category_id = {id}");
    assert_eq!(count(&mut open().conn(), &held), 0);
    assert_eq!(
        admin
            .get(&format!("{PATH}/{id}"))
            .send()
            .await
            .header("etag"),
        Some("\"1\"")
    );
}

#[tokio::test]
async fn bodies_that_are_none_and_ids_that_are_none_are_refused() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let id = category(&admin, "Tees", &[]).await;
    let writes = [
        ("POST", PATH.to_owned()),
        ("PATCH", format!("{PATH}/{id}")),
        ("PUT", format!("{PATH}/{id}/parents")),
        ("PUT", format!("{PATH}/{id}/products")),
    ];
    let deep = format!("{{\"parents\":{}", "[".repeat(50_000));
    for (method, path) in &writes {
        for text in [
            "",
            "{",
            "[]",
            "null x",
            "{\"name\":NaN}",
            "\u{feff}{}",
            &deep,
        ] {
            let answer = admin.request(method, path).raw("application/json", text);
            let answer = answer.send().await;
            assert!(
                [400, 422].contains(&answer.status),
                "{method} {path} {text:.40}: {answer:?}"
            );
        }
        let plain = admin
            .request(method, path)
            .raw("text/plain", "{}")
            .send()
            .await;
        plain.refused(415, "unsupported_media_type");
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(256 * 1024));
        let large = admin.request(method, path).raw("application/json", large);
        large.send().await.refused(413, "payload_too_large");
    }
    for none in [
        "0",
        "-1",
        "+1",
        "01",
        "1e9",
        "%D9%A3",
        "9223372036854775808",
        "x",
        "9223372036854775807",
    ] {
        let one = format!("{PATH}/{none}");
        let requests = [
            shop.get(&format!("/api/categories/{none}")),
            shop.get(&format!("/api/categories/{none}/products")),
            admin.get(&one),
            admin.patch(&one, &json!({"name": "x"})),
            admin.delete(&one),
            admin.put(&format!("{one}/parents"), &json!({"parents": []})),
            admin.put(&format!("{one}/products"), &json!({"remove": [1]})),
        ];
        for request in requests {
            request.send().await.refused(404, "category_not_found");
        }
    }
    let lists = [
        "parentId=0",
        "parentId=x",
        "parentId=1&parentId=2",
        "slug=A",
        "slug=a%00",
        "slug=a&parentId=1",
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=c0000000000000001",
        "q=tees",
    ];
    for query in lists {
        let answer = shop.get(&format!("/api/categories?{query}")).send().await;
        answer.refused(400, "invalid_query");
    }
    for query in [
        "includeDescendants=1",
        "includeDescendants=",
        "limit=1000",
        "cursor=c0",
        "page=1",
        "sort=name",
    ] {
        let answer = shop.get(&format!("/api/categories/{id}/products?{query}"));
        answer.send().await.refused(400, "invalid_query");
    }
    let unknown = shop
        .get("/api/categories?parentId=9223372036854775807")
        .send()
        .await;
    unknown.refused(404, "category_not_found");
    // A place that nothing has is behind some, or behind all.
    let far = format!("p{:016x}{:016x}", i64::MAX, i64::MAX);
    let far = shop
        .get(&format!("/api/categories?cursor={far}"))
        .send()
        .await;
    assert_eq!(far.expect(200)["categories"], json!([]));
}
