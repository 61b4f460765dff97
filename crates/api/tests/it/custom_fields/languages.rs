//! Values in the language of the reader, and values that are private from one moment to the next.

use serde_json::{Value, json};

use super::{define, product, shown, until_shown};
use crate::support::{Cluster, PATIENCE, eventually, fresh_key, open};

#[tokio::test]
async fn a_value_is_said_in_the_language_of_the_reader() {
    let cluster = open();
    let admin = cluster.admin().await;
    let public = json!({"type": "richText", "visibility": "public", "translatable": true});
    let (key, path) = define(&admin, "product", public).await;
    let (hidden, _) = define(
        &admin,
        "product",
        json!({"type": "text", "translatable": true}),
    )
    .await;
    let given = json!({"customFields": {&key: "<p>Cold</p>", &hidden: "secret"}});
    let id = product(&admin, given).await;
    let translations = format!("/api/admin/products/{id}/translations");

    let german = json!({"name": "Tasse", "customFields": {&key: "<p>Kalt<script>x()</script></p>", &hidden: "geheim"}});
    let written = admin.put(&format!("{translations}/de"), &german);
    let written = written.send().await.expect(200);

    let kept = json!({&key: "<p>Kalt</p>", &hidden: "geheim"});
    assert_eq!(written["customFields"], kept);
    let all = admin.get(&translations).send().await.expect(200);
    assert_eq!(all["translations"][0]["customFields"], kept);
    let read = format!("/api/products/{id}");
    let is_said = async |query: &str, value: &str| {
        let fields = json!({&key: value});
        until_shown(cluster, &format!("{read}{query}"), "", fields, json!({})).await;
    };
    is_said("?locale=de-AT", "<p>Kalt</p>").await;
    is_said("?locale=fr", "<p>Cold</p>").await;
    is_said("", "<p>Cold</p>").await;
    let in_one = admin.patch(&path, &json!({"translatable": false}));
    let in_one = in_one.send().await.refused(409, "values_conflict");
    assert_eq!(in_one["conflicts"], 1);
    let renamed = json!({"name": "Tasse"});
    let renamed = admin.put(&format!("{translations}/de"), &renamed);
    assert_eq!(renamed.send().await.expect(200)["customFields"], json!({}));
    is_said("?locale=de", "<p>Cold</p>").await;
}

#[tokio::test]
async fn a_category_says_its_values_alike_and_what_makes_no_sense_is_named() {
    let cluster = open();
    let admin = cluster.admin().await;
    let public = json!({"type": "list", "validation": {"itemType": "text"}, "visibility": "public", "translatable": true});
    let (key, _) = define(&admin, "category", public).await;
    let plain = json!({"type": "text", "visibility": "public"});
    let (plain, _) = define(&admin, "category", plain).await;
    let new = json!({"name": fresh_key(), "customFields": {&key: ["cold"], &plain: "x"}});
    let made = admin.post("/api/admin/categories", &new).send().await;
    let id = made.expect(201)["id"].clone();
    let path = format!("/api/admin/categories/{id}/translations/de");
    for (value, place, code) in [
        (json!({&key: "kalt"}), key.clone(), "type"),
        (json!({&key: ["kalt", 7]}), format!("{key}[1]"), "type"),
        (json!({&plain: "y"}), plain.clone(), "not_translatable"),
        (json!({"nothing": "y"}), "nothing".to_owned(), "unknown"),
    ] {
        let refused = admin.put(&path, &json!({ "customFields": value }));
        let refused = refused.send().await.refused(422, "validation_failed");
        assert_eq!(
            refused["errors"][0]["field"],
            format!("customFields.{place}")
        );
        assert_eq!(refused["errors"][0]["code"], code);
    }
    for wrong in [json!([]), json!("x"), json!(7)] {
        let refused = admin.put(&path, &json!({ "customFields": wrong }));
        let refused = refused.send().await.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], "customFields");
    }

    let german = json!({"customFields": {&key: ["kalt"]}});
    admin.put(&path, &german).send().await.expect(200);

    let read = format!("/api/categories/{id}?locale=de");
    let fields = json!({&key: ["kalt"], &plain: "x"});
    until_shown(cluster, &read, "", fields, json!({})).await;
    for bad in [
        json!({"resource": "variant", "key": "bad", "type": "text", "translatable": true}),
        json!({"resource": "product", "key": "bad", "type": "int", "translatable": true}),
        json!({"resource": "product", "key": "bad", "type": "text", "translatable": "yes"}),
    ] {
        let refused = admin.post("/api/admin/custom-fields", &bad).send().await;
        let refused = refused.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], "translatable", "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_turns_private_is_gone_at_once_though_no_job_comes() {
    let cluster = Cluster::with_command(2, &[], &["serve", "--with-worker=false"]);
    let admin = cluster.admin().await;
    let public = json!({"type": "text", "visibility": "public"});
    let (of_products, turned) = define(&admin, "product", public.clone()).await;
    let (removed_key, removed) = define(&admin, "product", public.clone()).await;
    let (of_variants, of_variants_path) = define(&admin, "variant", public.clone()).await;
    let (of_categories, of_categories_path) = define(&admin, "category", public).await;
    let given = json!({"customFields": {&of_products: "a", &removed_key: "b"}});
    let id = product(&admin, given).await;
    let variants = format!("/api/admin/products/{id}/variants");
    let found = admin.get(&variants).send().await.expect(200);
    let variant = format!("{variants}/{}", found["variants"][0]["id"]);
    let change = json!({"customFields": {&of_variants: "c"}});
    admin.patch(&variant, &change).send().await.expect(200);
    let new = json!({"name": fresh_key(), "customFields": {&of_categories: "d"}});
    let made = admin.post("/api/admin/categories", &new).send().await;
    let category = format!("/api/categories/{}", made.expect(201)["id"]);
    let (path, listed) = (
        format!("/api/products/{id}"),
        format!("/api/products/{id}/variants"),
    );
    let all = json!({&of_products: "a", &removed_key: "b"});
    until_shown(&cluster, &path, "", all, json!({})).await;
    until_shown(
        &cluster,
        &listed,
        "/variants/0",
        json!({&of_variants: "c"}),
        json!({}),
    )
    .await;
    until_shown(
        &cluster,
        &category,
        "",
        json!({&of_categories: "d"}),
        json!({}),
    )
    .await;

    for path in [&turned, &of_variants_path, &of_categories_path] {
        let private = admin.patch(path, &json!({"visibility": "private"}));
        assert_eq!(private.send().await.expect(200)["isApplied"], false);
    }
    admin.delete(&removed).send().await.expect(200);

    for (path, pointer) in [(&path, ""), (&listed, "/variants/0"), (&category, "")] {
        eventually("it is gone everywhere", PATIENCE, async || {
            let nothing = (json!({}), json!({}));
            shown(&cluster, path, pointer).await == vec![nothing; 2]
        })
        .await;
    }
    let managed = admin.get(&format!("/api/admin/products/{id}")).send().await;
    assert_eq!(managed.expect(200)["customFields"][&of_products], "a");
    let unapplied: Value = admin.get(&turned).send().await.expect(200);
    assert_eq!(unapplied["isApplied"], false);
}
