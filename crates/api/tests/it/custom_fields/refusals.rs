//! What makes no sense is named, and nothing is written.

use serde_json::{Value, json};

use super::{define, fresh_field, product};
use crate::support::{fresh_key, open};

#[tokio::test]
async fn each_field_of_a_definition_is_checked() {
    let admin = open().admin().await;
    let (key, _) = define(&admin, "product", json!({"type": "text"})).await;
    let with = |more: Value| {
        let mut body = json!({"resource": "product", "key": fresh_field(), "type": "text"});
        let more = more.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(more);
        body
    };
    for (field, more) in [
        ("resource", json!({"resource": "order"})),
        ("resource", json!({"resource": 7})),
        ("key", json!({"key": ""})),
        ("key", json!({"key": "Size"})),
        ("key", json!({"key": "a.b"})),
        ("key", json!({"key": "größe"})),
        ("key", json!({"key": "a".repeat(65)})),
        ("type", json!({"type": "float"})),
        ("type", json!({"type": null})),
        ("name", json!({"name": "x".repeat(301)})),
        ("visibility", json!({"visibility": "secret"})),
        ("filterable", json!({"filterable": "yes"})),
        ("filterable", json!({"filterable": true})),
        (
            "validation.maxLength",
            json!({"filterable": true, "visibility": "public", "validation": {"maxLength": 201}}),
        ),
        (
            "validation.pattern",
            json!({"validation": {"pattern": "("}}),
        ),
        (
            "validation.pattern",
            json!({"validation": {"pattern": "a\u{0}"}}),
        ),
        ("validation.min", json!({"validation": {"min": "1"}})),
        (
            "validation.minLength",
            json!({"validation": {"minLength": -1}}),
        ),
        (
            "validation.maxLength",
            json!({"validation": {"maxLength": 0}}),
        ),
        ("validation.unique", json!({"validation": {"unique": true}})),
        ("default", json!({"default": "x"})),
    ] {
        let refused = admin.post("/api/admin/custom-fields", &with(more.clone()));
        let refused = refused.send().await.expect(422);
        assert_eq!(refused["errors"][0]["field"], field, "{more}");
    }
    let taken = admin.post("/api/admin/custom-fields", &with(json!({"key": key})));
    taken.send().await.refused(409, "key_taken");
    let required = with(json!({"validation": {"required": true}}));
    let missing = admin
        .post("/api/admin/custom-fields", &required)
        .send()
        .await;
    let missing = missing.refused(409, "values_missing");
    assert!(missing["conflicts"].as_i64() > Some(0), "{missing}");
    for path in ["/api/admin/custom-fields/0", "/api/admin/custom-fields/x"] {
        admin
            .get(path)
            .send()
            .await
            .refused(404, "custom_field_not_found");
        admin
            .delete(path)
            .send()
            .await
            .refused(404, "custom_field_not_found");
    }
    let list = admin
        .get("/api/admin/custom-fields?resource=order")
        .send()
        .await;
    list.refused(400, "invalid_query");
    let listed = admin.get("/api/admin/custom-fields?resource=product&limit=100");
    let listed = listed.send().await.expect(200);
    let fields = listed["customFields"].as_array().expect("a list");
    assert!(fields.iter().all(|field| field["resource"] == "product"));
}

#[tokio::test]
async fn a_definition_that_values_contradict_is_refused_with_their_number() {
    let admin = open().admin().await;
    let rules = json!({"type": "enum", "validation": {"values": ["wool", "silk"]}});
    let (key, path) = define(&admin, "product", rules).await;
    for value in ["silk", "silk", "wool"] {
        product(&admin, json!({"customFields": {&key: value}})).await;
    }

    let narrower = json!({"validation": {"values": ["wool"]}});
    let refused = admin.patch(&path, &narrower).send().await;
    let refused = refused.refused(409, "values_conflict");
    assert_eq!(refused["conflicts"], 2);
    let other = json!({"type": "bool", "validation": {}});
    let refused = admin.patch(&path, &other).send().await;
    assert_eq!(refused.refused(409, "values_conflict")["conflicts"], 3);
    let kept = admin.get(&path).send().await;
    assert_eq!(kept.header("etag"), Some("\"1\""));
    assert_eq!(
        kept.expect(200)["validation"]["values"],
        json!(["wool", "silk"])
    );
    let wider = json!({"validation": {"values": ["wool", "silk", "hemp"]}});
    let widened = admin.patch(&path, &wider).header("if-match", "\"1\"");
    assert_eq!(widened.send().await.header("etag"), Some("\"2\""));
    let stale = admin.patch(&path, &wider).header("if-match", "\"1\"");
    stale.send().await.refused(412, "precondition_failed");
    let stale = admin.delete(&path).header("if-match", "\"1\"");
    stale.send().await.refused(412, "precondition_failed");
}

#[tokio::test]
async fn values_that_are_not_what_they_should_be_change_nothing() {
    let admin = open().admin().await;
    let (key, _) = define(&admin, "product", json!({"type": "int"})).await;
    let id = product(&admin, json!({"customFields": {&key: 1}})).await;
    let path = format!("/api/admin/products/{id}");
    let own = format!("customFields.{key}");
    let long = "x".repeat(17_000);
    for (field, bad) in [
        (own.as_str(), json!({"customFields": {&key: "1"}})),
        (own.as_str(), json!({"customFields": {&key: 1.5}})),
        (
            own.as_str(),
            json!({"customFields": {&key: {}}, "name": "Other"}),
        ),
        (
            "customFields.nobodyDefinedThis",
            json!({"customFields": {"nobodyDefinedThis": 1}}),
        ),
        ("customFields", json!({"customFields": [1]})),
        ("customFields", json!({"customFields": "x"})),
        ("metadata", json!({"metadata": {"a": long}})),
        ("metadata", json!({"metadata": {"a\u{0}": 1}})),
        ("privateMetadata", json!({"privateMetadata": {"": 1}})),
        ("privateMetadata", json!({"privateMetadata": 1})),
    ] {
        let refused = admin.patch(&path, &bad).send().await.expect(422);
        assert_eq!(refused["errors"][0]["field"], field);
    }
    let kept = admin.get(&path).send().await;
    assert_eq!(kept.header("etag"), Some("\"1\""));
    assert_eq!(kept.expect(200)["customFields"], json!({&key: 1}));

    let sku = fresh_key().to_uppercase();
    let new = json!({"name": "New", "sku": sku, "price": "1.00", "customFields": {&key: "x"}});
    let refused = admin
        .post("/api/admin/products", &new)
        .send()
        .await
        .expect(422);
    assert_eq!(refused["errors"][0]["field"], own);
    let documented = json!({"name": "New", "sku": sku, "price": "1.00", "customFields": {&key: 1}});
    let refused = admin
        .post("/api/products", &documented)
        .send()
        .await
        .expect(422);
    assert_eq!(refused["errors"][0]["field"], "customFields");
}
