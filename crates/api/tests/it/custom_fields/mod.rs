//! What a shop keeps beside what every shop does, as staff writes it and customers see it.

mod languages;
mod refusals;

use domain::Cursor;
use serde_json::{Value, json};

use crate::support::{Cluster, PATIENCE, Shop, eventually, fresh_key, open};

fn fresh_field() -> String {
    format!("f{}", fresh_key().replace('-', "_"))
}

/// Defines a field and returns its key and its path.
async fn define(admin: &Shop, resource: &str, more: Value) -> (String, String) {
    let key = fresh_field();
    let mut body = json!({"resource": resource, "key": key});
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    let made = admin.post("/api/admin/custom-fields", &body).send().await;
    assert_eq!(made.header("etag"), Some("\"1\""));
    let made = made.expect(201);
    assert_eq!(made["key"], key);
    (key, format!("/api/admin/custom-fields/{}", made["id"]))
}

async fn product(admin: &Shop, more: Value) -> i64 {
    let sku = fresh_key().to_uppercase();
    let mut body = json!({"name": sku, "sku": sku, "price": "9.50", "onHand": 3});
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    let made = admin.post("/api/admin/products", &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

/// What each replica shows of a path: values of custom fields, and metadata.
async fn shown(cluster: &Cluster, path: &str, pointer: &str) -> Vec<(Value, Value)> {
    let mut shown = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        let answer = replica.get(path).send().await.expect(200);
        let thing = answer.pointer(pointer).expect("it is there");
        assert!(thing.get("privateMetadata").is_none(), "{thing}");
        shown.push((thing["customFields"].clone(), thing["metadata"].clone()));
    }
    shown
}

async fn until_shown(cluster: &Cluster, path: &str, pointer: &str, fields: Value, metadata: Value) {
    let expected = vec![(fields, metadata); 2];
    eventually(path, PATIENCE, async || {
        shown(cluster, path, pointer).await == expected
    })
    .await;
}

/// Waits until values follow a definition.
async fn until_applied(admin: &Shop, path: &str) {
    eventually("the values follow", PATIENCE, async || {
        admin.get(path).send().await.expect(200)["isApplied"] == true
    })
    .await;
}

#[tokio::test]
async fn customers_see_what_is_public_and_staff_sees_all() {
    let cluster = open();
    let admin = cluster.admin().await;
    let public = json!({"type": "text", "visibility": "public"});
    let (open_key, _) = define(&admin, "product", public.clone()).await;
    let (secret_key, secret) = define(&admin, "product", json!({"type": "int"})).await;
    let given = json!({
        "customFields": {&open_key: "Bergen", &secret_key: 7},
        "metadata": {"erp": 1}, "privateMetadata": {"cost": [2]},
    });
    let id = product(&admin, given).await;
    let (path, managed) = (
        format!("/api/products/{id}"),
        format!("/api/admin/products/{id}"),
    );

    until_shown(
        cluster,
        &path,
        "",
        json!({&open_key: "Bergen"}),
        json!({"erp": 1}),
    )
    .await;
    let list = format!("/api/products?limit=1&cursor={}", Cursor::at(id - 1));
    let list = cluster.shop().get(&list).send().await.expect(200);
    let listed = &list["products"][0];
    assert_eq!(listed["id"], id);
    assert!(listed.get("customFields").is_none(), "{listed}");
    let all = admin.get(&managed).send().await;
    assert_eq!(all.header("etag"), Some("\"1\""));
    let all = all.expect(200);
    assert_eq!(
        all["customFields"],
        json!({&open_key: "Bergen", &secret_key: 7})
    );
    assert_eq!(all["privateMetadata"], json!({"cost": [2]}));

    let change = json!({
        "customFields": {&open_key: null, &secret_key: 8},
        "metadata": {"erp": null, "b": true}, "privateMetadata": {"cost": null},
    });
    let changed = admin.patch(&managed, &change).header("if-match", "\"1\"");
    let changed = changed.send().await.expect(200);
    assert_eq!(changed["customFields"], json!({&secret_key: 8}));
    assert_eq!(
        (&changed["metadata"], &changed["privateMetadata"]),
        (&json!({"b": true}), &json!({}))
    );
    let stale = admin.patch(&managed, &change).header("if-match", "\"1\"");
    stale.send().await.refused(412, "precondition_failed");
    until_shown(cluster, &path, "", json!({}), json!({"b": true})).await;

    let published = admin.patch(&secret, &json!({"visibility": "public"}));
    assert_eq!(published.send().await.expect(200)["visibility"], "public");
    until_applied(&admin, &secret).await;
    until_shown(
        cluster,
        &path,
        "",
        json!({&secret_key: 8}),
        json!({"b": true}),
    )
    .await;
    let removed = admin.delete(&secret).send().await.expect(200);
    assert_eq!(removed["kind"], "applyCustomField");
    until_shown(cluster, &path, "", json!({}), json!({"b": true})).await;
    admin
        .get(&secret)
        .send()
        .await
        .refused(404, "custom_field_not_found");
    let gone = admin.patch(&managed, &json!({"customFields": {&secret_key: 9}}));
    let gone = gone.send().await.expect(422);
    assert_eq!(
        gone["errors"][0]["field"],
        format!("customFields.{secret_key}")
    );
}

#[tokio::test]
async fn variants_and_categories_have_fields_of_their_own() {
    let cluster = open();
    let admin = cluster.admin().await;
    let public = json!({"type": "list", "validation": {"itemType": "enum", "values": ["cold", "warm"]}, "visibility": "public"});
    let (of_variants, _) = define(&admin, "variant", public.clone()).await;
    let (of_categories, _) = define(&admin, "category", public).await;
    let id = product(&admin, json!({})).await;
    let options = json!({"options": [{"name": "Size", "values": ["S", "M"]}]});
    let options_path = format!("/api/admin/products/{id}/options");
    admin.put(&options_path, &options).send().await.expect(200);
    let variants = format!("/api/admin/products/{id}/variants");
    let new = |value: Value| {
        let sku = fresh_key().to_uppercase();
        json!({"variants": [{"sku": sku, "choices": {"Size": "S"}, "price": "1.00",
                             "customFields": {&of_variants: value}, "metadata": {"bin": 4}}]})
    };
    let wrong = admin
        .post(&variants, &new(json!(["hot"])))
        .send()
        .await
        .expect(422);
    let field = format!("variants[0].customFields.{of_variants}[0]");
    assert_eq!(wrong["errors"][0]["field"], field);
    let made = admin
        .post(&variants, &new(json!(["warm"])))
        .send()
        .await
        .expect(201);
    let path = format!("{variants}/{}", made["variants"][0]["id"]);
    let change =
        json!({"customFields": {&of_variants: ["cold", "warm"]}, "privateMetadata": {"x": 1}});
    let changed = admin.patch(&path, &change).send().await.expect(200);
    assert_eq!(
        changed["customFields"],
        json!({&of_variants: ["cold", "warm"]})
    );
    assert_eq!(
        (&changed["metadata"], &changed["privateMetadata"]),
        (&json!({"bin": 4}), &json!({"x": 1}))
    );
    let listed = admin.get(&variants).send().await.expect(200);
    assert_eq!(listed["variants"][1]["privateMetadata"], json!({"x": 1}));
    let public = format!("/api/products/{id}/variants");
    let fields = json!({&of_variants: ["cold", "warm"]});
    until_shown(cluster, &public, "/variants/1", fields, json!({"bin": 4})).await;

    let category = json!({"name": fresh_key(), "customFields": {&of_categories: ["cold"]}, "privateMetadata": {"y": 2}});
    let category = admin
        .post("/api/admin/categories", &category)
        .send()
        .await
        .expect(201);
    assert_eq!(category["privateMetadata"], json!({"y": 2}));
    let managed = format!("/api/admin/categories/{}", category["id"]);
    let change = json!({"customFields": {&of_categories: null}, "metadata": {"z": 3}});
    admin.patch(&managed, &change).send().await.expect(200);
    let public = format!("/api/categories/{}", category["id"]);
    until_shown(cluster, &public, "", json!({}), json!({"z": 3})).await;
}

#[tokio::test]
async fn products_are_found_by_a_field_from_the_moment_it_is_a_filter() {
    let cluster = open();
    let admin = cluster.admin().await;
    let body = json!({"type": "decimal", "visibility": "public"});
    let (key, path) = define(&admin, "product", body).await;
    let light = product(&admin, json!({"customFields": {&key: "1.50"}})).await;
    let heavy = product(&admin, json!({"customFields": {&key: "20"}})).await;
    let search = format!("/api/search?sort=newest&facets=fields&field={key}:");
    let unknown = cluster.shop().get(&format!("{search}1.5")).send().await;
    unknown.refused(400, "invalid_query");

    let filter = admin
        .patch(&path, &json!({"filterable": true}))
        .send()
        .await;
    assert_eq!(filter.expect(200)["filterable"], true);
    for (wanted, expected) in [
        ("1.5", vec![light]),
        ("1.500", vec![light]),
        ("1..", vec![heavy, light]),
        ("1.6..20", vec![heavy]),
        ("..1", vec![]),
    ] {
        for replica in [cluster.replica(0), cluster.replica(1)] {
            eventually(wanted, PATIENCE, async || {
                let found = replica
                    .get(&format!("{search}{wanted}"))
                    .send()
                    .await
                    .expect(200);
                let products = found["products"].as_array().expect("a list").iter();
                let ids: Vec<_> = products.map(|product| product["id"].clone()).collect();
                let facets = found["facets"]["fields"].as_array().expect("a list").iter();
                let mut own = facets.filter(|facet| facet["key"] == *key);
                let counts = json!([{"value": "1.5", "count": 1}, {"value": "20", "count": 1}]);
                ids == expected && own.next().is_some_and(|facet| facet["values"] == counts)
            })
            .await;
        }
    }
    let bad = cluster.shop().get(&format!("{search}2..1")).send().await;
    bad.refused(400, "invalid_query");
}
