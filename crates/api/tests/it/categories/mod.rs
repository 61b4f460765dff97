//! Categories, as anyone reads them and staff writes them.

mod refusals;

use std::time::Duration;

use chrono::Utc;
use db::outbox::{self, Entry};
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use domain::Event;
use serde_json::{Value, json};

use crate::support::{Cluster, Shop, assert_healthy, eventually, fresh_key, open};

const PATH: &str = "/api/admin/categories";

/// Makes a category below others and returns its id.
async fn category(admin: &Shop, name: &str, parents: &[i64]) -> i64 {
    let parents: Vec<Value> = parents.iter().map(|id| json!({"id": id})).collect();
    let body = json!({"name": name, "slug": fresh_key(), "parents": parents});
    let made = admin.post(PATH, &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

async fn product(admin: &Shop) -> i64 {
    admin.product(&fresh_key().to_uppercase(), 1).await
}

/// Puts products into a category.
async fn add(admin: &Shop, category: i64, products: &[i64]) -> Value {
    let add: Vec<Value> = products.iter().map(|id| json!({"productId": id})).collect();
    let path = format!("{PATH}/{category}/products");
    let put = admin.put(&path, &json!({"add": add})).send().await;
    put.expect(200)
}

async fn listed(shop: &Shop, category: i64, query: &str) -> Vec<i64> {
    let path = format!("/api/categories/{category}/products?{query}");
    ids(&shop.get(&path).send().await.expect(200)["products"])
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item["id"].as_i64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_category_tells_its_parents_its_path_and_how_many_are_below() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let slug = fresh_key();
    let body =
        json!({"name": "Photo", "slug": slug, "description": "All of it", "image": "/photo.jpg"});
    let made = admin.post(PATH, &body).send().await;
    assert_eq!(made.header("etag"), Some("\"1\""));
    let location = made.header("location").expect("an address").to_owned();
    let photo = made.expect(201);
    assert_eq!(location, format!("/api/categories/{}", photo["id"]));
    assert_eq!(
        (&photo["productOrder"], &photo["parents"]),
        (&json!("manual"), &json!([]))
    );
    let photo = photo["id"].as_i64().expect("an id");
    let gifts = category(&admin, "Gifts", &[]).await;
    let cameras = category(&admin, "Cameras", &[photo, gifts]).await;
    let lenses = category(&admin, "Lenses", &[cameras]).await;

    let read = shop.get(&format!("/api/categories/{lenses}")).send().await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    let lens = read.expect(200);
    assert_eq!(ids(&lens["path"]), [photo, cameras]);
    assert_eq!(ids(&lens["parents"]), [cameras]);
    assert_eq!(lens["rootPosition"], Value::Null);
    let again = shop.get(&format!("/api/categories/{lenses}"));
    let again = again.header("if-none-match", &etag).send().await;
    assert_eq!(again.status, 304);

    let below = shop.get(&format!("/api/categories?parentId={photo}"));
    let below = below.send().await.expect(200);
    assert_eq!(ids(&below["categories"]), [cameras]);
    assert_eq!(below["categories"][0]["childCount"], 1);
    assert_eq!(below["categories"][0].get("path"), None);
    let named = shop.get(&format!("/api/categories?slug={slug}"));
    let named = named.send().await.expect(200);
    assert_eq!(ids(&named["categories"]), [photo]);

    let roots = shop.get("/api/categories?limit=1").send().await.expect(200);
    assert_eq!(roots["hasMore"], true);
    let cursor = roots["nextCursor"].as_str().expect("there is more");
    let next = shop.get(&format!("/api/categories?limit=1&cursor={cursor}"));
    let next = next.send().await.expect(200);
    assert_ne!(ids(&next["categories"]), ids(&roots["categories"]));
}

#[tokio::test]
async fn products_are_listed_as_the_category_says_and_with_those_below() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let top = category(&admin, "Top", &[]).await;
    let (left, right) = (
        category(&admin, "Left", &[top]).await,
        category(&admin, "Right", &[top]).await,
    );
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(product(&admin).await);
    }
    assert_eq!(
        add(&admin, top, &[all[2], all[0], all[1]]).await,
        json!({"placed": 3, "removed": 0})
    );
    add(&admin, left, &[all[1], all[3]]).await;
    add(&admin, right, &[all[3]]).await;

    assert_eq!(listed(&shop, top, "").await, [all[2], all[0], all[1]]);
    let path = format!("/api/categories/{top}/products?limit=2");
    let first = shop.get(&path).send().await.expect(200);
    assert_eq!(
        (&first["hasMore"], &first["limit"]),
        (&json!(true), &json!(2))
    );
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let rest = listed(&shop, top, &format!("limit=2&cursor={cursor}")).await;
    assert_eq!(rest, [all[1]]);
    let own = shop.get(&format!(
        "/api/products?cursor=c{:016x}&limit=1",
        all[2] - 1
    ));
    let mut own = own.send().await.expect(200)["products"][0].clone();
    own["updatedAt"] = first["products"][0]["updatedAt"].clone();
    assert_eq!(first["products"][0], own, "as in the list of all products");

    let newest: Vec<i64> = all.iter().rev().copied().collect();
    assert_eq!(listed(&shop, top, "includeDescendants=true").await, newest);
    let path = format!("{PATH}/{top}/products");
    let moved = json!({"add": [{"productId": all[1], "position": 0}], "remove": [all[0]]});
    admin.put(&path, &moved).send().await.expect(200);
    assert_eq!(
        listed(&shop, top, "includeDescendants=false").await,
        [all[1], all[2]]
    );
    let order = json!({"productOrder": "newest"});
    admin
        .patch(&format!("{PATH}/{top}"), &order)
        .send()
        .await
        .expect(200);
    assert_eq!(listed(&shop, top, "").await, [all[2], all[1]]);
    let gone = format!("/api/products/{}", all[2]);
    admin.delete(&gone).send().await.expect(204);
    assert_eq!(listed(&shop, top, "").await, [all[1]]);
}

