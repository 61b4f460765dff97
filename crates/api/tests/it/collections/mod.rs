//! Collections, as anyone reads them and staff writes them.

mod refusals;

use std::time::Duration;

use db::outbox::{self, Entry};
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use domain::Event;
use serde_json::{Value, json};

use crate::support::{Cluster, Shop, assert_healthy, eventually, fresh_key, open};

const PATH: &str = "/api/admin/collections";
/// A change can be found within this time on every replica; it is a promise.
const SOON: Duration = Duration::from_secs(5);

/// Makes a collection, with rules where they are not null, and returns its id.
async fn collection(admin: &Shop, name: &str, rules: &Value) -> i64 {
    let body = json!({"name": name, "slug": slug(), "rules": rules});
    let made = admin.post(PATH, &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

fn slug() -> String {
    format!("c-{}", fresh_key())
}

/// Anybody and an administrator at the same replica, where a change is seen at once.
async fn here() -> (Shop, Shop) {
    let cluster = open();
    let token = cluster
        .token("admin@example.com", "not the public one")
        .await;
    let shop = cluster.replica(0);
    let admin = cluster.replica(0).with_token(&token);
    (shop, admin)
}

async fn product(admin: &Shop) -> i64 {
    admin.product(&fresh_key().to_uppercase(), 1).await
}

/// Makes a product with some fields beside what it needs.
async fn product_with(admin: &Shop, more: &Value) -> i64 {
    let mut body =
        json!({"name": "Lamp", "sku": fresh_key().to_uppercase(), "price": "9.50", "onHand": 3});
    for (field, value) in more.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let made = admin.post("/api/admin/products", &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

async fn add(admin: &Shop, collection: i64, products: &[i64]) -> Value {
    let add: Vec<Value> = products.iter().map(|id| json!({"productId": id})).collect();
    let path = format!("{PATH}/{collection}/products");
    let put = admin.put(&path, &json!({"add": add})).send().await;
    put.expect(200)
}

async fn listed(shop: &Shop, collection: i64, query: &str) -> Vec<i64> {
    let path = format!("/api/collections/{collection}/products?{query}");
    ids(&shop.get(&path).send().await.expect(200)["products"])
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item["id"].as_i64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_collection_is_read_by_its_id_and_its_slug_and_in_a_list() {
    let (shop, admin) = here().await;
    let slug = slug();
    let rules = json!({"match": "all", "conditions": [{"tag": "eco"}, {"price": {"max": "20"}}]});
    let body = json!({"name": "Green", "slug": slug, "description": "All of it", "image": "/green.jpg", "rules": rules});
    let made = admin.post(PATH, &body).send().await;
    assert_eq!(made.header("etag"), Some("\"1\""));
    let location = made.header("location").expect("an address").to_owned();
    let green = made.expect(201);
    assert_eq!(location, format!("/api/collections/{}", green["id"]));
    let price = json!({"price": {"currency": "USD", "max": "20.00"}});
    assert_eq!(green["rules"]["conditions"], json!([{"tag": "eco"}, price]));
    let own = admin.get(&format!("{PATH}/{}", green["id"])).send().await;
    assert_eq!(own.expect(200), green);

    let read = shop.get(&location).send().await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    let read = read.expect(200);
    assert_eq!(
        (&read["kind"], &read["productOrder"], read.get("rules")),
        (&json!("rules"), &json!("newest"), None)
    );
    let again = shop.get(&location).header("if-none-match", &etag);
    assert_eq!(again.send().await.status, 304);
    let by_slug = format!("/api/collections/{slug}");
    assert_eq!(shop.get(&by_slug).send().await.expect(200), read);

    let other = collection(&admin, "Other", &Value::Null).await;
    let green_id = green["id"].as_i64().expect("an id");
    for (reader, path) in [(&shop, "/api/collections"), (&admin, PATH)] {
        let before = format!("c{:016x}", green_id - 1);
        let first = reader.get(&format!("{path}?limit=1&cursor={before}"));
        let first = first.send().await.expect(200);
        assert_eq!(ids(&first["collections"]), [green_id]);
        let told = first["collections"][0].get("rules").is_some();
        assert_eq!(told, path == PATH, "rules are for staff");
        let cursor = first["nextCursor"].as_str().expect("there is more");
        let next = reader.get(&format!("{path}?limit=100&cursor={cursor}"));
        assert!(ids(&next.send().await.expect(200)["collections"]).contains(&other));
    }
}

#[tokio::test]
async fn products_are_listed_as_somebody_placed_them_page_by_page() {
    let (shop, admin) = here().await;
    let id = collection(&admin, "Gifts", &Value::Null).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(product(&admin).await);
    }
    let added = add(&admin, id, &[all[2], all[0], all[1]]).await;
    assert_eq!(added, json!({"placed": 3, "removed": 0}));

    let path = format!("/api/collections/{id}/products?limit=2");
    let first = shop.get(&path).send().await.expect(200);
    assert_eq!(ids(&first["products"]), [all[2], all[0]]);
    assert_eq!(first["hasMore"], true);
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let rest = listed(&shop, id, &format!("limit=2&cursor={cursor}")).await;
    assert_eq!(rest, [all[1]]);
    let cursor = format!("c{:016x}", all[2] - 1);
    let own = shop.get(&format!("/api/products?cursor={cursor}&limit=1"));
    let own = own.send().await.expect(200)["products"][0].clone();
    assert_eq!(first["products"][0], own, "as in the list of all products");

    let moved = json!({"add": [{"productId": all[1], "position": 0}], "remove": [all[0]]});
    let products = format!("{PATH}/{id}/products");
    admin.put(&products, &moved).send().await.expect(200);
    assert_eq!(listed(&shop, id, "").await, [all[1], all[2]]);
    let placed = admin.get(&format!("{products}?limit=1")).send().await;
    assert_eq!(placed.header("etag"), Some("\"3\""));
    let placed = placed.expect(200);
    assert_eq!(
        (&placed["products"][0]["productId"], &placed["hasMore"]),
        (&json!(all[1]), &json!(true))
    );
    let order = admin.patch(&format!("{PATH}/{id}"), &json!({"productOrder": "newest"}));
    order.send().await.expect(200);
    assert_eq!(listed(&shop, id, "").await, [all[2], all[1]]);
    let gone = format!("/api/products/{}", all[2]);
    admin.delete(&gone).send().await.expect(204);
    assert_eq!(listed(&shop, id, "").await, [all[1]]);
}

#[tokio::test]
async fn rules_find_what_is_so_for_as_long_as_it_is() {
    let admin = open().admin().await;
    let (brand, tag) = (fresh_key(), fresh_key());
    let category = json!({"name": "Lamps", "slug": slug()});
    let category = admin.post("/api/admin/categories", &category).send().await;
    let category = category.expect(201)["id"].clone();
    let below = json!({"name": "Below", "slug": slug(), "parents": [{"id": category}]});
    let below = admin.post("/api/admin/categories", &below).send().await;
    let below = below.expect(201)["id"].clone();

    let dear = product_with(&admin, &json!({"brand": brand, "price": "99.00"})).await;
    let cheap = product_with(&admin, &json!({"brand": brand, "tags": [tag]})).await;
    let sold = product_with(&admin, &json!({"tags": [tag], "onHand": 0})).await;
    let placed = product_with(&admin, &json!({})).await;
    let assign = json!({"add": [{"productId": placed}]});
    let put = admin.put(&format!("/api/admin/categories/{below}/products"), &assign);
    put.send().await.expect(200);

    let all = json!({"match": "all", "conditions": [
        {"brand": brand}, {"price": {"min": "9.50", "max": "50.00"}}, {"inStock": true}, {"madeWithinDays": 1},
    ]});
    let all = collection(&admin, "Cheap ones of a brand", &all).await;
    let any = json!({"match": "any", "conditions": [{"brand": brand}, {"tag": tag}, {"category": category}]});
    let any = collection(&admin, "Some of these", &any).await;
    let finds = async |id: i64, expected: &[i64]| {
        for replica in [0, 1] {
            let shop = open().replica(replica);
            let said = format!("{id} finds {expected:?}");
            eventually(&said, SOON, || async {
                listed(&shop, id, "").await == expected
            })
            .await;
        }
    };
    finds(all, &[cheap]).await;
    finds(any, &[placed, sold, cheap, dear]).await;

    // A page goes on where the last one ended.
    let path = format!("/api/collections/{any}/products?limit=3");
    let first = open().shop().get(&path).send().await.expect(200);
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let rest = listed(&open().shop(), any, &format!("limit=3&cursor={cursor}")).await;
    assert_eq!(rest, [dear]);

    let price = json!({"price": "20.00"});
    let patch = admin.patch(&format!("/api/products/{dear}"), &price);
    patch.send().await.expect(200);
    finds(all, &[cheap, dear]).await;
}

#[tokio::test]
async fn a_write_is_repeated_by_its_key_and_refused_when_it_is_stale() {
    let admin = open().admin().await;
    let key = fresh_key();
    let new = json!({"name": "Tees", "slug": slug()});
    let send = || admin.post(PATH, &new).key(&key).send();
    let made = send().await;
    let etag = made.header("etag").expect("an ETag").to_owned();
    let made = made.expect(201);
    let repeat = send().await;
    assert_eq!(repeat.header("idempotent-replayed"), Some("true"));
    assert_eq!(repeat.expect(201), made);

    let path = format!("{PATH}/{}", made["id"]);
    let rename = json!({"name": "T-shirts"});
    let changed = admin.patch(&path, &rename).header("if-match", &etag);
    let changed = changed.send().await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.expect(200)["name"], "T-shirts");
    let product = product(&admin).await;
    let products = format!("{path}/products");
    let put = json!({"add": [{"productId": product}]});
    let stale = [
        admin.patch(&path, &rename),
        admin.delete(&path),
        admin.put(&products, &put),
    ];
    for request in stale {
        let answer = request.header("if-match", &etag).send().await;
        answer.refused(412, "precondition_failed");
    }
    let put = admin.put(&products, &put).header("if-match", "\"2\"");
    let put = put.send().await;
    assert_eq!(put.header("etag"), Some("\"3\""));
    put.expect(200);
    let archive = admin.delete(&path).header("if-match", "\"3\"");
    archive.send().await.expect(204);
    let gone = admin.get(&path).send().await;
    gone.refused(404, "collection_not_found");
}

#[tokio::test]
async fn a_change_is_seen_at_once_here_and_within_a_second_there() {
    let cluster = Cluster::start("open", 2);
    let (here, there) = (cluster.replica(0), cluster.replica(1));
    let token = cluster
        .token("admin@example.com", "not the public one")
        .await;
    let admin = here.with_token(&token);
    let id = collection(&admin, "Top", &Value::Null).await;
    let name = async |shop: &Shop| {
        let read = shop.get(&format!("/api/collections/{id}")).send().await;
        read.expect(200)["name"].clone()
    };
    let promise = Duration::from_secs(1);
    for round in 0..3 {
        if round == 2 {
            cluster.kill_redis();
        }
        for shop in [&here, &there] {
            name(shop).await; // cached on both
            listed(shop, id, "").await;
        }
        let wanted = format!("Top {round}");
        let product = product(&admin).await;
        add(&admin, id, &[product]).await;
        let rename = admin.patch(&format!("{PATH}/{id}"), &json!({"name": wanted}));
        rename.send().await.expect(200);
        let is_seen = async |shop: &Shop| {
            name(shop).await == *wanted && listed(shop, id, "").await.contains(&product)
        };
        assert!(is_seen(&here).await);
        eventually("the other replica shows it", promise, || is_seen(&there)).await;
    }
    assert_healthy(&mut cluster.conn());
}

/// Nobody tells any cache of it; the log of events alone does.
#[tokio::test]
async fn a_collection_that_somebody_else_wrote_is_seen_within_a_second() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let id = collection(&admin, "Top", &Value::Null).await;
    let path = format!("/api/collections/{id}");
    shop.get(&path).send().await.expect(200);
    let mut conn = open().conn();
    let collection_id = id.try_into().expect("an id");
    let written = conn.transaction(|conn| {
        conn.batch_execute(&format!(
            "UPDATE catalog.collections SET name = 'Elsewhere', version = 2 WHERE id = {id}"
        ))?;
        let event = Event::CollectionChanged { collection_id };
        outbox::write(conn, &[Entry::new(event, 2, None)])
    });
    written.expect("written");
    let is_seen = async || shop.get(&path).send().await.expect(200)["name"] == "Elsewhere";
    eventually("the name is seen", Duration::from_secs(1), is_seen).await;
}
