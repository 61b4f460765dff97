//! Prices that staff sets together, for now and for later.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::support::{Answer, Cluster, count, fresh_key, open, order_of};

/// A product for 9.50 USD: its id, its SKU, and the path of its variant.
async fn made(cluster: &Cluster) -> (i64, String, String) {
    let admin = cluster.admin().await;
    let sku = fresh_key()[..12].to_uppercase();
    let id = admin.product(&sku, 5).await;
    let variants = admin.get(&format!("/api/admin/products/{id}/variants"));
    let variants = variants.send().await.expect(200);
    let path = format!(
        "/api/admin/products/{id}/variants/{}",
        variants["variants"][0]["id"]
    );
    (id, sku, path)
}

async fn set(cluster: &Cluster, prices: Value) -> Answer {
    let admin = cluster.admin().await;
    admin.post("/api/admin/prices", &prices).send().await
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The price each replica shows in the page, the list and the list of variants.
async fn shown(cluster: &Cluster, id: i64, sku: &str) -> Vec<String> {
    let mut shown = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        for (path, pointer) in [
            (format!("/api/products/{id}"), "/price"),
            (format!("/api/products?q={sku}"), "/products/0/price"),
            (format!("/api/products/{id}/variants"), "/variants/0/price"),
        ] {
            let answer = replica.get(&path).send().await.expect(200);
            let price = answer.pointer(pointer).and_then(Value::as_str);
            shown.push(price.unwrap_or_default().to_owned());
        }
    }
    shown
}

/// No job and no message tells the replicas: what they keep ends by itself when the clock changes it.
#[tokio::test]
async fn a_price_is_in_force_on_every_replica_from_its_moment_on() {
    let cluster = open();
    let (id, sku, path) = made(cluster).await;
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let moment = Utc::now() + Duration::from_millis(1_500);
    let prices = json!({"prices": [{"sku": sku, "price": "5.00", "validFrom": time(moment)}]});
    let answer = set(cluster, prices).await.expect(200);
    assert_eq!(answer, json!({"results": [{"status": "scheduled"}]}));

    let early = shown(cluster, id, &sku).await;
    assert!(Utc::now() >= moment || early == ["9.50"; 6], "{early:?}");
    let prices = admin
        .get(&format!("{path}/prices"))
        .send()
        .await
        .expect(200);
    let price = &prices["prices"][0];
    assert_eq!(
        (&price["price"], &price["next"]["price"]),
        (&json!("9.50"), &json!("5.00"))
    );

    let left = (moment - Utc::now()).to_std().unwrap_or_default();
    tokio::time::sleep(left + Duration::from_millis(20)).await;
    assert_eq!(shown(cluster, id, &sku).await, ["5.00"; 6]);
    let order = order_of(shop.register().await, &[id]);
    let order = shop.post("/api/orders", &order).send().await.expect(201);
    let order = shop.get(&format!("/api/orders/{}", order["orderId"]));
    assert_eq!(
        order.send().await.expect(200)["lines"][0]["unitPrice"]["amount"],
        500
    );

    let now = admin
        .get(&format!("{path}/prices"))
        .send()
        .await
        .expect(200);
    let price = &now["prices"][0];
    assert_eq!(
        (&price["price"], &price["lowest30d"]),
        (&json!("5.00"), &json!("9.50"))
    );
    let before = time(moment - Duration::from_millis(1)).replace('+', "%2B");
    let before = admin.get(&format!("{path}/prices?asOf={before}"));
    assert_eq!(
        before.send().await.expect(200)["prices"][0]["price"],
        "9.50"
    );
}

