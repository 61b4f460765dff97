//! What a product is chosen by, and the variants that makes.

use serde_json::{Value, json};

use crate::support::{Cluster, fresh_key, open, order_of};

/// A product in sizes S and M and two colours, with all four variants; its id and the start of its SKUs.
async fn tee(cluster: &Cluster) -> (i64, String) {
    let admin = cluster.admin().await;
    let prefix = fresh_key()[..12].to_uppercase();
    let id = admin.product(&prefix, 5).await;
    let options = json!({"options": [
        {"name": "Size", "values": ["S", "M"]},
        {"name": "Colour", "values": ["red", "blue"]},
    ]});
    let path = format!("/api/admin/products/{id}");
    let set = admin.put(&format!("{path}/options"), &options).send().await;
    assert_eq!(set.expect(200)["variantCount"], 1);
    let matrix = json!({"skuPrefix": prefix, "price": "19.90", "onHand": 2});
    let made = admin.post(&format!("{path}/variants/generate"), &matrix);
    let made = made.send().await.expect(200);
    assert_eq!(made["variantIds"].as_array().map(Vec::len), Some(3));
    assert_eq!(made["hasMore"], false);
    (id, prefix)
}

async fn variants(cluster: &Cluster, id: i64) -> Vec<Value> {
    let page = cluster.shop().get(&format!("/api/products/{id}/variants"));
    let page = page.send().await.expect(200);
    page["variants"].as_array().expect("variants").clone()
}

#[tokio::test]
async fn a_product_tells_what_it_is_chosen_by_and_its_variants_are_a_list() {
    let (id, prefix) = tee(open()).await;
    let shop = open().shop();

    let product = shop
        .get(&format!("/api/products/{id}"))
        .send()
        .await
        .expect(200);
    assert_eq!(product["variantCount"], 4);
    assert_eq!(
        product["options"][0],
        json!({"name": "Size", "values": ["S", "M"]})
    );
    let listed = shop
        .get(&format!("/api/products?q={prefix}"))
        .send()
        .await
        .expect(200);
    let listed = &listed["products"][0];
    assert_eq!(
        (&listed["variantCount"], listed.get("options")),
        (&json!(4), None)
    );

    let first = shop.get(&format!("/api/products/{id}/variants?limit=3"));
    let first = first.send().await.expect(200);
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let rest = shop.get(&format!(
        "/api/products/{id}/variants?limit=3&cursor={cursor}"
    ));
    let rest = rest.send().await.expect(200);
    assert_eq!(
        (&first["hasMore"], &rest["hasMore"]),
        (&json!(true), &json!(false))
    );
    let last = &rest["variants"][0];
    assert_eq!(last["sku"], format!("{prefix}-M-BLUE"));
    assert_eq!(last["choices"], json!({"Size": "M", "Colour": "blue"}));
    assert_eq!(
        (&last["title"], &last["price"]),
        (&json!("M / blue"), &json!("19.90"))
    );
    let default = &first["variants"][0];
    assert_eq!(
        (&default["sku"], &default["price"], &default["isDefault"]),
        (&json!(prefix), &json!("9.50"), &json!(true))
    );

    for bad in ["limit=0", "limit=101", "cursor=x", "page=1"] {
        let refused = shop
            .get(&format!("/api/products/{id}/variants?{bad}"))
            .send()
            .await;
        refused.refused(400, "invalid_query");
    }
    let unknown = shop.get("/api/products/999999999/variants").send().await;
    unknown.refused(404, "product_not_found");
}