#[tokio::test]
async fn a_write_is_repeated_by_its_key_and_refused_when_it_is_stale() {
    let admin = open().admin().await;
    let id = category(&admin, "Tees", &[]).await;
    let path = format!("{PATH}/{id}");
    let etag = admin.get(&path).send().await;
    let etag = etag.header("etag").expect("an ETag").to_owned();
    let key = fresh_key();
    let rename = json!({"name": "T-shirts"});
    let send = || {
        admin
            .patch(&path, &rename)
            .header("if-match", &etag)
            .key(&key)
            .send()
    };

    let changed = send().await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.expect(200)["name"], "T-shirts");
    let repeat = send().await;
    assert_eq!(repeat.header("idempotent-replayed"), Some("true"));

    let product = product(&admin).await;
    let (parents, products) = (format!("{path}/parents"), format!("{path}/products"));
    let stale = [
        admin.patch(&path, &rename),
        admin.delete(&path),
        admin.put(&parents, &json!({"parents": []})),
        admin.put(&products, &json!({"add": [{"productId": product}]})),
    ];
    for request in stale {
        let answer = request.header("if-match", &etag).send().await;
        answer.refused(412, "precondition_failed");
    }
    let put = admin.put(&products, &json!({"add": [{"productId": product}]}));
    let put = put.header("if-match", "\"2\"").send().await;
    assert_eq!(put.header("etag"), Some("\"3\""));
    put.expect(200);
    admin
        .delete(&path)
        .header("if-match", "\"3\"")
        .send()
        .await
        .expect(204);
    admin
        .get(&path)
        .send()
        .await
        .refused(404, "category_not_found");
}

