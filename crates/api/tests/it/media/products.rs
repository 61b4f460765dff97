//! Pictures of products.

use std::time::Duration;

use serde_json::{Value, json};

use super::{address, uploaded};
use crate::support::{Shop, count, eventually, fresh_key, open};

async fn product(staff: &Shop) -> (i64, String) {
    let sku = fresh_key().to_uppercase();
    (staff.product(&sku, 1).await, sku)
}

fn path(product: i64) -> String {
    format!("/api/admin/products/{product}/media")
}

async fn put(staff: &Shop, product: i64, media: Value) -> crate::support::Answer {
    staff
        .put(&path(product), &json!({ "media": media }))
        .send()
        .await
}

fn ids(body: &Value) -> Vec<i64> {
    let media = body["media"].as_array().expect("a list");
    media.iter().filter_map(|one| one["id"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_see_the_pictures_of_a_product_in_their_order() {
    let staff = open().admin().await;
    let (product, sku) = product(&staff).await;
    let (one, two) = (uploaded(&staff, "One").await, uploaded(&staff, "Two").await);
    let before = staff.get(&path(product)).send().await;
    let etag = before.header("etag").expect("an ETag").to_owned();
    assert_eq!(before.expect(200), json!({"media": []}));
    // Both replicas know the product without them.
    for replica in 0..2 {
        let shop = open().replica(replica);
        let read = shop.get(&format!("/api/products/{product}")).send().await;
        assert_eq!(read.expect(200)["media"], json!([]));
    }

    let wanted = json!({"media": [{"id": two["id"]}, {"id": one["id"], "alt": "From behind"}]});
    let set = staff.put(&path(product), &wanted);
    let set = set.header("if-match", &etag).send().await;

    let now = set.header("etag").expect("an ETag").to_owned();
    assert_ne!(now, etag);
    let set = set.expect(200);
    assert_eq!(set["media"][0]["alt"], "Two");
    assert_eq!(set["media"][1]["alt"], "From behind");
    let order = vec![two["id"].as_i64().unwrap(), one["id"].as_i64().unwrap()];
    assert_eq!(ids(&set), order);
    for replica in 0..2 {
        let shop = open().replica(replica);
        let is_shown = async || {
            let read = shop.get(&format!("/api/products/{product}")).send().await;
            ids(&read.json()) == order
        };
        eventually("it is shown", Duration::from_secs(5), is_shown).await;
        let list = format!("/api/products?q={sku}");
        let is_listed = async || {
            let page = shop.get(&list).send().await.json();
            ids(&page["products"][0]) == order[..1]
        };
        eventually("it is listed", Duration::from_secs(5), is_listed).await;
        let page = shop.get(&list).send().await.json();
        assert_eq!(page["products"][0]["image"], address(&two));
    }
    let late = staff.put(&path(product), &wanted);
    let late = late.header("if-match", &etag).send().await;
    late.refused(412, "precondition_failed");
    let told =
        format!("platform.outbox WHERE kind = 'product.changed' AND resource_id = {product}");
    assert_eq!(count(&mut open().conn(), &told), 2);
    let gone = put(&staff, product, json!([])).await.expect(200);
    assert_eq!(gone, json!({"media": []}));
    let read = open().replica(0);
    let read = async || {
        let read = read.get(&format!("/api/products/{product}")).send().await;
        read.json()["media"] == json!([])
    };
    eventually("they are gone", Duration::from_secs(5), read).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_may_show_some_variants() {
    let staff = open().admin().await;
    let ((product, _), (other, _)) = (product(&staff).await, product(&staff).await);
    let media = uploaded(&staff, "Red").await;
    let variant = async |product| {
        let variants = format!("/api/products/{product}/variants");
        staff.get(&variants).send().await.expect(200)["variants"][0]["id"].clone()
    };
    let (own, foreign) = (variant(product).await, variant(other).await);

    let set = put(
        &staff,
        product,
        json!([{"id": media["id"], "variantIds": [own]}]),
    );
    let set = set.await.expect(200);
    let refused = put(
        &staff,
        product,
        json!([{"id": media["id"], "variantIds": [own, foreign]}]),
    );
    let refused = refused.await.refused(422, "validation_failed");

    assert_eq!(set["media"][0]["variantIds"], json!([own]));
    assert_eq!(refused["errors"][0]["field"], "media[0].variantIds[1]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_of_a_product_can_be_written_after_a_variant_is_archived() {
    let staff = open().admin().await;
    let (product, sku) = product(&staff).await;
    let media = uploaded(&staff, "Red").await;
    let base = format!("/api/admin/products/{product}");
    let options = json!({"options": [{"name": "Size", "values": ["S", "M"]}]});
    let set = staff.put(&format!("{base}/options"), &options).send().await;
    set.expect(200);
    let matrix = json!({"skuPrefix": sku, "price": "19.90", "onHand": 2});
    let made = staff.post(&format!("{base}/variants/generate"), &matrix);
    let added = made.send().await.expect(200)["variantIds"][0].clone();
    let all = staff.get(&format!("{base}/variants")).send().await;
    let all = all.expect(200)["variants"].clone();
    let ids: Vec<&Value> = all
        .as_array()
        .expect("variants")
        .iter()
        .map(|one| &one["id"])
        .collect();
    let other = *ids.iter().find(|id| ***id != added).expect("the first one");
    let list = json!([{"id": media["id"], "variantIds": [added, other]}]);
    put(&staff, product, list).await.expect(200);
    let archived = staff
        .delete(&format!("{base}/variants/{added}"))
        .send()
        .await;
    assert_eq!(archived.status, 204);

    let read = staff.get(&path(product)).send().await.expect(200);
    let kept = &read["media"][0];
    let written = json!([{"id": kept["id"], "alt": kept["alt"], "variantIds": kept["variantIds"]}]);
    let written = put(&staff, product, written).await.expect(200);

    assert_eq!(kept["variantIds"], json!([other]));
    assert_eq!(written, read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_list_of_pictures_names_the_place_and_changes_nothing() {
    let staff = open().admin().await;
    let (product, _) = product(&staff).await;
    let media = uploaded(&staff, "One").await["id"].clone();
    let set = put(&staff, product, json!([{"id": media}])).await;
    let set = set.expect(200);
    let many: Vec<Value> = (1..=101).map(|id| json!({"id": id})).collect();
    let long = "x".repeat(10_000);
    for (list, field) in [
        (json!([{"id": media}, {"id": i64::MAX}]), "media[1].id"),
        (json!([{"id": media}, {"id": media}]), "media[1].id"),
        (json!([{"id": 0}]), "media[0].id"),
        (json!([{"id": "1"}]), "media[0].id"),
        (json!([{}]), "media[0].id"),
        (json!([{"id": media, "alt": long}]), "media[0].alt"),
        (json!([{"id": media, "alt": "a\u{0}b"}]), "media[0].alt"),
        (json!([{"id": media, "price": 1}]), "media[0].price"),
        (
            json!([{"id": media, "variantIds": [0]}]),
            "media[0].variantIds[0]",
        ),
        (json!(many), "media"),
        (json!(null), "media"),
    ] {
        let refused = put(&staff, product, list.clone()).await;
        let refused = refused.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], field, "{list}");
    }
    let unknown = put(&staff, i64::MAX, json!([])).await;
    unknown.refused(404, "product_not_found");
    let kept = staff.get(&path(product)).send().await.expect(200);
    assert_eq!(kept, set);
}