#[tokio::test]
async fn a_change_of_a_variant_is_seen_at_once_and_bought_at_its_price() {
    let (id, prefix) = tee(open()).await;
    let (shop, admin) = (open().shop(), open().admin().await);
    let blue = variants(open(), id).await[3].clone();
    let path = format!("/api/admin/products/{id}/variants/{}", blue["id"]);

    let read = admin.get(&path).send().await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    assert_eq!(read.expect(200)["available"], 2);
    let change = json!({"price": "21.00", "weightGrams": 180, "barcode": "4006381333931"});
    let key = fresh_key();
    let send = || {
        admin
            .patch(&path, &change)
            .header("if-match", &etag)
            .key(&key)
            .send()
    };
    let changed = send().await;
    assert_ne!(changed.header("etag"), Some(&*etag));
    assert_eq!(changed.expect(200)["weightGrams"], 180);
    let repeat = send().await;
    assert_eq!(repeat.header("idempotent-replayed"), Some("true"));
    let stale = admin
        .patch(&path, &change)
        .header("if-match", &etag)
        .send()
        .await;
    stale.refused(412, "precondition_failed");
    for cleared in [json!({"weightGrams": null}), json!({"barcode": null})] {
        admin.patch(&path, &cleared).send().await.expect(200);
    }

    let seen = variants(open(), id).await;
    assert_eq!(
        (&seen[3]["price"], &seen[3]["weightGrams"]),
        (&json!("21.00"), &Value::Null)
    );
    let user = shop.register().await;
    let mut order = order_of(user, &[]);
    order
        .as_object_mut()
        .expect("an object")
        .remove("productIds");
    order["lines"] = json!([{"sku": format!("{prefix}-M-BLUE"), "quantity": 2}]);
    let placed = admin.post("/api/orders", &order).send().await.expect(201);
    assert_eq!(placed["lines"][0]["title"], format!("{prefix} – M / blue"));
    assert_eq!(placed["lines"][0]["unitPrice"]["amount"], 2_100);
    assert_eq!(admin.get(&path).send().await.expect(200)["available"], 0);
    let more = admin.post("/api/orders", &order).send().await;
    more.refused(409, "out_of_stock");
}

#[tokio::test]
async fn a_variant_leaves_and_another_one_takes_the_place_of_the_default() {
    let (id, prefix) = tee(open()).await;
    let admin = open().admin().await;
    let all = variants(open(), id).await;
    let path = |n: usize| format!("/api/admin/products/{id}/variants/{}", all[n]["id"]);

    admin
        .delete(&path(0))
        .send()
        .await
        .refused(409, "default_variant");
    admin
        .patch(&path(1), &json!({"isDefault": true}))
        .send()
        .await
        .expect(200);
    admin
        .delete(&path(0))
        .header("if-match", "\"999\"")
        .send()
        .await
        .refused(412, "precondition_failed");
    admin.delete(&path(0)).send().await.expect(204);
    admin
        .get(&path(0))
        .send()
        .await
        .refused(404, "variant_not_found");

    let product = open()
        .shop()
        .get(&format!("/api/products/{id}"))
        .send()
        .await
        .expect(200);
    assert_eq!(product["sku"], format!("{prefix}-S-BLUE"));
    assert_eq!(
        (&product["price"], &product["variantCount"]),
        (&json!("19.90"), &json!(3))
    );
}

