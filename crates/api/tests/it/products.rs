//! Products, as anyone reads them and staff writes them.

use serde_json::{Value, json};

use crate::support::{Cluster, fresh_key, open};

fn ids(page: &Value) -> Vec<i64> {
    let products = page["products"].as_array().expect("products");
    products
        .iter()
        .map(|product| product["id"].as_i64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_fresh_shop_has_an_administrator_three_products_and_numbers_that_start_at_one() {
    let cluster = Cluster::start("open", 1);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);

    let page = shop.get("/api/products").send().await.expect(200);
    let listed: Vec<_> = page["products"]
        .as_array()
        .expect("products")
        .iter()
        .map(|p| (p["id"].clone(), p["name"].clone(), p["price"].clone()))
        .collect();
    let expected = [
        (json!(1), json!("MacBook Air"), json!("999.99")),
        (json!(2), json!("AirPods Pro 3"), json!("199.99")),
        (json!(3), json!("iPhone 17"), json!("799.99")),
    ];
    assert_eq!(listed, expected);
    assert_eq!(page["page"], 1);
    assert_eq!(page["limit"], 20);
    assert_eq!(page["hasMore"], false);

    let me = admin.get("/api/users/me").send().await.expect(200);
    assert_eq!((&me["id"], &me["isAdmin"]), (&json!(1), &json!(true)));

    let somebody = json!({"name": "Ann", "email": "ann@example.com", "password": "correct horse", "phoneNumber": "+49 30 1234"});
    let user = shop.post("/api/users", &somebody).send().await.expect(201);
    assert_eq!(
        user,
        json!({"id": 2, "name": "Ann", "email": "ann@example.com", "phoneNumber": "+49 30 1234", "isAdmin": false})
    );

    let order = json!({"userId": 2, "productIds": [1, 2], "address": "123 Demo St", "payment": "card", "shipping": "std"});
    let placed = shop.post("/api/orders", &order).send().await;
    assert_eq!(placed.header("location"), Some("/api/orders/1"));
    let placed = placed.expect(201);
    assert_eq!(placed["orderId"], 1);
    assert_eq!(placed["userId"], 2);
    assert_eq!(placed["productIds"], json!([1, 2]));
    assert_eq!(placed["address"], "123 Demo St");
    assert_eq!(placed["status"], "ordered");
    assert_eq!(
        placed["totals"]["total"],
        json!({"amount": 119_998, "currency": "USD"})
    );
}

#[tokio::test]
async fn a_search_finds_by_name_description_and_start_of_the_sku_whatever_the_case() {
    let shop = open().shop();
    for q in [
        "macbook",
        "MACBOOK",
        "13-inch",
        "MACBOOK-A",
        "macbook%20air",
    ] {
        let page = shop
            .get(&format!("/api/products?q={q}"))
            .send()
            .await
            .expect(200);
        assert!(ids(&page).contains(&1), "{q}: {page}");
        assert!(!ids(&page).contains(&2), "{q}: {page}");
    }
    let none = shop
        .get("/api/products?q=zebra%25")
        .send()
        .await
        .expect(200);
    assert_eq!(ids(&none), [0_i64; 0]);
}

#[tokio::test]
async fn pages_and_cursors_walk_the_same_list() {
    let shop = open().shop();
    let first = shop
        .get("/api/products?limit=1&page=1")
        .send()
        .await
        .expect(200);
    let second = shop
        .get("/api/products?limit=1&page=2")
        .send()
        .await
        .expect(200);
    assert_eq!((ids(&first), ids(&second)), (vec![1], vec![2]));
    assert_eq!(first["hasMore"], true);

    let cursor = first["nextCursor"].as_str().expect("there is more");
    let after = shop
        .get(&format!("/api/products?limit=1&cursor={cursor}"))
        .send()
        .await
        .expect(200);
    assert_eq!(ids(&after), [2]);
    assert!(after.get("page").is_none());

    let both = shop
        .get(&format!("/api/products?page=1&cursor={cursor}"))
        .send()
        .await;
    both.refused(400, "invalid_query");
    let far = shop.get("/api/products?page=1000000").send().await;
    assert_eq!(ids(&far.expect(200)), [0_i64; 0]);
}

#[tokio::test]
async fn one_product_is_read_with_an_etag_and_an_unknown_one_is_a_404() {
    let shop = open().shop();
    let product = shop.get("/api/products/2").send().await;
    let etag = product.header("etag").expect("an ETag").to_owned();
    assert_eq!(product.header("cache-control"), Some("public, no-cache"));
    assert_eq!(product.expect(200)["sku"], "AIRPODS-PRO-3");

    let again = shop.get("/api/products/2").header("if-none-match", &etag);
    let again = again.send().await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(&*etag));

    let head = shop.request("HEAD", "/api/products/2").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), Some(&*etag));

    let unknown = shop.get("/api/products/999999").send().await;
    unknown.refused(404, "product_not_found");
}

