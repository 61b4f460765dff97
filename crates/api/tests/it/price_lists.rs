//! Prices for some customers, quantities, countries or a while.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::support::{Cluster, PATIENCE, Shop, eventually, fresh_key, open, order_of, somebody};

fn fresh_sku() -> String {
    fresh_key()[..12].to_uppercase()
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Makes a list with these terms, which has this price of the SKU, and returns its path and its code.
async fn list(admin: &Shop, terms: Value, prices: Value) -> (String, String) {
    let code = fresh_key();
    let mut body = json!({"code": code, "name": "Sale"});
    let terms = terms.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(terms);
    let made = admin.post("/api/admin/price-lists", &body).send().await;
    let made = made.expect(201);
    assert_eq!(made["code"], code);
    let path = format!("/api/admin/price-lists/{}", made["id"]);
    let prices = json!({"prices": prices});
    let set = admin.post(&format!("{path}/prices"), &prices).send().await;
    for result in set.expect(200)["results"].as_array().expect("results") {
        assert_eq!(result["status"], "set");
    }
    (path, code)
}

/// What is charged for a piece: by line.
async fn charged(shop: &Shop, order: &Value) -> Vec<i64> {
    let placed = shop.post("/api/orders", order).send().await.expect(201);
    let path = format!("/api/orders/{}", placed["orderId"]);
    let order = shop.get(&path).send().await.expect(200);
    let lines = order["lines"].as_array().expect("lines");
    let amount = |line: &Value| line["unitPrice"]["amount"].as_i64().expect("an amount");
    lines.iter().map(amount).collect()
}

/// The price and what it is reduced from, on the page, in the list and in the list of variants of each replica.
async fn shown(cluster: &Cluster, id: i64, sku: &str, query: &str) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        for (path, pointer) in [
            (format!("/api/products/{id}?{query}"), ""),
            (format!("/api/products?q={sku}&{query}"), "/products/0"),
            (
                format!("/api/products/{id}/variants?{query}"),
                "/variants/0",
            ),
        ] {
            let answer = replica.get(&path).send().await.expect(200);
            let found = answer.pointer(pointer).expect("it is there");
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            shown.push((text("price"), text("compareAtPrice")));
        }
    }
    shown
}

fn six(price: &str, compare_at: &str) -> Vec<(String, String)> {
    vec![(price.to_owned(), compare_at.to_owned()); 6]
}

/// No job and no message tells the replicas when it starts.
#[tokio::test]
async fn a_list_is_in_force_on_every_replica_from_its_moment_to_its_end() {
    let cluster = open();
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let sku = fresh_sku();
    let id = admin.product(&sku, 5).await;
    let starts_at = Utc::now() + Duration::from_millis(1_500);
    let ends_at = starts_at + Duration::from_millis(1_500);
    let terms = json!({"startsAt": time(starts_at), "endsAt": time(ends_at)});
    let (path, code) = list(&admin, terms, json!([{"sku": sku, "price": "5.00"}])).await;
    let wait_until = async |moment: DateTime<Utc>| {
        let left = (moment - Utc::now()).to_std().unwrap_or_default();
        tokio::time::sleep(left + Duration::from_millis(20)).await;
    };

    let early = shown(cluster, id, &sku, "").await;
    assert!(
        Utc::now() >= starts_at || early == six("9.50", ""),
        "{early:?}"
    );
    wait_until(starts_at).await;
    let meanwhile = shown(cluster, id, &sku, "").await;
    let user = shop.register().await;
    let paid = charged(&shop, &order_of(user, &[id])).await;
    let is_over = Utc::now() >= ends_at;
    assert!(is_over || meanwhile == six("5.00", "9.50"), "{meanwhile:?}");
    assert!(is_over || paid == [500], "{paid:?}");
    wait_until(ends_at).await;
    assert_eq!(shown(cluster, id, &sku, "").await, six("9.50", ""));
    assert_eq!(charged(&shop, &order_of(user, &[id])).await, [950]);

    let then = json!({"lines": [{"sku": sku}], "asOf": time(starts_at)});
    let then = admin.post("/api/prices/lookup", &then).send().await;
    let then = &then.expect(200)["lines"][0]["winning"];
    assert_eq!(then["priceList"]["code"], code);
    assert_eq!(
        (&then["price"], &then["compareAtPrice"], &then["lowest30d"]),
        (&json!("5.00"), &json!("9.50"), &json!("9.50"))
    );
    let listed = admin.get(&path).send().await.expect(200);
    assert_eq!(listed["isInForce"], false);
}

