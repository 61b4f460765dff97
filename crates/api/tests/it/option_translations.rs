//! Options in the language a shopper asks for.

use serde_json::{Value, json};

use crate::support::{Cluster, PATIENCE, Shop, eventually, fresh_key, open};

/// A product that is chosen by an option nobody else has, with two variants. Returns its id and the option.
pub async fn chosen(admin: &Shop) -> (i64, String) {
    let sku = fresh_key().to_uppercase();
    let id = admin.product(&sku, 1).await;
    let option = format!("Colour / {sku}");
    let options = json!({"options": [{"name": option, "values": ["red", "blue"]}]});
    let path = format!("/api/admin/products/{id}/options");
    admin.put(&path, &options).send().await.expect(200);
    let matrix = json!({"skuPrefix": sku, "price": "1.00"});
    let path = format!("/api/admin/products/{id}/variants/generate");
    admin.post(&path, &matrix).send().await.expect(200);
    (id, option)
}

pub fn path_of(option: &str) -> String {
    let option = option.replace(' ', "%20").replace('/', "%2F");
    format!("/api/admin/options/{option}/translations")
}

/// What both replicas say of the product, its variants and the facet of its option.
async fn shown(
    cluster: &Cluster,
    id: i64,
    option: &str,
    query: &str,
) -> Vec<(Value, Value, Value)> {
    let mut shown = Vec::new();
    for replica in [cluster.replica(0), cluster.replica(1)] {
        let read = async |path: String| replica.get(&path).send().await.expect(200);
        let product = read(format!("/api/products/{id}?{query}")).await;
        let variants = read(format!("/api/products/{id}/variants?{query}")).await;
        let red = variants["variants"].as_array().expect("a list").iter();
        let red = red
            .filter(|variant| variant["choices"][option] == "red")
            .map(|variant| json!([variant["title"], variant["choiceLabels"]]))
            .next();
        let filter = format!(
            "option={}:red",
            option.replace(' ', "%20").replace('/', "%2F")
        );
        let found = read(format!("/api/search?facets=options&{filter}&{query}")).await;
        let mut facets = found["facets"]["options"]
            .as_array()
            .expect("a list")
            .iter();
        let facet = facets.find(|facet| facet["name"] == option).cloned();
        shown.push((
            product["optionLabels"].clone(),
            red.unwrap_or_default(),
            facet.unwrap_or_default(),
        ));
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_called_by_the_words_of_each_language() {
    let cluster = Cluster::with_settings("open", 2, &[("SEARCH__LOCALES", "en, de")]);
    let admin = cluster.admin().await;
    let (id, option) = chosen(&admin).await;
    let path = path_of(&option);
    let none = admin.get(&path).send().await;
    assert_eq!(none.header("etag"), Some("\"0\""));
    assert_eq!(none.expect(200), json!({"translations": []}));

    let german = json!({"name": "Farbe", "values": {"red": "Rot", "gone": "Weg"}});
    let written = admin.put(&format!("{path}/de"), &german);
    let written = written.header("if-match", "\"0\"").send().await;
    assert_eq!(written.header("etag"), Some("\"1\""));
    let body = json!({"locale": "de", "name": "Farbe", "values": {"red": "Rot", "gone": "Weg"}});
    assert_eq!(written.expect(200), body);
    let austrian = json!({"values": {"red": "Feuerrot"}});
    let stale = admin.put(&format!("{path}/de-AT"), &austrian);
    let stale = stale.header("if-match", "\"0\"").send().await;
    stale.refused(412, "precondition_failed");
    let written = admin.put(&format!("{path}/de-AT"), &austrian);
    written.header("if-match", "\"1\"").send().await.expect(200);

    let of = |red: &str| {
        let labels = json!({option.clone(): {"label": "Farbe", "values": {"red": red}}});
        let variant = json!([red, {option.clone(): red}]);
        let facet = json!({"name": option, "label": "Farbe", "values": [
            {"value": "blue", "count": 1}, {"value": "red", "label": red, "count": 1}]});
        vec![(labels, variant, facet); 2]
    };
    for (query, red) in [
        ("locale=de", "Rot"),
        ("locale=de-AT", "Feuerrot"),
        ("locale=de-CH", "Rot"),
    ] {
        eventually(query, PATIENCE, async || {
            shown(&cluster, id, &option, query).await == of(red)
        })
        .await;
    }
    let own = shown(&cluster, id, &option, "locale=en").await;
    assert_eq!(own[0].0, Value::Null);
    assert_eq!(own[0].1, json!(["red", null]));
    assert_eq!(own[0].2["label"], Value::Null);

    // In place of all that was there; what is not said any more is shown as it is called.
    let less = json!({"values": {"blue": "Blau"}});
    admin
        .put(&format!("{path}/de"), &less)
        .send()
        .await
        .expect(200);
    eventually("blue is translated instead", PATIENCE, async || {
        let both = shown(&cluster, id, &option, "locale=de").await;
        both.iter().all(|(labels, red, _)| {
            *labels == json!({option.clone(): {"values": {"blue": "Blau"}}}) && red[0] == "red"
        })
    })
    .await;
    admin.delete(&format!("{path}/de")).send().await.expect(204);
    let again = admin.delete(&format!("{path}/de")).send().await;
    again.refused(404, "translation_not_found");
    let left = admin.get(&path).send().await;
    assert_eq!(left.header("etag"), Some("\"4\""));
    let left = left.expect(200);
    assert_eq!(left["translations"][0]["locale"], "de-AT");
    assert_eq!(left["translations"].as_array().map(Vec::len), Some(1));
    eventually("all four are told", PATIENCE, async || {
        let events = admin.get("/api/events?type=option.translated&limit=100");
        let events = events.send().await.expect(200);
        events["events"].as_array().map(Vec::len) == Some(4)
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_named_and_nothing_is_written() {
    let admin = open().admin().await;
    let path = path_of(&fresh_key());
    let many: serde_json::Map<String, Value> =
        (0..2_001).map(|n| (format!("v{n}"), json!("x"))).collect();
    for (field, bad) in [
        ("values", json!({})),
        ("name", json!({"name": ""})),
        ("name", json!({"name": "x".repeat(101)})),
        ("name", json!({"name": "a\u{0}b"})),
        ("name", json!({"name": 7})),
        ("values", json!({"values": {"": "x"}})),
        ("values", json!({"values": {"red": " "}})),
        ("values", json!({"values": {"red": "x".repeat(101)}})),
        ("values", json!({"values": {"red": "Rot", " red": "Rot"}})),
        ("values", json!({"values": many})),
        ("label", json!({"label": "Farbe"})),
    ] {
        let refused = admin.put(&format!("{path}/de"), &bad).send().await;
        assert_eq!(refused.expect(422)["errors"][0]["field"], field, "{bad}");
    }
    let fine = json!({"name": "Farbe"});
    let refused = admin.put(&format!("{path}/german"), &fine).send().await;
    assert_eq!(refused.expect(422)["errors"][0]["field"], "locale");
    let long = path_of(&"x".repeat(101));
    for path in [
        &long,
        "/api/admin/options/%20/translations",
        "/api/admin/options/a%07b/translations",
    ] {
        let refused = admin.put(&format!("{path}/de"), &fine).send().await;
        assert_eq!(
            refused.expect(422)["errors"][0]["field"],
            "option",
            "{path}"
        );
    }
    let none = admin.get(&path).send().await;
    assert_eq!(none.header("etag"), Some("\"0\""));
    assert_eq!(none.expect(200), json!({"translations": []}));
}
