//! Texts in the language a shopper asks for.

use serde_json::{Value, json};

use crate::support::{Cluster, PATIENCE, eventually, fresh_key, open};

/// What each replica shows of a product in a language: on its page, in the list, by its slug and in its category.
async fn names(cluster: &Cluster, product: &Value, category: i64, query: &str) -> Vec<String> {
    let (id, sku) = (&product["id"], product["sku"].as_str().expect("text"));
    let slug = product["slug"].as_str().expect("text");
    let mut names = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        for (path, pointer) in [
            (format!("/api/products/{id}?{query}"), "/name"),
            (format!("/api/products?q={sku}&{query}"), "/products/0/name"),
            (format!("/api/products/by-slug/{slug}?{query}"), "/name"),
            (
                format!("/api/categories/{category}/products?{query}"),
                "/products/0/name",
            ),
        ] {
            let answer = replica.get(&path).send().await.expect(200);
            let name = answer.pointer(pointer).and_then(Value::as_str);
            names.push(name.unwrap_or_default().to_owned());
        }
    }
    names
}

#[tokio::test]
async fn each_language_is_shown_on_every_replica_and_falls_back() {
    let cluster = open();
    let admin = cluster.admin().await;
    let sku = fresh_key().to_uppercase();
    let id = admin.product(&sku, 1).await;
    let product = admin.get(&format!("/api/products/{id}")).send().await;
    let product = product.expect(200);
    let category = json!({"name": fresh_key(), "description": "For tea"});
    let category = admin.post("/api/admin/categories", &category).send().await;
    let category = category.expect(201);
    let below = json!({"name": fresh_key(), "parents": [{"id": category["id"]}]});
    let below = admin.post("/api/admin/categories", &below).send().await;
    let below = below.expect(201)["id"].as_i64().expect("an id");
    let placed = json!({"add": [{"productId": id}]});
    let place = format!("/api/admin/categories/{below}/products");
    admin.put(&place, &placed).send().await.expect(200);
    let shown = async |query: &str| names(cluster, &product, below, query).await;
    let eight = |name: &str| vec![name.to_owned(); 8];
    eventually("both replicas list it", PATIENCE, async || {
        shown("locale=de").await == eight(&sku)
    })
    .await;

    let path = format!("/api/admin/products/{id}/translations");
    let german = json!({"name": "Tasse", "descriptionHtml": "<p>Blau<script>x()</script></p>", "seoTitle": "Die Tasse"});
    let first = admin.get(&path).send().await;
    assert_eq!(first.header("etag"), Some("\"1\""));
    assert_eq!(first.expect(200), json!({"translations": []}));
    let written = admin.put(&format!("{path}/DE"), &german);
    let written = written.header("if-match", "\"1\"").send().await;
    assert_eq!(written.header("etag"), Some("\"2\""));
    let written = written.expect(200);
    assert_eq!(written["locale"], "de");
    assert_eq!(written["descriptionHtml"], "<p>Blau</p>");
    let stale = admin
        .put(&format!("{path}/fr"), &german)
        .header("if-match", "\"1\"");
    stale.send().await.refused(412, "precondition_failed");
    eventually("both replicas show it", PATIENCE, async || {
        shown("locale=de-AT").await == eight("Tasse")
    })
    .await;
    assert_eq!(shown("").await, eight(&sku));
    assert_eq!(shown("locale=fr&currency=EUR").await, eight(&sku));
    let page = cluster.shop().get(&format!("/api/products/{id}?locale=de"));
    let page = page.send().await.expect(200);
    assert_eq!(page["descriptionHtml"], "<p>Blau</p>");
    assert_eq!(
        (&page["seoTitle"], &page["slug"]),
        (&json!("Die Tasse"), &product["slug"])
    );

    let of_category = format!("/api/admin/categories/{}/translations/de", category["id"]);
    let texts = json!({"name": "Tassen"});
    let written = admin.put(&of_category, &texts).send().await.expect(200);
    assert_eq!(written["description"], Value::Null);
    let (own, children) = (
        format!("/api/categories/{below}?locale=de"),
        format!("/api/categories/{}?locale=de", category["id"]),
    );
    for replica in [cluster.replica(0), cluster.replica(1)] {
        eventually("the category has its name", PATIENCE, async || {
            let found = replica.get(&children).send().await.expect(200);
            let below = replica.get(&own).send().await.expect(200);
            found["name"] == "Tassen"
                && found["description"] == "For tea"
                && below["parents"][0]["name"] == "Tassen"
                && below["path"][0]["name"] == "Tassen"
        })
        .await;
    }

    admin.delete(&format!("{path}/de")).send().await.expect(204);
    let again = admin.delete(&format!("{path}/de")).send().await;
    again.refused(404, "translation_not_found");
    eventually("it is gone", PATIENCE, async || {
        shown("locale=de").await == eight(&sku)
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_named_and_nothing_is_written() {
    let cluster = open();
    let admin = cluster.admin().await;
    let id = admin.product(&fresh_key().to_uppercase(), 1).await;
    let path = format!("/api/admin/products/{id}/translations");
    for (field, bad) in [
        ("name", json!({"name": ""})),
        ("name", json!({"name": "x".repeat(301)})),
        ("name", json!({"name": 7})),
        ("name", json!({"name": "a\u{0}b"})),
        ("description", json!({"description": "x".repeat(20_001)})),
        (
            "descriptionHtml",
            json!({"descriptionHtml": "<b>".repeat(1_001)}),
        ),
        ("seoTitle", json!({"seoTitle": "x".repeat(201)})),
        ("slug", json!({"slug": "tasse"})),
    ] {
        let refused = admin.put(&format!("{path}/de"), &bad).send().await;
        assert_eq!(refused.expect(422)["errors"][0]["field"], field);
    }
    for wrong in ["german", "de_AT", "und", "de-x-shop", "d"] {
        let refused = admin.put(&format!("{path}/{wrong}"), &json!({"name": "x"}));
        let refused = refused.send().await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "locale", "{wrong}");
    }
    let none = admin.get(&path).send().await.expect(200);
    assert_eq!(none["translations"], json!([]));
    for unknown in [
        "/api/admin/products/999999999/translations/de",
        "/api/admin/categories/999999999/translations/de",
    ] {
        let refused = admin.put(unknown, &json!({"name": "x"})).send().await;
        refused.expect(404);
    }
    for path in [
        "/api/products",
        "/api/products/1",
        "/api/categories",
        "/api/categories/1",
    ] {
        let refused = cluster
            .shop()
            .get(&format!("{path}?locale=german"))
            .send()
            .await;
        refused.refused(400, "invalid_query");
    }
}
