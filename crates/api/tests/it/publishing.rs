//! Drafts, products that the clock puts on sale, their addresses and texts.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::support::{Cluster, eventually, fresh_key, open, order_of};

fn fresh_sku() -> String {
    fresh_key()[..12].to_uppercase()
}

/// What is made of a product with these fields beside what each must have.
async fn make(cluster: &Cluster, sku: &str, mut fields: Value) -> Value {
    fields["name"] = json!(format!("Mug {sku}"));
    fields["sku"] = json!(sku);
    fields["price"] = json!("9.50");
    fields["onHand"] = json!(5);
    let admin = cluster.admin().await;
    let made = admin.post("/api/admin/products", &fields).send().await;
    made.expect(201)
}

fn path_of(product: &Value) -> String {
    format!("/api/admin/products/{}", product["id"])
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whether each replica lists it, and has a page of it.
async fn seen(cluster: &Cluster, product: &Value) -> Vec<(bool, bool)> {
    let mut seen = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        let list = format!(
            "/api/products?q={}",
            product["sku"].as_str().unwrap_or_default()
        );
        let list = replica.get(&list).send().await.expect(200);
        let page = format!("/api/products/{}", product["id"]);
        let page = replica.get(&page).send().await;
        let is_listed = list["products"]
            .as_array()
            .is_some_and(|found| !found.is_empty());
        seen.push((is_listed, page.status == 200));
    }
    seen
}

/// How long a replica that has not made a change may take to hear of it.
const HEARD: Duration = Duration::from_secs(1);

/// Waits until every replica shows it like this.
async fn see(cluster: &Cluster, product: &Value, like: (bool, bool)) {
    let shown = || async { seen(cluster, product).await == [like; 2] };
    eventually("every replica has heard of it", HEARD, shown).await;
}

/// Waits until every replica answers with this status to a slug.
async fn answer(cluster: &Cluster, slug: &str, status: u16) {
    let path = format!("/api/products/by-slug/{slug}");
    for index in 0..2 {
        let replica = cluster.replica(index);
        let answers = || async { replica.get(&path).send().await.status == status };
        eventually("the replica has heard of the slug", HEARD, answers).await;
    }
}

#[tokio::test]
async fn a_draft_can_be_neither_seen_nor_bought_until_it_is_published() {
    let cluster = open();
    let draft = make(cluster, &fresh_sku(), json!({"status": "draft"})).await;
    assert_eq!(
        (&draft["status"], &draft["publishAt"]),
        (&json!("draft"), &Value::Null)
    );
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let id = draft["id"].as_i64().unwrap();
    let order = order_of(shop.register().await, &[id]);

    assert_eq!(seen(cluster, &draft).await, [(false, false); 2]);
    for path in ["", "/variants"] {
        let hidden = shop.get(&format!("/api/products/{id}{path}")).send().await;
        hidden.refused(404, "product_not_found");
    }
    let by_sku = json!({"userId": order["userId"], "lines": [{"sku": draft["sku"], "quantity": 1}],
        "address": order["address"], "payment": order["payment"], "shipping": order["shipping"]});
    for order in [&order, &by_sku] {
        let refused = shop.post("/api/orders", order).send().await;
        refused.refused(422, "unknown_product");
    }
    // The documented change works on drafts as well.
    let renamed = admin.patch(&format!("/api/products/{id}"), &json!({"price": "8.00"}));
    assert_eq!(renamed.send().await.expect(200)["price"], "8.00");

    let published = admin.patch(&path_of(&draft), &json!({"status": "active"}));
    assert_eq!(published.send().await.expect(200)["status"], "active");
    see(cluster, &draft, (true, true)).await;
    shop.post("/api/orders", &order).send().await.expect(201);

    let back = admin.patch(&path_of(&draft), &json!({"publishAt": null}));
    assert_eq!(back.send().await.expect(200)["status"], "draft");
    see(cluster, &draft, (false, false)).await;
    let refused = shop.post("/api/orders", &order).send().await;
    refused.refused(422, "unknown_product");
}