#[tokio::test]
async fn an_order_is_charged_by_its_country_its_customer_and_all_pieces_of_a_variant() {
    let cluster = open();
    let admin = cluster.admin().await;
    let (sku, other) = (fresh_sku(), fresh_sku());
    let id = admin.product(&sku, 1_000).await;
    admin.product(&other, 1_000).await;
    let at = |least: i64, price: &str| json!({"sku": sku, "price": price, "minQuantity": least});
    let volume = json!([at(10, "9.00"), at(100, "8.00")]);
    list(&admin, json!({}), volume).await;
    let in_germany = json!({"priority": 1, "countries": ["DE"]});
    list(&admin, in_germany, json!([at(1, "7.00")])).await;
    let group = fresh_key();
    let of_group = json!({"priority": 2, "customerGroups": [group]});
    list(&admin, of_group, json!([at(1, "6.00")])).await;

    let person = somebody();
    let shop = cluster.shop();
    let user = shop.post("/api/users", &person).send().await.expect(201);
    let token = shop
        .log_in(
            person["email"].as_str().expect("text"),
            person["password"].as_str().expect("text"),
        )
        .await;
    let customer = shop.with_token(&token);
    let order = |address: Value, lines: Value| json!({"lines": lines, "address": address, "payment": "cod", "shipping": "std"});
    let abroad = || json!({"line1": "1 Rue", "country": "FR"});
    let split = json!([{"sku": sku, "quantity": 6}, {"sku": other, "quantity": 50}, {"productId": id, "quantity": 4}]);
    let paid = charged(&customer, &order(abroad(), split)).await;
    assert_eq!(paid, [900, 950, 900]);
    let few = json!([{"sku": sku, "quantity": 9}]);
    assert_eq!(
        charged(&customer, &order(json!("1 Rue, FR"), few)).await,
        [950]
    );
    let germany = || json!({"line1": "Weg 1", "country": "DE"});
    let one = || json!([{"sku": sku, "quantity": 1}]);
    assert_eq!(charged(&customer, &order(germany(), one())).await, [700]);
    let shown = shown(cluster, id, &sku, "country=DE").await;
    assert_eq!(shown, six("7.00", "9.50"));

    let groups = format!("/api/admin/users/{}/customer-groups", user["id"]);
    let unknown = admin.get(&groups).send().await;
    assert_eq!(unknown.expect(200), json!({"customerGroups": []}));
    let set = json!({"customerGroups": [group]});
    let set = admin.put(&groups, &set).header("if-match", "\"1\"");
    let set = set.send().await;
    assert_eq!(set.header("etag"), Some("\"2\""));
    set.expect(200);
    let stale = admin.put(&groups, &json!({"customerGroups": []}));
    let stale = stale.header("if-match", "\"1\"").send().await;
    stale.refused(412, "precondition_failed");
    assert_eq!(charged(&customer, &order(germany(), one())).await, [600]);

    let asked =
        json!({"lines": [{"sku": sku, "quantity": 100}, {"sku": fresh_sku()}], "country": "DE"});
    let anyone = shop.post("/api/prices/lookup", &asked).send().await;
    let anyone = anyone.expect(200);
    assert_eq!(anyone["lines"][0]["winning"]["price"], "7.00");
    assert_eq!(anyone["lines"][1].get("winning"), None);
    let own = customer.post("/api/prices/lookup", &asked).send().await;
    assert_eq!(own.expect(200)["lines"][0]["winning"]["price"], "6.00");
}

#[tokio::test]
async fn prices_in_another_currency_are_shown_to_who_asks_for_it() {
    let cluster = open();
    let admin = cluster.admin().await;
    let sku = fresh_sku();
    let id = admin.product(&sku, 5).await;
    let euros = json!({"prices": [{"sku": sku, "price": "8.00", "currency": "EUR"}]});
    admin
        .post("/api/admin/prices", &euros)
        .send()
        .await
        .expect(200);
    eventually("both replicas show it", PATIENCE, async || {
        shown(cluster, id, &sku, "currency=EUR").await == six("8.00", "")
    })
    .await;
    assert_eq!(shown(cluster, id, &sku, "").await, six("9.50", ""));
    assert_eq!(shown(cluster, id, &sku, "currency=JPY").await.len(), 6);
}

