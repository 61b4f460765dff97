//! Prices of countries: what is shown there is what is searched by there.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{SOON, found, product, search, word};
use crate::support::{Shop, eventually, fresh_key, open};

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Makes a product for 9.50 USD, and returns its id and its SKU.
async fn mug(admin: &Shop, word: &str) -> (i64, String) {
    let sku = fresh_key().to_uppercase();
    let id = product(admin, &format!("{word} mug"), &json!({"sku": sku})).await;
    (id, sku)
}

/// Makes a list in which an SKU has a price in USD, and returns its path.
async fn list(admin: &Shop, terms: &Value, sku: &str, price: &str) -> String {
    let mut body = json!({"code": fresh_key(), "name": "Abroad"});
    for (field, value) in terms.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let made = admin.post("/api/admin/price-lists", &body).send().await;
    let path = format!("/api/admin/price-lists/{}", made.expect(201)["id"]);
    let prices = json!({"prices": [{"sku": sku, "price": price}]});
    let set = admin.post(&format!("{path}/prices"), &prices).send().await;
    assert_eq!(set.expect(200)["results"][0]["status"], "set");
    path
}

#[tokio::test]
async fn filters_orders_and_counts_are_of_the_prices_that_are_shown_in_a_country() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let (same, _) = mug(&admin, &word).await;
    let (id, sku) = mug(&admin, &word).await;
    let terms = json!({"countries": ["DE", "AT"]});
    let path = list(&admin, &terms, &sku, "11.00").await;
    let of = |rest: &str| format!("q={word}&{rest}");

    found(&of("country=DE&minPrice=10"), &[id]).await;
    found(&of("country=AT&currency=USD&minPrice=10"), &[id]).await;
    found(&of("country=DE&maxPrice=10"), &[same]).await;
    found(&of("country=FR&minPrice=10"), &[]).await;
    found(&of("minPrice=10"), &[]).await;
    found(&of("country=DE&currency=EUR&minPrice=0"), &[]).await;
    found(&of("country=DE&sort=-price"), &[id, same]).await;
    found(&of("country=DE&sort=price"), &[same, id]).await;
    found(&of("country=FR&sort=-price"), &[id, same]).await;
    found(&of("country=FR&sort=price"), &[same, id]).await;
    for (country, highest) in [("DE", "11.00"), ("FR", "9.50")] {
        let query = of(&format!("country={country}&facets=price"));
        let counted = search(&shop, &query).await["facets"]["price"].clone();
        assert_eq!(counted["min"], "9.50");
        assert_eq!(counted["max"], highest);
        let lines = json!({"lines": [{"sku": sku}], "country": country});
        let priced = shop.post("/api/prices/lookup", &lines).send().await;
        let priced = &priced.expect(200)["lines"][0]["winning"]["price"];
        assert_eq!(*priced, highest);
    }

    // Dearest first, a product on each page.
    let first = search(&shop, &of("country=DE&sort=-price&limit=1")).await;
    assert_eq!(super::ids(&first), [id]);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let query = of(&format!("country=DE&sort=-price&limit=1&cursor={cursor}"));
    assert_eq!(super::ids(&search(&shop, &query).await), [same]);

    let elsewhere = json!({"countries": ["FR"]});
    admin.patch(&path, &elsewhere).send().await.expect(200);
    found(&of("country=FR&minPrice=10"), &[id]).await;
    found(&of("country=DE&minPrice=10"), &[]).await;
    let nowhere = json!({"isActive": false});
    admin.patch(&path, &nowhere).send().await.expect(200);
    found(&of("country=FR&minPrice=10"), &[]).await;
}

/// No job and no message tells the replicas when it starts.
#[tokio::test]
async fn a_list_is_searched_by_in_its_country_from_its_moment_to_its_end() {
    let admin = open().admin().await;
    let word = word();
    let (id, sku) = mug(&admin, &word).await;
    let query = format!("q={word}&country=CH&maxPrice=5");
    found(&format!("q={word}&country=CH"), &[id]).await;
    found(&query, &[]).await;

    let starts_at = time(Utc::now() + Duration::from_millis(1_500));
    let terms = json!({"countries": ["CH"], "startsAt": starts_at});
    let path = list(&admin, &terms, &sku, "5.00").await;
    found(&query, &[id]).await;
    found(&format!("q={word}&country=LI&maxPrice=5"), &[]).await;

    let ends_at = time(Utc::now() + Duration::from_millis(1_500));
    let over = json!({"endsAt": ends_at});
    admin.patch(&path, &over).send().await.expect(200);
    found(&query, &[]).await;
    found(&format!("q={word}&country=CH&minPrice=9.50"), &[id]).await;
}

#[tokio::test]
async fn a_collection_has_what_costs_so_much_in_the_country_it_is_read_for() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let brand = word();
    let sku = fresh_key().to_uppercase();
    let id = product(&admin, "Mug", &json!({"sku": sku, "brand": brand})).await;
    list(&admin, &json!({"countries": ["DE"]}), &sku, "11.00").await;
    let rules = json!({"match": "all", "conditions": [{"brand": brand}, {"price": {"max": "10"}}]});
    let body = json!({"name": "Cheap", "slug": format!("c-{}", fresh_key()), "rules": rules});
    let made = admin.post("/api/admin/collections", &body).send().await;
    let path = format!("/api/collections/{}/products", made.expect(201)["id"]);
    for (country, expected) in [("FR", vec![id]), ("DE", vec![])] {
        eventually(country, SOON, || async {
            let path = format!("{path}?country={country}");
            super::ids(&shop.get(&path).send().await.expect(200)) == expected
        })
        .await;
    }
}