/// No job and no message tells the replicas: what they keep ends by itself when the clock changes it.
#[tokio::test]
async fn every_replica_shows_a_product_from_its_time_on_and_no_longer() {
    let cluster = open();
    let begin = Utc::now() + Duration::from_millis(1_500);
    let end = begin + Duration::from_millis(1_500);
    let schedule = json!({"publishAt": time(begin), "unpublishAt": time(end)});
    let product = make(cluster, &fresh_sku(), schedule).await;
    assert_eq!(product["status"], "draft");
    let until = |moment: DateTime<Utc>| {
        let left = (moment - Utc::now()).to_std().unwrap_or_default();
        tokio::time::sleep(left + Duration::from_millis(20))
    };
    let before_end = |answer: Vec<(bool, bool)>, moment: DateTime<Utc>| {
        // A machine that stood still for so long says nothing.
        (Utc::now() < moment).then_some(answer)
    };

    let early = before_end(seen(cluster, &product).await, begin);
    assert!(early.is_none_or(|early| early == [(false, false); 2]));
    until(begin).await;
    let meanwhile = before_end(seen(cluster, &product).await, end);
    assert!(meanwhile.is_none_or(|seen| seen == [(true, true); 2]));
    until(end).await;
    assert_eq!(seen(cluster, &product).await, [(false, false); 2]);
    let admin = cluster.admin().await;
    let over = admin.get(&path_of(&product)).send().await.expect(200);
    assert_eq!(
        (&over["status"], &over["version"]),
        (&json!("draft"), &json!(1))
    );
    let drafts = admin.get(&format!(
        "/api/admin/products?status=draft&cursor=c{:016x}",
        product["id"].as_i64().unwrap() - 1
    ));
    let drafts = drafts.send().await.expect(200);
    assert_eq!(drafts["products"][0]["id"], product["id"]);
}

#[tokio::test]
async fn a_product_is_found_by_its_slug_and_by_those_it_had() {
    let cluster = open();
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let [first, second] =
        ["first", "second"].map(|n| format!("{n}-{}", fresh_sku().to_lowercase()));
    let product = make(cluster, &fresh_sku(), json!({"slug": first})).await;
    let path = path_of(&product);
    let by_slug = |slug: &str| shop.get(&format!("/api/products/by-slug/{slug}"));

    let found = by_slug(&first).send().await;
    let etag = found.header("etag").unwrap().to_owned();
    assert_eq!(found.expect(200)["id"], product["id"]);
    let again = by_slug(&first).header("if-none-match", &etag).send().await;
    assert_eq!(again.status, 304);

    let changed = admin.patch(&path, &json!({"slug": second})).send().await;
    assert_eq!(changed.expect(200)["slug"], json!(second));
    answer(cluster, &first, 301).await;
    let moved = by_slug(&first).send().await;
    let location = moved.header("location").unwrap();
    assert_eq!(location, format!("/api/products/by-slug/{second}"));
    assert_eq!(
        shop.get(location).send().await.expect(200)["slug"],
        json!(second)
    );

    let other = make(cluster, &fresh_sku(), json!({})).await;
    let taken = admin
        .patch(&path_of(&other), &json!({"slug": second}))
        .send()
        .await;
    assert_eq!(
        taken.refused(409, "slug_taken")["errors"][0]["field"],
        "slug"
    );
    admin
        .patch(&path_of(&other), &json!({"slug": first}))
        .send()
        .await
        .expect(200);
    answer(cluster, &first, 200).await;
    assert_eq!(by_slug(&first).send().await.expect(200)["id"], other["id"]);

    let own = admin
        .patch(&path, &json!({"slug": null}))
        .send()
        .await
        .expect(200);
    let made = own["slug"].as_str().unwrap();
    assert!(made.ends_with(&format!("-p{}", product["id"])), "{made}");
    assert_eq!(by_slug(made).send().await.expect(200)["id"], product["id"]);
    for unknown in [
        "nothing-like-it",
        "Mug",
        "a--b",
        "p999999999",
        "%F0%9F%AB%96",
        &"a".repeat(81),
    ] {
        by_slug(unknown)
            .send()
            .await
            .refused(404, "product_not_found");
    }
}