#[tokio::test]
async fn staff_makes_changes_and_archives_a_product() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let body = json!({"name": "Tee", "sku": "LIFE-1", "price": "19.90", "description": "Cotton", "image": "/tee.jpg", "onHand": 3});
    let made = admin.post("/api/products", &body).send().await;
    let location = made.header("location").expect("a Location").to_owned();
    let made = made.expect(201);
    assert_eq!(made["price"], "19.90");
    assert_eq!(location, format!("/api/products/{}", made["id"]));

    let taken = admin.post("/api/products", &body).send().await;
    taken.refused(409, "sku_taken");

    let etag = shop
        .get(&location)
        .send()
        .await
        .header("etag")
        .expect("an ETag")
        .to_owned();
    let change = json!({"price": "21.00", "name": "Tee, white"});
    let changed = admin.patch(&location, &change).header("if-match", &etag);
    let changed = changed.send().await.expect(200);
    assert_eq!(changed["price"], "21.00");
    assert_eq!(changed["description"], "Cotton");
    let stale = admin.patch(&location, &change).header("if-match", &etag);
    stale.send().await.refused(412, "precondition_failed");

    for unreadable in ["\"é\"", "\u{a0}"] {
        let blind = admin.patch(&location, &change);
        let blind = blind.header("if-match", unreadable).send().await;
        blind.refused(400, "invalid_if_match");
    }

    let stale = admin.delete(&location).header("if-match", &etag);
    stale.send().await.refused(412, "precondition_failed");
    let gone = admin.delete(&location).key(&fresh_key()).send().await;
    gone.expect(204);
    shop.get(&location)
        .send()
        .await
        .refused(404, "product_not_found");
    let order = json!({"userId": 2, "lines": [{"sku": "LIFE-1", "quantity": 1}], "address": "x", "payment": "cod", "shipping": "std"});
    let refused = admin.post("/api/orders", &order).send().await;
    let refused = refused.refused(422, "unknown_product");
    assert_eq!(refused["errors"][0]["field"], "lines[0].sku");
}

#[tokio::test]
async fn a_count_of_stock_needs_to_know_what_it_replaces() {
    let admin = open().admin().await;
    let id = admin.product("COUNTED", 40).await;
    let path = format!("/api/products/{id}/stock");

    let stock = admin.get(&path).send().await.expect(200);
    assert_eq!(
        stock,
        json!({"productId": id, "sku": "COUNTED", "onHand": 40, "reserved": 0, "safety": 0, "backorderLimit": 0, "available": 40})
    );
    let blind = admin.put(&path, &json!({"onHand": 50})).send().await;
    blind.refused(428, "precondition_required");
    let count = json!({"onHand": 50, "expectedOnHand": 40});
    let counted = admin.put(&path, &count).send().await.expect(200);
    assert_eq!(counted["onHand"], 50);
    let stale = admin.put(&path, &count).send().await;
    assert_eq!(stale.refused(409, "stock_changed")["onHand"], 50);
}