#[tokio::test]
async fn a_price_to_come_can_be_taken_back_and_one_in_force_cannot() {
    let cluster = open();
    let (_, sku, path) = made(cluster).await;
    let admin = cluster.admin().await;
    let moment = time(Utc::now() + Duration::from_secs(600));
    let euros = json!({"sku": sku, "price": "8.00", "currency": "EUR"});
    let later = json!({"sku": sku, "price": "7.00", "validFrom": moment});
    let answer = set(cluster, json!({"prices": [euros, later]}))
        .await
        .expect(200);
    assert_eq!(
        answer["results"],
        json!([{"status": "set"}, {"status": "scheduled"}])
    );

    let page = admin.get(&format!("{path}/prices/history?currency=USD&limit=1"));
    let page = page.send().await.expect(200);
    let to_come = &page["prices"][0];
    assert_eq!(
        (&to_come["price"], &to_come["isToCome"]),
        (&json!("7.00"), &json!(true))
    );
    let rest = format!(
        "{path}/prices/history?currency=USD&cursor={}",
        page["nextCursor"].as_str().unwrap()
    );
    let rest = admin.get(&rest).send().await.expect(200);
    assert_eq!(
        (&rest["prices"][0]["price"], &rest["hasMore"]),
        (&json!("9.50"), &json!(false))
    );

    let gone = format!("{path}/prices/{}", to_come["id"]);
    admin.delete(&gone).send().await.expect(204);
    admin
        .delete(&gone)
        .send()
        .await
        .refused(404, "price_not_found");
    let in_force = format!("{path}/prices/{}", rest["prices"][0]["id"]);
    admin
        .delete(&in_force)
        .send()
        .await
        .refused(409, "price_in_force");
    let all = admin
        .get(&format!("{path}/prices/history"))
        .send()
        .await
        .expect(200);
    assert_eq!(all["prices"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_cannot_be_set_is_named_and_stops_the_others_unless_it_is_to_be_skipped() {
    let cluster = open();
    let (id, sku, path) = made(cluster).await;
    let admin = cluster.admin().await;
    let good = json!({"sku": sku, "price": "5.00"});
    let past = time(Utc::now() - Duration::from_secs(60));
    let unknown = fresh_key();
    for (bad, field) in [
        (json!({"sku": unknown, "price": "1.00"}), "sku"),
        (json!({"sku": "", "price": "1.00"}), "sku"),
        (json!({"sku": "a\u{0}", "price": "1.00"}), "sku"),
        (json!({"sku": sku, "price": "1.00"}), "sku"),
        (json!({"sku": sku, "price": "-1.00"}), "price"),
        (json!({"sku": sku, "price": "1.005"}), "price"),
        (json!({"sku": sku, "price": "1e3"}), "price"),
        (
            json!({"sku": sku, "price": "99999999999999999999"}),
            "price",
        ),
        (
            json!({"sku": sku, "price": "1.00", "currency": "usd"}),
            "currency",
        ),
        (
            json!({"sku": sku, "price": "1.00", "currency": "XXQ"}),
            "currency",
        ),
        (
            json!({"sku": sku, "price": "1.00", "validFrom": past}),
            "validFrom",
        ),
        (
            json!({"sku": sku, "price": "1.00", "validFrom": "1066-10-14T00:00:00Z"}),
            "validFrom",
        ),
    ] {
        let prices = json!({"prices": [good, bad]});
        let refused = set(cluster, prices).await.expect(422);
        assert_eq!(
            refused["errors"][0]["field"],
            format!("prices[1].{field}"),
            "{bad}"
        );
    }
    for (bad, field) in [
        (json!({"prices": []}), "prices"),
        (json!({}), "prices"),
        (
            json!({"prices": [{"sku": 7, "price": "1.00"}]}),
            "prices[0].sku",
        ),
        (
            json!({"prices": [{"sku": sku, "price": 1}]}),
            "prices[0].price",
        ),
        (json!({"prices": [{"sku": sku}]}), "prices[0].price"),
        (
            json!({"prices": [{"sku": sku, "price": "1.00", "validFrom": "soon"}]}),
            "prices[0].validFrom",
        ),
        (json!({"prices": [good], "onError": "ignore"}), "onError"),
        (json!({"prices": vec![&good; 10_001]}), "prices"),
    ] {
        let refused = set(cluster, bad.clone()).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let untouched = admin
        .get(&format!("{path}/prices/history"))
        .send()
        .await
        .expect(200);
    assert_eq!(untouched["prices"].as_array().map(Vec::len), Some(1));

    let some = json!({"onError": "skip", "prices": [{"sku": unknown, "price": "1.00"}, good, {"sku": sku, "price": "x"}]});
    let some = set(cluster, some).await.expect(200);
    let fields = [0, 1, 2].map(|at| {
        (
            some["results"][at]["status"].clone(),
            some["results"][at]["error"]["field"].clone(),
        )
    });
    let refused = |field: &str| (json!("refused"), json!(field));
    assert_eq!(
        fields,
        [
            refused("sku"),
            (json!("set"), Value::Null),
            refused("price")
        ]
    );
    assert_eq!(shown(cluster, id, &sku).await, ["5.00"; 6]);

    for bad in ["asOf=yesterday", "asOf=0001-01-01T00:00:00Z", "at=now"] {
        let refused = admin.get(&format!("{path}/prices?{bad}")).send().await;
        refused.refused(400, "invalid_query");
    }
    for bad in ["currency=usd", "limit=0", "cursor=x"] {
        let refused = admin
            .get(&format!("{path}/prices/history?{bad}"))
            .send()
            .await;
        refused.refused(400, "invalid_query");
    }
}

#[tokio::test]
async fn ten_thousand_prices_are_set_in_one_request() {
    let cluster = open();
    let (id, sku, path) = made(cluster).await;
    let admin = cluster.admin().await;
    let values = |kind: &str| (0..100).map(|n| format!("{kind}{n}")).collect::<Vec<_>>();
    let options = json!({"options": [{"name": "Size", "values": values("S")}, {"name": "Colour", "values": values("C")}]});
    let product = format!("/api/admin/products/{id}");
    admin
        .put(&format!("{product}/options"), &options)
        .send()
        .await
        .expect(200);
    let matrix = json!({"skuPrefix": sku, "price": "9.50"});
    let generate = format!("{product}/variants/generate");
    loop {
        let made = admin.post(&generate, &matrix).send().await;
        // A thousand at a time, beside all other tests: it may be told to come back.
        if made.status != 503 && made.expect(200)["hasMore"] == false {
            break;
        }
    }

    let mut conn = cluster.conn();
    let of_it = format!("catalog.variants WHERE product_id = {id}");
    assert_eq!(count(&mut conn, &of_it), 10_000);
    let skus = diesel::select(diesel::dsl::sql::<
        diesel::sql_types::Array<diesel::sql_types::Text>,
    >(&format!(
        "ARRAY(SELECT sku FROM {of_it} ORDER BY id)"
    )));
    let skus: Vec<String> = diesel::RunQueryDsl::get_result(skus, &mut conn).unwrap();
    let prices: Vec<Value> = skus
        .iter()
        .map(|sku| json!({"sku": sku, "price": "8.25"}))
        .collect();
    let body = json!({"prices": prices});
    let key = fresh_key();
    let send = || admin.post("/api/admin/prices", &body).key(&key).send();
    let first = send().await.expect(200);
    assert_eq!(first["results"].as_array().map(Vec::len), Some(10_000));
    assert!(
        first["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|set| set["status"] == "set")
    );
    assert_eq!(send().await.expect(200), first);

    let in_force = format!(
        "catalog.prices WHERE amount_minor = 825 AND variant_id IN (SELECT id FROM {of_it})"
    );
    assert_eq!(count(&mut conn, &in_force), 10_000);
    // One change of one product.
    let events = format!("platform.outbox WHERE resource_type = 'product' AND resource_id = {id}");
    let version = admin.get(&product).send().await.expect(200)["version"].as_i64();
    assert_eq!(version, Some(count(&mut conn, &events)));
    let one = admin
        .get(&format!("{path}/prices"))
        .send()
        .await
        .expect(200);
    assert_eq!(one["prices"][0]["price"], "8.25");
}
