//! The index of a shop: how far it is behind, and built anew.

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::{SOON, ids, product, search, word};
use crate::support::{Cluster, Shop, eventually, number, open};

async fn state_of(admin: &Shop, job: &Value) -> Value {
    let path = format!("/api/jobs/{}", job["id"]);
    admin.get(&path).send().await.expect(200)["state"].clone()
}

#[tokio::test]
async fn staff_has_the_index_built_anew() {
    let admin = open().admin().await;
    let word = word();
    let id = product(&admin, &word, &json!({})).await;

    let job = admin
        .request("POST", "/api/admin/search/rebuild")
        .send()
        .await
        .expect(200);

    assert_eq!(
        (&job["kind"], &job["key"]),
        (&json!("rebuildSearch"), &json!("rebuildSearch"))
    );
    eventually("the job is done", SOON * 4, || async {
        state_of(&admin, &job).await == "succeeded"
    })
    .await;
    super::found(&format!("q={word}"), &[id]).await;
    let asked = open().run(&["rebuild", "search"], "");
    assert!(asked.status.success(), "{asked:?}");
    let told = String::from_utf8_lossy(&asked.stdout).into_owned();
    let next = told.split(' ').nth(1).and_then(|id| id.parse::<i64>().ok());
    let next = json!({"id": next.expect(&told)});
    eventually("the next job is done", SOON * 4, || async {
        state_of(&admin, &next).await == "succeeded"
    })
    .await;
    super::found(&format!("q={word}"), &[id]).await;
}

#[tokio::test]
async fn how_far_it_is_behind_is_told() {
    let shop = open().shop();
    eventually("caught up", SOON, || async {
        shop.get("/readyz").send().await.expect(200)["indexLagMs"] == 0
    })
    .await;
    eventually("measured", SOON, || async {
        let metrics = reqwest::get(open().metrics_url(0))
            .await
            .expect("an answer");
        metrics
            .text()
            .await
            .expect("text")
            .contains("\nindex_lag_ms ")
    })
    .await;
}

/// Products were there before the release that searches.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_shop_builds_its_index_by_itself() {
    let cluster = Cluster::without_redis("open", 1);
    let admin = cluster.admin().await;
    let id = admin.product("UPGRADED-1", 1).await;
    tokio::task::block_in_place(|| cluster.stop(0));
    let mut conn = cluster.conn();
    conn.batch_execute(
        "UPDATE catalog.search_index SET built_at = NULL; TRUNCATE catalog.search_documents_0, catalog.search_documents_1, \
         catalog.search_stale; DELETE FROM platform.consumers WHERE name = 'search'",
    )
    .expect("as before");
    // Nobody has built it yet.
    let (process, port) =
        tokio::task::block_in_place(|| cluster.start_beside(&["serve", "--with-worker=false"]));
    let beside = Shop::new(format!("http://127.0.0.1:{port}"));
    let refused = beside.get("/api/search").send().await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(503, "search_not_ready");
    drop(process);

    tokio::task::block_in_place(|| cluster.restart(0));
    let shop = cluster.shop();
    eventually("all are found", SOON * 4, || async {
        let answer = shop.get("/api/search?q=upgraded").send().await;
        answer.status == 200 && ids(&answer.json()) == [id]
    })
    .await;
    assert_eq!(ids(&search(&shop, "").await).len(), 4);
    assert_eq!(
        number(
            &mut conn,
            "(SELECT count(*) FROM platform.jobs WHERE kind = 'rebuildSearch')"
        ),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_two_languages_stems_each_of_them() {
    let cluster = Cluster::with_settings("open", 1, &[("SEARCH__LOCALES", "en, de")]);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let body = json!({"name": "Katzen", "sku": "CATS", "price": "1.00"});
    let id = admin.post("/api/products", &body).send().await.expect(201)["id"].clone();
    eventually("found in both", SOON, || async {
        let found = search(&shop, "q=katze&locale=de").await;
        ids(&found) == [id.as_i64().expect("an id")] && found.get("didYouMean").is_none()
    })
    .await;
    let english = search(&shop, "q=katze").await;
    assert_eq!(english["didYouMean"], "katzen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_is_found_and_shown_in_its_language_alone() {
    let cluster = Cluster::with_settings("open", 2, &[("SEARCH__LOCALES", "en, de")]);
    let admin = cluster.admin().await;
    let body =
        json!({"name": "Lantern", "description": "For the garden", "sku": "LAMP", "price": "1.00"});
    let made = admin.post("/api/products", &body).send().await.expect(201);
    let id = made["id"].as_i64().expect("an id");
    let category = json!({"name": "Outdoors"});
    let category = admin.post("/api/admin/categories", &category).send().await;
    let category = category.expect(201)["id"].clone();
    let place = format!("/api/admin/categories/{category}/products");
    let placed = json!({"add": [{"productId": id}]});
    admin.put(&place, &placed).send().await.expect(200);
    let of_product = format!("/api/admin/products/{id}/translations/de");
    let of_category = format!("/api/admin/categories/{category}/translations/de");
    admin
        .put(&of_product, &json!({"name": "Laterne"}))
        .send()
        .await
        .expect(200);
    admin
        .put(&of_category, &json!({"name": "Draußen"}))
        .send()
        .await
        .expect(200);

    for replica in [cluster.replica(0), cluster.replica(1)] {
        for (query, name, facet) in [
            ("q=laternen&locale=de", "Laterne", "Draußen"),
            ("q=laternen&locale=de-AT", "Laterne", "Draußen"),
            ("q=draussen&locale=de", "Laterne", "Draußen"),
            ("q=garden&locale=de", "Laterne", "Draußen"),
            ("q=lanterns", "Lantern", "Outdoors"),
            ("q=outdoor&locale=en-GB", "Lantern", "Outdoors"),
        ] {
            let query = format!("{query}&facets=category");
            eventually(&query, SOON * 4, || async {
                let found = search(&replica, &query).await;
                ids(&found) == [id]
                    && found["products"][0]["name"] == name
                    && found["facets"]["category"][0]["name"] == facet
            })
            .await;
        }
        let meant = search(&replica, "q=laterna&locale=de").await;
        assert_eq!(meant["didYouMean"], "laterne");
        let none = search(&replica, "q=laterne&locale=en").await;
        assert_eq!((ids(&none), &none["didYouMean"]), (vec![], &Value::Null));
    }
    admin.delete(&of_product).send().await.expect(204);
    eventually("it is gone", SOON * 4, || async {
        let found = search(&cluster.shop(), "q=laterne&locale=de").await;
        ids(&found).is_empty()
    })
    .await;
}