#[tokio::test]
async fn of_two_who_would_close_a_cycle_together_one_is_refused() {
    let admin = open().admin().await;
    for _ in 0..5 {
        let (a, b) = (
            category(&admin, "A", &[]).await,
            category(&admin, "B", &[]).await,
        );
        let put = |id: i64, parent: i64| {
            let path = format!("{PATH}/{id}/parents");
            admin
                .put(&path, &json!({"parents": [{"id": parent}]}))
                .send()
        };

        let (first, second) = tokio::join!(put(a, b), put(b, a));

        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

#[tokio::test]
async fn a_change_is_seen_at_once_here_and_within_a_second_there() {
    let cluster = Cluster::start("open", 2);
    let (here, there) = (cluster.replica(0), cluster.replica(1));
    let token = cluster
        .token("admin@example.com", "not the public one")
        .await;
    let admin = here.with_token(&token);
    let top = category(&admin, "Top", &[]).await;
    let path = format!("{PATH}/{top}");
    let name = async |shop: &Shop| {
        let read = shop.get(&format!("/api/categories/{top}")).send().await;
        read.expect(200)["name"].clone()
    };
    for round in 0..3 {
        if round == 2 {
            cluster.kill_redis();
        }
        for shop in [&here, &there] {
            name(shop).await; // cached on both
            listed(shop, top, "includeDescendants=true").await;
        }
        let wanted = format!("Top {round}");
        let product = product(&admin).await;
        let below = category(&admin, "Below", &[top]).await;
        add(&admin, below, &[product]).await;
        admin
            .patch(&path, &json!({"name": wanted}))
            .send()
            .await
            .expect(200);
        let is_seen = async |shop: &Shop| {
            let all = listed(shop, top, "includeDescendants=true").await;
            name(shop).await == *wanted && all.contains(&product)
        };
        assert!(is_seen(&here).await);
        let promise = Duration::from_secs(1);
        eventually("the other replica shows it", promise, || is_seen(&there)).await;

        // What a product costs is seen in its categories, too.
        let change = json!({"price": "77.00"});
        admin
            .patch(&format!("/api/products/{product}"), &change)
            .send()
            .await
            .expect(200);
        let price = async || {
            let page = format!("/api/categories/{below}/products");
            let page = there.get(&page).send().await.expect(200);
            page["products"][0]["price"] == "77.00"
        };
        eventually("the other replica shows the price", promise, price).await;
    }
    assert_healthy(&mut cluster.conn());
}

/// No job and no message tells of it: what is kept of the list ends when the clock changes it.
#[tokio::test]
async fn a_draft_is_placed_ahead_and_comes_into_the_list_by_the_clock() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let id = category(&admin, "Mugs", &[]).await;
    let begin = Utc::now() + Duration::from_millis(1_500);
    let mug = json!({"name": "Mug", "sku": fresh_key(), "price": "9.50", "publishAt": begin.to_rfc3339()});
    let mug = admin.post("/api/admin/products", &mug).send().await;
    let mug = mug.expect(201)["id"].as_i64().expect("an id");
    let tee = product(&admin).await;
    add(&admin, id, &[mug, tee]).await;

    let early = listed(&shop, id, "").await;
    // A machine that stood still for so long says nothing.
    assert!(Utc::now() >= begin || early == [tee], "{early:?}");
    let placed = admin.get(&format!("{PATH}/{id}/products?limit=1"));
    let placed = placed.send().await;
    assert_eq!(placed.header("etag"), Some("\"2\""));
    let placed = placed.expect(200);
    assert_eq!(
        (&placed["products"][0]["productId"], &placed["hasMore"]),
        (&json!(mug), &json!(true))
    );
    let left = (begin - Utc::now()).to_std().unwrap_or_default();
    tokio::time::sleep(left + Duration::from_millis(20)).await;
    for replica in 0..2 {
        assert_eq!(listed(&open().replica(replica), id, "").await, [mug, tee]);
    }
}

/// Nobody tells any cache of it; the log of events alone does.
#[tokio::test]
async fn a_category_that_somebody_else_wrote_is_seen_within_a_second() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let top = category(&admin, "Top", &[]).await;
    let path = format!("/api/categories/{top}");
    shop.get(&path).send().await.expect(200);
    let mut conn = open().conn();
    let category_id = top.try_into().expect("an id");
    let written = conn.transaction(|conn| {
        conn.batch_execute(&format!(
            "UPDATE catalog.categories SET name = 'Elsewhere', version = 2 WHERE id = {top}"
        ))?;
        let event = Event::CategoryUpdated { category_id };
        outbox::write(conn, &[Entry::new(event, 2, None)])
    });
    written.expect("written");
    let is_seen = async || shop.get(&path).send().await.expect(200)["name"] == "Elsewhere";
    eventually("the name is seen", Duration::from_secs(1), is_seen).await;
}

#[tokio::test]
async fn what_became_of_a_category_is_told_in_order() {
    let admin = open().admin().await;
    let start = admin.get("/api/events?limit=1").send().await.expect(200);
    let id = category(&admin, "Tees", &[]).await;
    let tee = product(&admin).await;
    add(&admin, id, &[tee]).await;
    let path = format!("{PATH}/{id}");
    admin
        .patch(&path, &json!({"name": "Shirts"}))
        .send()
        .await
        .expect(200);
    admin.delete(&path).send().await.expect(204);

    let mut told: Vec<(Value, Value, Value)> = Vec::new();
    let mut cursor = start["nextCursor"].as_str().expect("a cursor").to_owned();
    while told.len() < 4 {
        let page = admin.get(&format!("/api/events?limit=100&after={cursor}"));
        let page = page.send().await.expect(200);
        let events = page["events"].as_array().expect("events").iter();
        let ours = events.filter(|e| e["resource"] == json!({"type": "category", "id": id}));
        told.extend(ours.map(|e| (e["type"].clone(), e["sequence"].clone(), e["data"].clone())));
        cursor = page["nextCursor"].as_str().expect("a cursor").to_owned();
    }

    let about = json!({"categoryId": id});
    let listed = json!({"categoryId": id, "placed": [tee], "removed": []});
    let expected = [
        (json!("category.created"), json!(1), about.clone()),
        (json!("category.productsChanged"), json!(2), listed),
        (json!("category.updated"), json!(3), about.clone()),
        (json!("category.archived"), json!(4), about),
    ];
    assert_eq!(told, expected);
}
