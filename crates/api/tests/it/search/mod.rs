//! What customers look for, as any replica answers.

mod countries;
mod index;
mod refusals;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Shop, eventually, fresh_key, open};

/// A change can be found within this time on every replica; it is a promise.
const SOON: Duration = Duration::from_secs(5);

/// A word that nobody used before, and that stays as it is.
fn word() -> String {
    let letters = |key: String| {
        key.bytes()
            .filter(u8::is_ascii_hexdigit)
            .collect::<Vec<_>>()
    };
    let word = letters(fresh_key()).into_iter().map(|digit| match digit {
        b'0'..=b'9' => b'p' + (digit - b'0'),
        letter => letter,
    });
    format!("q{}z", String::from_utf8(word.collect()).expect("letters"))
}

/// Makes a product with some fields beside what it needs, and returns its id.
async fn product(admin: &Shop, name: &str, more: &Value) -> i64 {
    let mut body =
        json!({"name": name, "sku": fresh_key().to_uppercase(), "price": "9.50", "onHand": 3});
    for (field, value) in more.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let made = admin.post("/api/admin/products", &body).send().await;
    made.expect(201)["id"].as_i64().expect("an id")
}

async fn search(shop: &Shop, query: &str) -> Value {
    let path = format!("/api/search?{query}");
    shop.get(&path).send().await.expect(200)
}

fn ids(found: &Value) -> Vec<i64> {
    let products = found["products"].as_array().expect("a list").iter();
    products
        .map(|product| product["id"].as_i64().expect("an id"))
        .collect()
}

/// Waits until a search finds exactly these, on both replicas.
async fn found(query: &str, expected: &[i64]) {
    for replica in [0, 1] {
        let shop = open().replica(replica);
        eventually(query, SOON, || async {
            let found = search(&shop, query).await;
            ids(&found) == expected && found["total"] == expected.len()
        })
        .await;
    }
}

#[tokio::test]
async fn words_facets_and_prices_narrow_what_is_found() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let (acme, other) = (format!("Acme {word}"), format!("Öther {word}"));
    let red = product(
        &admin,
        &format!("{word} lamp"),
        &json!({"brand": acme, "tags": ["new", "eco"], "price": "10.00"}),
    )
    .await;
    let blue = product(
        &admin,
        &format!("{word} lamps"),
        &json!({"brand": other, "tags": ["eco"], "price": "19.99", "onHand": 0}),
    )
    .await;
    let category = admin
        .post(
            "/api/admin/categories",
            &json!({"name": "Lamps", "slug": fresh_key()}),
        )
        .send()
        .await
        .expect(201)["id"]
        .clone();
    let assign = json!({"add": [{"productId": red}, {"productId": blue}]});
    let path = format!("/api/admin/categories/{category}/products");
    admin.put(&path, &assign).send().await.expect(200);
    found(&format!("q={word}&category={category}"), &[blue, red]).await;

    let facets = "facets=brand,tag,category,options,price,inStock";
    let all = search(&shop, &format!("q={word}&{facets}")).await;
    assert_eq!(all["total"], 2);
    assert_eq!(
        all["facets"],
        json!({
            "brand": [{"value": acme, "count": 1}, {"value": other, "count": 1}],
            "tag": [{"value": "eco", "count": 2}, {"value": "new", "count": 1}],
            "category": [{"id": category, "name": "Lamps", "count": 2}],
            "options": [],
            "price": {"currency": "USD", "min": "10.00", "max": "19.99", "steps": all["facets"]["price"]["steps"]},
            "inStock": {"available": 1, "soldOut": 1},
        })
    );
    let steps = all["facets"]["price"]["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 10);
    assert_eq!(
        steps[0],
        json!({"from": "10.00", "to": "10.99", "count": 1})
    );
    assert_eq!(
        steps[9],
        json!({"from": "19.00", "to": "19.99", "count": 1})
    );

    let brand = "%C3%96ther%20".to_owned() + &word;
    for (query, expected) in [
        (format!("q={word}&brand={brand}"), vec![blue]),
        (
            format!("q={word}&brand={brand}&brand=Acme%20{word}"),
            vec![blue, red],
        ),
        (format!("q={word}&tag=new"), vec![red]),
        (format!("q={word}&tag=new&brand={brand}"), vec![]),
        (format!("q={word}&inStock=true"), vec![red]),
        (format!("q={word}&inStock=false"), vec![blue]),
        (format!("q={word}&minPrice=10.01"), vec![blue]),
        (format!("q={word}&maxPrice=10"), vec![red]),
        (format!("q={word}&sort=-price"), vec![blue, red]),
        (format!("q={word}&sort=price"), vec![red, blue]),
        (format!("q={word}&sort=name"), vec![red, blue]),
        (format!("q={word}&option=Colour:red"), vec![]),
        (format!("q={word}&currency=EUR&minPrice=1"), vec![]),
        (format!("q={word}&currency=EUR"), vec![blue, red]),
    ] {
        assert_eq!(ids(&search(&shop, &query).await), expected, "{query}");
    }
    let narrowed = search(&shop, &format!("q={word}&brand={brand}&{facets}")).await;
    assert_eq!(narrowed["total"], 1);
    assert_eq!(
        narrowed["facets"]["brand"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        narrowed["facets"]["tag"],
        json!([{"value": "eco", "count": 1}])
    );
}

#[tokio::test]
async fn options_are_facets_by_their_names() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let id = product(&admin, &word, &json!({})).await;
    let options = json!({"options": [{"name": "Colour", "values": ["red", "blue"]}, {"name": "Size", "values": ["S"]}]});
    let path = format!("/api/admin/products/{id}/options");
    admin.put(&path, &options).send().await.expect(200);
    let generate = json!({"skuPrefix": word.to_uppercase(), "price": "9.50"});
    let path = format!("{path}/generate").replace("/options/generate", "/variants/generate");
    admin.post(&path, &generate).send().await.expect(200);
    found(&format!("q={word}&option=Colour:blue&option=Size:S"), &[id]).await;

    let counted = search(&shop, &format!("q={word}&facets=options&option=Colour:red")).await;
    assert_eq!(
        counted["facets"],
        json!({"options": [
            {"name": "Colour", "values": [{"value": "blue", "count": 1}, {"value": "red", "count": 1}]},
            {"name": "Size", "values": [{"value": "S", "count": 1}]},
        ]})
    );
    let none = search(&shop, &format!("q={word}&option=Colour:green")).await;
    assert_eq!((ids(&none), &none["facets"]), (vec![], &Value::Null));
}

