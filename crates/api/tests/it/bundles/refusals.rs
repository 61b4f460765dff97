//! What no bundle is, named by its field and without an effect.

use serde_json::{Value, json};

use super::{bundle, components, sold};
use crate::support::{fresh_key, open};

#[tokio::test]
async fn components_are_variants_on_sale_that_are_no_bundles() {
    let admin = open().admin().await;
    let (cup, set) = (sold(&admin, 3).await, sold(&admin, 0).await);
    let other = bundle(&admin, &[(&cup, 1)]).await;
    let path = format!("{}/components", set.path);
    let one = |variant: Value, quantity: Value| json!({"components": [{"variantId": variant, "quantity": quantity}]});
    let many: Vec<Value> = (0..51)
        .map(|n| json!({"variantId": n + 1, "quantity": 1}))
        .collect();
    let huge = 9_223_372_036_854_775_807_i64;

    for (body, field) in [
        (one(json!(set.variant), json!(1)), "components[0].variantId"),
        (
            one(json!(other.variant), json!(1)),
            "components[0].variantId",
        ),
        (one(json!(huge), json!(1)), "components[0].variantId"),
        (one(json!(0), json!(1)), "components[0].variantId"),
        (one(json!("7"), json!(1)), "components[0].variantId"),
        (one(json!(cup.variant), json!(0)), "components[0].quantity"),
        (one(json!(cup.variant), json!(-1)), "components[0].quantity"),
        (
            one(json!(cup.variant), json!(10_001)),
            "components[0].quantity",
        ),
        (
            one(json!(cup.variant), json!(huge)),
            "components[0].quantity",
        ),
        (
            one(json!(cup.variant), json!(1.5)),
            "components[0].quantity",
        ),
        (
            one(json!(cup.variant), json!("\u{202e}1")),
            "components[0].quantity",
        ),
        (
            components(&[(&cup, 1), (&cup, 2)]),
            "components[1].variantId",
        ),
        (json!({"components": many}), "components"),
        (json!({"components": null}), "components"),
        (json!({}), "components"),
        (
            json!({"components": [{"variantId": cup.variant}]}),
            "components[0].quantity",
        ),
    ] {
        let refused = admin.put(&path, &body).send().await;
        let status = refused.status;
        let problem = refused.json();
        assert!((400..500).contains(&status), "{body} {problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{body} {problem}");
        let after = admin.get(&set.path).send().await;
        assert_eq!(after.header("etag"), Some("\"1\""), "{body}");
    }
    let unknown = json!({"components": [], "price": 1});
    let unknown = admin.put(&path, &unknown).send().await;
    assert!((400..500).contains(&unknown.status));
    let torn = admin
        .request("PUT", &path)
        .raw("application/json", "{\"components\": [");
    assert_eq!(torn.send().await.status, 400);
    let nobody = format!(
        "/api/admin/products/{}/variants/{}/components",
        set.product, cup.variant
    );
    let nobody = admin.put(&nobody, &components(&[])).send().await;
    nobody.refused(404, "variant_not_found");
}

#[tokio::test]
async fn what_has_stock_or_is_a_component_becomes_no_bundle() {
    let admin = open().admin().await;
    let (cup, plate) = (sold(&admin, 3).await, sold(&admin, 0).await);
    let set = bundle(&admin, &[(&plate, 1)]).await;
    let put = |of: &super::Sold, parts: Value| {
        admin.put(&format!("{}/components", of.path), &parts).send()
    };

    put(&cup, components(&[(&plate, 1)]))
        .await
        .refused(409, "has_stock");
    put(&plate, components(&[(&cup, 1)]))
        .await
        .refused(409, "is_component");
    let digital = admin
        .patch(&set.path, &json!({"kind": "digital"}))
        .send()
        .await;
    digital.refused(409, "is_bundle");
    let kind = admin
        .patch(&cup.path, &json!({"kind": "bundle"}))
        .send()
        .await;
    assert_eq!(kind.expect(422)["errors"][0]["field"], "kind");
    let count = json!({"onHand": 1, "expectedOnHand": 0});
    let counted = admin
        .put(&format!("{}/stock", set.path), &count)
        .send()
        .await;
    counted.refused(409, "not_stocked");
    let line =
        json!({"variantId": set.variant, "quantity": 1, "fromLocationId": 1, "toLocationId": 1});
    let transfer = json!({"lines": [line]});
    let transfer = admin
        .post("/api/admin/stock/transfers", &transfer)
        .key(&fresh_key());
    assert!((400..500).contains(&transfer.send().await.status));
    let plain = put(&set, components(&[])).await.expect(200);
    assert_eq!(
        (&plain["kind"], plain.get("components")),
        (&json!("physical"), None)
    );
}
