//! What a product is shown beside.

use serde_json::{Value, json};

use crate::support::{PATIENCE, Shop, eventually, fresh_key, open};

async fn products(admin: &Shop, count: usize) -> Vec<i64> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(admin.product(&fresh_key().to_uppercase(), 1).await);
    }
    made
}

async fn shown(shop: &Shop, path: &str) -> Vec<i64> {
    let answer = shop.get(path).send().await.expect(200);
    let products = answer["products"].as_array().expect("products");
    products
        .iter()
        .filter_map(|product| product["id"].as_i64())
        .collect()
}

#[tokio::test]
async fn products_beside_a_product_come_in_their_order_while_they_are_on_sale() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let ids = products(&admin, 4).await;
    let path = format!("/api/products/{}/related", ids[0]);
    let cross = format!("{path}?relation=cross_sell");
    let staff = |relation: &str| format!("/api/admin/products/{}/related/{relation}", ids[0]);
    assert!(shown(&shop, &path).await.is_empty());

    let read = admin.get(&staff("related")).send().await;
    let etag = read.header("etag").expect("a version").to_owned();
    assert_eq!(read.expect(200)["productIds"], json!([]));
    let set =
        |relation: &str, wanted: Value| admin.put(&staff(relation), &json!({"productIds": wanted}));
    let wanted = json!([ids[3], ids[1], ids[2]]);
    let first = set("related", wanted.clone())
        .header("if-match", &etag)
        .send()
        .await;
    assert_eq!(first.expect(200)["productIds"], wanted);
    let late = set("related", json!([]))
        .header("if-match", &etag)
        .send()
        .await;
    late.refused(412, "precondition_failed");
    set("cross_sell", json!([ids[2]])).send().await.expect(200);
    let in_order = || async { shown(&shop, &path).await == [ids[3], ids[1], ids[2]] };
    eventually("both replicas show it", PATIENCE, in_order).await;
    assert_eq!(shown(&shop, &cross).await, [ids[2]]);

    let draft = format!("/api/admin/products/{}", ids[1]);
    admin
        .patch(&draft, &json!({"status": "draft"}))
        .send()
        .await
        .expect(200);
    admin
        .delete(&format!("/api/products/{}", ids[2]))
        .send()
        .await
        .expect(204);
    let fewer =
        || async { shown(&shop, &path).await == [ids[3]] && shown(&shop, &cross).await.is_empty() };
    eventually("what is not on sale is not shown", PATIENCE, fewer).await;
    let kept = admin.get(&staff("related")).send().await.expect(200);
    assert_eq!(kept["productIds"], wanted, "staff sees what it wrote");
    admin
        .patch(&draft, &json!({"status": "active"}))
        .send()
        .await
        .expect(200);
    let back = || async { shown(&shop, &path).await == [ids[3], ids[1]] };
    eventually("it comes back to its place", PATIENCE, back).await;
}

#[tokio::test]
async fn only_other_products_that_exist_are_shown_beside_one() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let ids = products(&admin, 2).await;
    let path = format!("/api/admin/products/{}/related/up_sell", ids[0]);
    let many: Vec<i64> = (1..=51).collect();
    for (wanted, field) in [
        (json!([ids[0]]), "productIds[0]"),
        (json!([ids[1], ids[1]]), "productIds[1]"),
        (json!([ids[1], i64::MAX]), "productIds[1]"),
        (json!([0]), "productIds[0]"),
        (json!([-1]), "productIds[0]"),
        (json!(["1"]), "productIds[0]"),
        (json!([1.5]), "productIds[0]"),
        (json!(many), "productIds"),
        (json!(null), "productIds"),
    ] {
        let refused = admin
            .put(&path, &json!({"productIds": wanted}))
            .send()
            .await;
        assert!((400..500).contains(&refused.status), "{refused:?}");
        assert_eq!(refused.json()["errors"][0]["field"], field, "{wanted}");
        let after = admin.get(&path).send().await;
        assert_eq!(after.header("etag"), Some("\"1\""), "{wanted}");
    }
    let unknown = format!("/api/admin/products/{}/related/down_sell", ids[0]);
    admin
        .get(&unknown)
        .send()
        .await
        .refused(404, "unknown_relation");
    let nobody = admin
        .get("/api/admin/products/999999999/related/related")
        .send()
        .await;
    nobody.refused(404, "product_not_found");
    let public = format!("/api/products/{}/related", ids[0]);
    for bad in [
        "relation=down_sell",
        "relation=",
        "limit=1",
        "currency=usd1",
    ] {
        let refused = shop.get(&format!("{public}?{bad}")).send().await;
        refused.refused(400, "invalid_query");
    }
    let gone = shop.get("/api/products/999999999/related").send().await;
    gone.refused(404, "product_not_found");
}