#[tokio::test]
async fn a_typing_error_is_told_and_forgiven() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let id = product(&admin, &format!("{word} Überzug"), &json!({})).await;
    found(&format!("q={word}"), &[id]).await;

    let wrong = format!("{}{}", &word[..6], &word[7..]);
    let meant = search(&shop, &format!("q={wrong}%20uberzug")).await;
    assert_eq!(
        (ids(&meant), &meant["didYouMean"]),
        (vec![id], &json!(format!("{word} uberzug")))
    );
    let right = search(&shop, &format!("q={word}")).await;
    assert_eq!(right.get("didYouMean"), None);
}

#[tokio::test]
async fn pages_follow_each_other_and_only_the_first_one_counts() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, product(&admin, &word, &json!({})).await);
    }
    found(&format!("q={word}"), &made).await;

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&shop, &format!("q={word}&limit=2&facets=tag{cursor}")).await;
        assert_eq!(page.get("total").is_some(), cursor.is_empty());
        assert_eq!(page.get("facets").is_some(), cursor.is_empty());
        seen.extend(ids(&page));
        assert_eq!(page["hasMore"], page.get("nextCursor").is_some());
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn what_is_taken_off_sale_is_gone_everywhere() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let (archived, withdrawn) = (
        product(&admin, &word, &json!({})).await,
        product(&admin, &word, &json!({})).await,
    );
    let query = format!("q={word}&facets=brand");
    found(&query, &[withdrawn, archived]).await;

    let path = format!("/api/products/{archived}");
    admin.delete(&path).send().await.expect(204);
    found(&query, &[withdrawn]).await;
    let path = format!("/api/admin/products/{withdrawn}");
    let draft = json!({"status": "draft"});
    admin.patch(&path, &draft).send().await.expect(200);
    found(&query, &[]).await;
    let active = json!({"status": "active", "name": format!("{word} again")});
    admin.patch(&path, &active).send().await.expect(200);
    found(&format!("q={word}+again"), &[withdrawn]).await;

    let again = shop.get(&format!("/api/search?q={word}")).send().await;
    let etag = again.header("etag").expect("an ETag").to_owned();
    assert_eq!(again.header("cache-control"), Some("public, no-cache"));
    let unchanged = shop.get(&format!("/api/search?q={word}"));
    let unchanged = unchanged.header("if-none-match", &etag).send().await;
    assert_eq!(unchanged.status, 304);
}

#[tokio::test]
async fn the_last_unit_sold_is_out_of_stock() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let word = word();
    let id = product(&admin, &word, &json!({"onHand": 2})).await;
    let available = format!("q={word}&inStock=true");
    found(&available, &[id]).await;

    let user = shop.register().await;
    let order = crate::support::order_of(user, &[id, id]);
    let order = shop.post("/api/orders", &order).send().await.expect(201);
    found(&available, &[]).await;
    let path = format!("/api/orders/{}", order["orderId"]);
    shop.delete(&path).send().await.expect(200);
    found(&available, &[id]).await;
}