#[tokio::test]
async fn rich_text_is_safe_and_details_are_not_in_lists() {
    let cluster = open();
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let sku = fresh_sku();
    let fields = json!({
        "brand": "Ütz", "tags": ["blue", " kitchen "], "seoTitle": "Blue mug", "seoDescription": "A mug.",
        "descriptionHtml": "<p onclick=\"x()\">Holds <b>0.3 l</b></p><script>x()</script>",
    });
    let product = make(cluster, &sku, fields).await;
    let html = "<p>Holds <b>0.3 l</b></p>";
    assert_eq!(
        (&product["descriptionHtml"], &product["tags"]),
        (&json!(html), &json!(["blue", "kitchen"]))
    );

    // Somebody who wrote to the database directly gets nothing past the reader either.
    let unsafe_html = format!("{html}<img src=x onerror=x()>");
    diesel::RunQueryDsl::execute(
        diesel::sql_query(format!(
            "UPDATE catalog.products SET description_html = '{unsafe_html}' WHERE id = {}",
            product["id"]
        )),
        &mut cluster.conn(),
    )
    .unwrap();
    let page = shop.get(&format!("/api/products/{}", product["id"]));
    let page = page.send().await.expect(200);
    assert_eq!(page["descriptionHtml"], format!("{html}<img src=\"x\">"));
    let path = path_of(&product);
    let staff = admin.get(&path).send().await.expect(200);
    assert_eq!(staff["descriptionHtml"], page["descriptionHtml"]);
    let before = product["id"].as_i64().unwrap() - 1;
    let listed = admin.get(&format!(
        "/api/admin/products?limit=1&cursor=c{before:016x}"
    ));
    assert_eq!(
        listed.send().await.expect(200)["products"][0].get("descriptionHtml"),
        None
    );
    assert_eq!(
        (&page["brand"], &page["seoTitle"]),
        (&json!("Ütz"), &json!("Blue mug"))
    );

    let listed = shop
        .get(&format!("/api/products?q={sku}"))
        .send()
        .await
        .expect(200);
    let listed = &listed["products"][0];
    assert_eq!(
        (&listed["brand"], listed.get("tags")),
        (&json!("Ütz"), None)
    );

    let stale = admin
        .patch(&path, &json!({"brand": "x"}))
        .header("if-match", "\"7\"");
    stale.send().await.refused(412, "precondition_failed");
    let read = admin.get(&path).send().await;
    let etag = read.header("etag").unwrap().to_owned();
    let fresh = admin
        .patch(&path, &json!({"tags": []}))
        .header("if-match", &etag);
    let fresh = fresh.send().await;
    assert_ne!(fresh.header("etag"), Some(&*etag));
    let fresh = fresh.expect(200);
    assert_eq!(
        (&fresh["tags"], &fresh["brand"]),
        (&json!([]), &json!("Ütz"))
    );
}

/// Each paragraph would have to open every one of these again.
fn many_tags() -> String {
    let open: String = (0..2_500).map(|n| format!("<b a={n}>")).collect();
    format!("<p>{open}{}", "<p>x".repeat(4_000))
}