#[tokio::test]
async fn what_is_changed_of_a_list_is_seen_on_every_replica() {
    let cluster = open();
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let sku = fresh_sku();
    let id = admin.product(&sku, 500).await;
    let prices = json!([{"sku": sku, "price": "5.00", "compareAtPrice": "12.00"}]);
    let (path, _) = list(&admin, json!({}), prices).await;
    let user = shop.register().await;
    for round in 0..4 {
        let is_active = round % 2 == 1;
        let change = json!({"isActive": is_active});
        admin.patch(&path, &change).send().await.expect(200);
        // Orders read the truth, so both replicas charge it at once; what they show may be a second old.
        let expected = if is_active { 500 } else { 950 };
        for replica in [cluster.replica(0), cluster.replica(1)] {
            assert_eq!(charged(&replica, &order_of(user, &[id])).await, [expected]);
        }
        eventually("both replicas show it", PATIENCE, async || {
            let now = if is_active {
                six("5.00", "12.00")
            } else {
                six("9.50", "")
            };
            shown(cluster, id, &sku, "").await == now
        })
        .await;
    }
    let off = json!({"prices": [{"sku": sku, "price": null}]});
    admin
        .post(&format!("{path}/prices"), &off)
        .send()
        .await
        .expect(200);
    assert_eq!(charged(&shop, &order_of(user, &[id])).await, [950]);
    let page = admin.get(&format!("{path}/prices?limit=1")).send().await;
    let page = page.expect(200);
    assert_eq!(
        (&page["prices"][0]["price"], &page["hasMore"]),
        (&Value::Null, &json!(true))
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_named_and_nothing_is_written() {
    let cluster = open();
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let sku = fresh_sku();
    admin.product(&sku, 5).await;
    let code = fresh_key();
    let good = json!({"code": code, "name": "Sale"});
    let long = "x".repeat(301);
    for (field, value) in [
        ("code", json!("")),
        ("code", json!("Sommer Schluß")),
        ("code", json!("a".repeat(81))),
        ("code", json!(7)),
        ("name", json!("")),
        ("name", json!(long)),
        ("name", json!("a\u{0}b")),
        ("priority", json!(1_000_001)),
        ("priority", json!("high")),
        ("startsAt", json!("soon")),
        ("startsAt", json!("1066-10-14T00:00:00Z")),
        ("endsAt", json!("+12345-01-01T00:00:00Z")),
        ("countries", json!(["DE", "de"])),
        ("countries", json!("DE")),
        ("customerGroups", json!([""])),
        ("customerGroups", json!(vec!["a"; 301])),
        ("unknown", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let refused = admin.post("/api/admin/price-lists", &bad).send().await;
        let refused = refused.expect(422);
        let named = refused["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "{bad}: {refused}");
    }
    let now = time(Utc::now());
    let backwards = json!({"code": code, "name": "Sale", "startsAt": now, "endsAt": now});
    let refused = admin
        .post("/api/admin/price-lists", &backwards)
        .send()
        .await;
    assert_eq!(refused.expect(422)["errors"][0]["field"], "endsAt");
    let made = admin.post("/api/admin/price-lists", &good).send().await;
    let path = format!("/api/admin/price-lists/{}", made.expect(201)["id"]);
    let again = admin.post("/api/admin/price-lists", &good).send().await;
    again.refused(409, "code_taken");
    let stale = admin
        .patch(&path, &json!({"priority": 3}))
        .header("if-match", "\"7\"");
    stale.send().await.refused(412, "precondition_failed");
    let unknown = admin.patch("/api/admin/price-lists/999999999", &json!({}));
    unknown.send().await.refused(404, "price_list_not_found");

    let price = json!({"sku": sku, "price": "5.00"});
    for (field, value) in [
        ("sku", json!(fresh_key())),
        ("price", json!("-1.00")),
        ("price", json!("1.005")),
        ("price", json!(5)),
        ("compareAtPrice", json!("5.00")),
        ("compareAtPrice", json!("cheap")),
        ("minQuantity", json!(0)),
        ("minQuantity", json!(1_000_001)),
        ("minQuantity", json!(1.5)),
        ("currency", json!("usd")),
        ("validFrom", json!(now)),
        ("list", json!("sale")),
    ] {
        let mut bad = price.clone();
        bad[field] = value;
        let bad = json!({"prices": [bad]});
        let refused = admin.post(&format!("{path}/prices"), &bad).send().await;
        let refused = refused.expect(422);
        let named = refused["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(
            named.starts_with(&format!("prices[0].{field}")),
            "{bad}: {refused}"
        );
    }
    let missing = json!({"prices": [{"sku": sku}]});
    let refused = admin.post(&format!("{path}/prices"), &missing).send().await;
    assert_eq!(refused.expect(422)["errors"][0]["field"], "prices[0].price");
    let none = admin.get(&format!("{path}/prices")).send().await;
    assert_eq!(none.expect(200)["prices"], json!([]));

    let lines = json!([{"sku": sku}]);
    for (field, body) in [
        ("lines", json!({"lines": []})),
        ("lines", json!({"lines": vec![&lines[0]; 101]})),
        ("lines[0].sku", json!({"lines": [{"sku": ""}]})),
        (
            "lines[0].quantity",
            json!({"lines": [{"sku": sku, "quantity": -1}]}),
        ),
        ("currency", json!({"lines": lines, "currency": "EURO"})),
        ("country", json!({"lines": lines, "country": "Germany"})),
    ] {
        let refused = shop.post("/api/prices/lookup", &body).send().await;
        assert_eq!(refused.expect(422)["errors"][0]["field"], field);
    }
    for of_staff in [
        json!({"lines": lines, "asOf": now}),
        json!({"lines": lines, "customerGroups": []}),
    ] {
        let refused = shop.post("/api/prices/lookup", &of_staff).send().await;
        refused.refused(401, "unauthorized");
    }
    for query in ["country=germany", "currency=usd", "market=DE"] {
        for path in [
            "/api/products",
            "/api/products/1",
            "/api/products/1/variants",
        ] {
            let refused = shop.get(&format!("{path}?{query}")).send().await;
            refused.refused(400, "invalid_query");
        }
    }
}
