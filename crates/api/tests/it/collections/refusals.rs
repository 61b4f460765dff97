//! What makes no sense names the field, and changes nothing.

use serde_json::{Value, json};

use super::{PATH, collection, product, slug};
use crate::support::{Shop, count, open};

/// Sends a body that is wrong in one field, and checks which one is named.
async fn refused(
    admin: &Shop,
    (method, path): (&str, &str),
    body: &Value,
    status: u16,
    field: &str,
) {
    let answer = admin.request(method, path).json(body).send().await;
    let problem = answer.expect(status);
    let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
    assert_eq!(named, field, "{method} {body}: {problem}");
}

fn long(length: usize) -> Value {
    "x".repeat(length).into()
}

fn rules() -> Value {
    json!({"match": "all", "conditions": [{"inStock": true}]})
}

#[tokio::test]
async fn a_collection_that_makes_no_sense_is_not_made_and_not_changed() {
    let admin = open().admin().await;
    let id = collection(&admin, "Tees", &rules()).await;
    let taken = json!({"name": "x", "slug": slug()});
    let taken = admin.post(PATH, &taken).send().await.expect(201)["slug"].clone();
    let fields = [
        ("name", json!(""), 422),
        ("name", json!("   "), 422),
        ("name", json!("a\u{0}b"), 422),
        ("name", long(301), 422),
        ("name", json!(7), 422),
        ("slug", json!(""), 422),
        ("slug", json!("Tees"), 422),
        ("slug", json!("../a"), 422),
        ("slug", json!("ｔｅｅｓ"), 422),
        ("slug", json!("2026"), 422), // an id would be meant
        ("slug", json!("20-26"), 422),
        ("slug", long(81), 422),
        ("slug", json!(1), 422),
        ("slug", taken, 409),
        ("description", long(20_001), 422),
        ("description", json!([]), 422),
        ("image", json!("a\u{0}"), 422),
        ("image", long(2_001), 422),
        ("productOrder", json!("priceAsc"), 422),
        ("productOrder", json!("manual"), 422), // what rules find has no places
        ("productOrder", json!({}), 422),
        ("kind", json!("manual"), 422),
        ("id", json!(1), 422),
        ("version", json!(1), 422),
    ];
    let made = "catalog.collections WHERE name = 'Good'";
    let before = count(&mut open().conn(), made);
    let one = format!("{PATH}/{id}");
    for (field, value, status) in fields {
        let mut new = json!({"name": "Good", "slug": slug(), "rules": rules()});
        new[field] = value.clone();
        refused(&admin, ("POST", PATH), &new, status, field).await;
        let change = json!({field: value});
        refused(&admin, ("PATCH", &one), &change, status, field).await;
    }
    let nameless = json!({"slug": "a"});
    refused(&admin, ("POST", PATH), &nameless, 422, "name").await;
    for name in ["東京", "2026"] {
        refused(&admin, ("POST", PATH), &json!({"name": name}), 422, "slug").await;
    }
    assert_eq!(count(&mut open().conn(), made), before);
    let read = admin.get(&one).send().await;
    assert_eq!(read.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_with_the_place_of_what_is_wrong() {
    let admin = open().admin().await;
    let id = collection(&admin, "Tees", &rules()).await;
    let place = "rules.conditions[1]";
    let conditions = [
        (json!({}), ""),
        (json!({"brand": "a", "tag": "b"}), ""),
        (json!({"brand": null}), ""),
        (json!("inStock"), ""),
        (json!(null), ""),
        (json!({"colour": "red"}), ".colour"),
        (json!({"brand": ""}), ".brand"),
        (json!({"brand": "a\u{0}"}), ".brand"),
        (json!({"brand": long(101)}), ".brand"),
        (json!({"brand": ["a"]}), ".brand"),
        (json!({"tag": " "}), ".tag"),
        (json!({"tag": 7}), ".tag"),
        (json!({"category": 0}), ".category"),
        (json!({"category": "1"}), ".category"),
        (json!({"category": -1}), ".category"),
        (json!({"category": i64::MAX}), ".category"),
        (json!({"inStock": "true"}), ".inStock"),
        (json!({"madeWithinDays": 0}), ".madeWithinDays"),
        (json!({"madeWithinDays": -1}), ".madeWithinDays"),
        (json!({"madeWithinDays": 1.5}), ".madeWithinDays"),
        (json!({"madeWithinDays": 3_651}), ".madeWithinDays"),
        (json!({"madeWithinDays": 1_u64 << 40}), ".madeWithinDays"),
        (json!({"price": {}}), ".price"),
        (json!({"price": 7}), ".price"),
        (json!({"price": {"min": 7}}), ".price.min"),
        (json!({"price": {"min": "-1.00"}}), ".price.min"),
        (json!({"price": {"max": "1.001"}}), ".price.max"),
        (json!({"price": {"max": "1e3"}}), ".price.max"),
        (
            json!({"price": {"max": "99999999999999999999"}}),
            ".price.max",
        ),
        (
            json!({"price": {"min": "2.00", "max": "1.00"}}),
            ".price.min",
        ),
        (
            json!({"price": {"min": "1.00", "currency": "EUR"}}),
            ".price.currency",
        ),
        (
            json!({"price": {"min": "1.00", "currency": "$"}}),
            ".price.currency",
        ),
        (
            json!({"price": {"min": "1.00", "step": "1"}}),
            ".price.step",
        ),
    ];
    let conditions = conditions.map(|(condition, field)| {
        let rules = json!({"match": "any", "conditions": [{"inStock": true}, condition]});
        (rules, format!("{place}{field}"))
    });
    let stock = json!({"inStock": true});
    let whole = [
        (json!(7), "rules"),
        (json!([]), "rules"),
        (json!({}), "rules.match"),
        (json!({"match": "all"}), "rules.conditions"),
        (
            json!({"match": "all", "conditions": []}),
            "rules.conditions",
        ),
        (
            json!({"match": "all", "conditions": {}}),
            "rules.conditions",
        ),
        (
            json!({"match": "all", "conditions": vec![stock.clone(); 21]}),
            "rules.conditions",
        ),
        (
            json!({"match": "none", "conditions": [stock]}),
            "rules.match",
        ),
        (
            json!({"match": "all", "conditions": [stock], "not": []}),
            "rules.not",
        ),
    ];
    let whole = whole.map(|(rules, field)| (rules, field.to_owned()));
    let one = format!("{PATH}/{id}");
    for (rules, field) in conditions.into_iter().chain(whole) {
        let new = json!({"name": "Wrong", "slug": slug(), "rules": rules});
        refused(&admin, ("POST", PATH), &new, 422, &field).await;
        let change = json!({"rules": rules});
        refused(&admin, ("PATCH", &one), &change, 422, &field).await;
    }
    let wrong = "catalog.collections WHERE name = 'Wrong'";
    assert_eq!(count(&mut open().conn(), wrong), 0);
    let most = json!({"match": "any", "conditions": vec![json!({"inStock": true}); 20]});
    let most = admin.patch(&one, &json!({"rules": most})).send().await;
    assert_eq!(most.header("etag"), Some("\"2\""));
    most.expect(200);
}

#[tokio::test]
async fn a_list_gets_no_rules_and_rules_get_no_list() {
    let admin = open().admin().await;
    let tee = product(&admin).await;
    let list = collection(&admin, "List", &Value::Null).await;
    let ruled = collection(&admin, "Ruled", &rules()).await;
    let change = json!({"rules": rules()});
    let path = format!("{PATH}/{list}");
    refused(&admin, ("PATCH", &path), &change, 409, "rules").await;
    let put = json!({"add": [{"productId": tee}]});
    let put = admin.put(&format!("{PATH}/{ruled}/products"), &put);
    put.send().await.refused(409, "collection_has_rules");

    let path = format!("{path}/products");
    let bodies = [
        (json!({}), "add"),
        (
            json!({"add": [{"productId": tee}, {"productId": 0}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [{"productId": tee}, {"productId": i64::MAX}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [{"productId": tee}, {"productId": tee}]}),
            "add[1].productId",
        ),
        (
            json!({"add": [{"productId": tee, "position": -1}]}),
            "add[0].position",
        ),
        (
            json!({"add": [{"productId": tee}], "remove": [tee]}),
            "remove[0]",
        ),
        (
            json!({"add": [{"productId": tee}], "replace": true}),
            "replace",
        ),
    ];
    for (body, field) in bodies {
        refused(&admin, ("PUT", &path), &body, 422, field).await;
    }
    let held = format!("catalog.collection_products WHERE collection_id IN ({list}, {ruled})");
    assert_eq!(count(&mut open().conn(), &held), 0);
}

#[tokio::test]
async fn bodies_that_are_none_and_ids_that_are_none_are_refused() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let id = collection(&admin, "Tees", &Value::Null).await;
    let writes = [
        ("POST", PATH.to_owned()),
        ("PATCH", format!("{PATH}/{id}")),
        ("PUT", format!("{PATH}/{id}/products")),
    ];
    let deep = format!("{{\"rules\":{}", "[".repeat(50_000));
    for (method, path) in &writes {
        for text in ["", "{", "[]", "null x", "{\"name\":NaN}", &deep] {
            let answer = admin.request(method, path).raw("application/json", text);
            let answer = answer.send().await;
            assert!(
                [400, 422].contains(&answer.status),
                "{method} {path} {text:.40}: {answer:?}"
            );
        }
        let plain = admin.request(method, path).raw("text/plain", "{}");
        plain.send().await.refused(415, "unsupported_media_type");
    }
    for none in [
        "0",
        "-1",
        "01",
        "%D9%A3",
        "9223372036854775808",
        "x_",
        "9223372036854775807",
        "nobody-has-this",
    ] {
        let one = format!("{PATH}/{none}");
        let requests = [
            shop.get(&format!("/api/collections/{none}")),
            shop.get(&format!("/api/collections/{none}/products")),
            admin.get(&one),
            admin.patch(&one, &json!({"name": "x"})),
            admin.delete(&one),
            admin.get(&format!("{one}/products")),
            admin.put(&format!("{one}/products"), &json!({"remove": [1]})),
        ];
        for request in requests {
            request.send().await.refused(404, "collection_not_found");
        }
    }
    for query in ["limit=0", "limit=101", "cursor=x", "q=tees", "slug=a"] {
        for (reader, path) in [(&shop, "/api/collections"), (&admin, PATH)] {
            let answer = reader.get(&format!("{path}?{query}")).send().await;
            answer.refused(400, "invalid_query");
        }
    }
    for query in [
        "limit=1000",
        "cursor=c0",
        "page=1",
        "sort=name",
        "currency=$",
        "country=xx1",
        "locale=_",
    ] {
        let answer = shop.get(&format!("/api/collections/{id}/products?{query}"));
        answer.send().await.refused(400, "invalid_query");
    }
}