#[tokio::test]
async fn a_field_that_makes_no_sense_is_named_and_nothing_is_written() {
    let cluster = open();
    let admin = cluster.admin().await;
    let sku = fresh_sku();
    let product = make(cluster, &fresh_sku(), json!({})).await;
    let (long, tags) = ("x".repeat(501), vec!["t"; 51]);
    let fields = [
        ("slug", json!(""), "slug"),
        ("slug", json!("Mug"), "slug"),
        ("slug", json!("a".repeat(81)), "slug"),
        ("slug", json!("mug-p12"), "slug"),
        ("slug", json!("p7"), "slug"),
        ("slug", json!("mug/../x"), "slug"),
        ("slug", json!(7), "slug"),
        ("brand", json!("x".repeat(101)), "brand"),
        ("brand", json!("a\u{0}b"), "brand"),
        ("brand", json!([]), "brand"),
        ("tags", json!("blue"), "tags"),
        ("tags", json!(tags), "tags"),
        ("tags", json!([""]), "tags[0].tag"),
        ("tags", json!(["a", "x".repeat(61)]), "tags[1].tag"),
        ("tags", json!(["Blue", "blue"]), "tags[1].tag"),
        ("tags", json!([1]), "tags[0]"),
        (
            "descriptionHtml",
            json!("x".repeat(50_001)),
            "descriptionHtml",
        ),
        ("descriptionHtml", json!("\u{1b}"), "descriptionHtml"),
        ("descriptionHtml", json!("&#x1b;"), "descriptionHtml"),
        (
            "descriptionHtml",
            json!("&".repeat(20_000)),
            "descriptionHtml",
        ),
        ("descriptionHtml", json!(many_tags()), "descriptionHtml"),
        ("seoTitle", json!(long), "seoTitle"),
        ("seoDescription", json!(long), "seoDescription"),
        ("seoDescription", json!({}), "seoDescription"),
        ("status", json!("archived"), "status"),
        ("status", json!(1), "status"),
        ("publishAt", json!("tomorrow"), "publishAt"),
        ("publishAt", json!("2026-13-01T00:00:00Z"), "publishAt"),
        ("publishAt", json!("+12026-01-01T00:00:00Z"), "publishAt"),
        ("publishAt", json!(1), "publishAt"),
        ("unpublishAt", json!("1969-12-31T23:59:59Z"), "unpublishAt"),
        ("unpublishAt", json!(true), "unpublishAt"),
        ("colour", json!("red"), "colour"),
    ];
    for (field, value, named) in fields {
        let mut changes = json!({});
        changes[field] = value.clone();
        let changed = admin.patch(&path_of(&product), &changes).send().await;
        let mut new = json!({"name": "Mug", "sku": sku, "price": "1.00"});
        new[field] = value.clone();
        let made = admin.post("/api/admin/products", &new).send().await;
        for problem in [changed.expect(422), made.expect(422)] {
            assert_eq!(
                problem["errors"][0]["field"], named,
                "{field} {value}: {problem}"
            );
        }
    }
    let begin = time(Utc::now() + Duration::from_secs(60));
    for (fields, named) in [
        (json!({"status": "active", "publishAt": begin}), "publishAt"),
        (
            json!({"publishAt": begin, "unpublishAt": begin}),
            "unpublishAt",
        ),
        (
            json!({"unpublishAt": "2020-01-01T00:00:00Z"}),
            "unpublishAt",
        ),
        (
            json!({"status": "active", "unpublishAt": "2020-01-01T00:00:00Z"}),
            "unpublishAt",
        ),
    ] {
        let changed = admin.patch(&path_of(&product), &fields).send().await;
        assert_eq!(changed.expect(422)["errors"][0]["field"], named);
    }
    let after = admin.get(&path_of(&product)).send().await.expect(200);
    assert_eq!(after["version"], 1);
    for (path, status) in [
        ("/api/admin/products/0", 404),
        ("/api/admin/products/x", 404),
        ("/api/admin/products/999999999", 404),
    ] {
        admin
            .get(path)
            .send()
            .await
            .refused(status, "product_not_found");
        let changed = admin.patch(path, &json!({"brand": "x"})).send().await;
        changed.refused(status, "product_not_found");
    }
    for bad in ["status=gone", "status=", "limit=0", "cursor=x", "page=1"] {
        let list = admin
            .get(&format!("/api/admin/products?{bad}"))
            .send()
            .await;
        list.refused(400, "invalid_query");
    }
    let made = make(cluster, &sku, json!({})).await;
    assert_eq!(made["sku"], json!(sku));
}