#[tokio::test]
async fn variants_that_make_no_sense_name_the_field_and_none_is_made() {
    let (id, prefix) = tee(open()).await;
    let admin = open().admin().await;
    let path = format!("/api/admin/products/{id}/variants");
    let good = json!({"sku": format!("{prefix}-NEW"), "choices": {"Size": "M", "Colour": "red"}, "price": "1.00"});
    let fields = [
        ("sku", json!(""), 422, "variants[1].sku"),
        ("sku", json!("a\u{0}b"), 422, "variants[1].sku"),
        ("sku", json!(prefix), 409, "variants[1].sku"),
        ("sku", good["sku"].clone(), 409, "variants[1].sku"),
        ("choices", json!({}), 422, "variants[1].choices"),
        (
            "choices",
            json!({"Size": "XL", "Colour": "red"}),
            422,
            "variants[1].choices",
        ),
        (
            "choices",
            json!({"Size": "M", "Colour": "red", "Fit": "slim"}),
            422,
            "variants[1].choices",
        ),
        (
            "choices",
            json!({"Size": 1, "Colour": "red"}),
            422,
            "variants[1].choices.Size",
        ),
        ("price", json!("-1.00"), 422, "variants[1].price"),
        ("price", json!("1.005"), 422, "variants[1].price"),
        ("currency", json!("usd"), 422, "variants[1].currency"),
        ("onHand", json!(-1), 422, "variants[1].onHand"),
        ("weightGrams", json!(-1), 422, "variants[1].weightGrams"),
        ("lengthMm", json!(i64::MAX), 422, "variants[1].lengthMm"),
        ("heightMm", json!(1.5), 422, "variants[1].heightMm"),
        ("barcode", json!("a\u{0}"), 422, "variants[1].barcode"),
        (
            "barcode",
            json!("x".repeat(101)),
            422,
            "variants[1].barcode",
        ),
        ("colour", json!("red"), 422, "variants[1].colour"),
    ];
    // All four combinations are taken, so one has to go before a new one can be good.
    let all = variants(open(), id).await;
    let red = all
        .iter()
        .find(|v| v["title"] == "M / red")
        .expect("M / red");
    admin
        .delete(&format!("{path}/{}", red["id"]))
        .send()
        .await
        .expect(204);
    for (field, value, status, named) in fields {
        let mut bad = json!({"sku": format!("{prefix}-BAD"), "choices": {"Size": "M", "Colour": "red"}, "price": "1.00"});
        bad[field] = value.clone();
        let answer = admin
            .post(&path, &json!({"variants": [good, bad]}))
            .send()
            .await;
        let problem = answer.expect(status);
        assert_eq!(
            problem["errors"][0]["field"], named,
            "{field} {value}: {problem}"
        );
    }
    for none in [
        json!([]),
        json!({}),
        Value::Null,
        json!(vec![good.clone(); 501]),
    ] {
        let answer = admin.post(&path, &json!({"variants": none})).send().await;
        assert_eq!(answer.expect(422)["errors"][0]["field"], "variants");
    }
    assert_eq!(variants(open(), id).await.len(), 3);
    let made = admin
        .post(&path, &json!({"variants": [good]}))
        .send()
        .await
        .expect(201);
    assert_eq!(made["variants"][0]["sku"], format!("{prefix}-NEW"));
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let (id, _) = tee(open()).await;
    let admin = open().admin().await;
    let path = format!("/api/admin/products/{id}/options");
    let option = |name: &str, values: Value| json!([{"name": name, "values": values}]);
    for bad in [
        option("", json!(["S"])),
        option("Size", json!([])),
        option("Size", json!(["S", "s"])),
        option("Size", json!(["\u{0}"])),
        option(&"x".repeat(101), json!(["S"])),
        json!(vec![json!({"name": "Size", "values": ["S"]}); 2]),
    ] {
        let answer = admin.put(&path, &json!({"options": bad})).send().await;
        assert_eq!(answer.expect(422)["errors"][0]["field"], "options", "{bad}");
    }
    let fewer = json!({"options": [{"name": "Size", "values": ["S", "M"]}]});
    admin
        .put(&path, &fewer)
        .send()
        .await
        .refused(409, "option_in_use");

    let read = admin.get(&path).send().await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    let mut more = json!({"options": read.expect(200)["options"]});
    more["options"][0]["values"] = json!(["XS", "S", "M"]);
    admin
        .put(&path, &more)
        .header("if-match", &etag)
        .send()
        .await
        .expect(200);
    let stale = admin
        .put(&path, &more)
        .header("if-match", &etag)
        .send()
        .await;
    stale.refused(412, "precondition_failed");
    let again = json!({"skuPrefix": "x".repeat(61), "price": "1.00"});
    let matrix = admin.post(
        &format!("/api/admin/products/{id}/variants/generate"),
        &again,
    );
    assert_eq!(
        matrix.send().await.expect(422)["errors"][0]["field"],
        "skuPrefix"
    );
}
