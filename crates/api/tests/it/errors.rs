//! What cannot be done is refused clearly, and changes nothing.

use serde_json::{Value, json};

use crate::support::{Answer, Shop, effects, open, order_of, somebody};

/// Ids that are none, as they stand in a path; percent-encoded where they must be.
const NO_IDS: [&str; 9] = [
    "0",
    "-1",
    "+1",
    "01",
    "1e9",
    "%D9%A3",
    "9223372036854775808",
    "1.0",
    "x",
];

fn assert_refused(what: &str, answer: &Answer, status: u16, field: Option<&str>) {
    let problem = answer.json();
    assert_eq!(answer.status, status, "{what}: {problem}");
    if let Some(field) = field {
        let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(
            named == field,
            "{what} names {named:?}, not {field:?}: {problem}"
        );
    }
}

/// Fails when anything but the refusals happened since `before`; other tests write meanwhile, so
/// these have a shop of their own.
struct Unchanged {
    before: String,
}

impl Unchanged {
    fn since_now() -> Self {
        Self {
            before: effects(&mut shop().1),
        }
    }

    fn assert(self) {
        assert_eq!(effects(&mut shop().1), self.before);
    }
}

fn shop() -> (Shop, diesel::PgConnection) {
    static OWN: std::sync::OnceLock<crate::support::Cluster> = std::sync::OnceLock::new();
    let cluster = OWN.get_or_init(|| crate::support::Cluster::start("open", 1));
    (cluster.shop(), cluster.conn())
}

/// One after the other: each compares what is there before and after.
async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

#[tokio::test]
async fn an_order_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let user = shop.register().await;
    let unchanged = Unchanged::since_now();
    let many: Vec<i64> = vec![1; 10_000];
    let line = |quantity: Value| json!([{"productId": 1, "quantity": quantity}]);
    let huge = json!(9_223_372_036_854_775_808_u64);
    let cases = [
        ("productIds", json!([999_999]), 422, "productIds[0]"),
        ("productIds", json!([1, 999_999]), 422, "productIds[1]"),
        ("productIds", json!([]), 422, "productIds"),
        ("productIds", json!(many), 422, "productIds"),
        ("productIds", json!([-1]), 422, "productIds[0]"),
        ("productIds", json!([0]), 422, "productIds[0]"),
        ("productIds", json!([1.5]), 422, "productIds[0]"),
        ("productIds", json!(["1"]), 422, "productIds[0]"),
        ("productIds", json!([null]), 422, "productIds[0]"),
        ("productIds", json!([huge]), 422, "productIds[0]"),
        ("productIds", json!(i64::MAX), 422, "productIds"),
        ("userId", json!(999_999), 404, ""),
        ("userId", json!("2"), 422, "userId"),
        ("userId", json!(-2), 422, "userId"),
        ("userId", json!(2.5), 422, "userId"),
        ("userId", json!(null), 422, "userId"),
        ("address", json!(""), 422, "address"),
        ("address", json!("x".repeat(501)), 422, "address"),
        ("address", json!(7), 422, "address"),
        ("address", json!({}), 422, "address.line1"),
        (
            "address",
            json!({"line1": "x", "planet": "Mars"}),
            422,
            "address.planet",
        ),
        ("address", json!("a\u{0}b"), 422, "address"),
        ("payment", json!("Card"), 422, "payment"),
        ("payment", json!("ca\u{0}rd"), 422, "payment"),
        ("payment", json!(null), 422, "payment"),
        ("shipping", json!("drone"), 422, "shipping"),
        ("shipping", json!("st\u{0}d"), 422, "shipping"),
        ("shipping", json!(1), 422, "shipping"),
        ("currency", json!("usd"), 422, "currency"),
        ("currency", json!("XXXX"), 422, "currency"),
        (
            "paymentToken",
            json!("4111111111111111"),
            422,
            "paymentToken",
        ),
        ("paymentToken", json!("tok\u{0}"), 422, "paymentToken"),
        ("lines", json!([]), 422, "lines"),
        ("lines", line(json!(0)), 422, "lines[0].quantity"),
        ("lines", line(json!(-1)), 422, "lines[0].quantity"),
        ("lines", line(json!(1_000_001)), 422, "lines[0].quantity"),
        ("lines", line(huge), 422, "lines[0].quantity"),
        ("lines", line(json!(1.5)), 422, "lines[0].quantity"),
        ("lines", line(json!("1")), 422, "lines[0].quantity"),
        ("lines", line(json!(null)), 422, "lines[0].quantity"),
        ("lines", json!([{"quantity": 1}]), 422, "lines[0]"),
        (
            "lines",
            json!([{"sku": "A\u{0}", "quantity": 1}]),
            422,
            "lines[0].sku",
        ),
        (
            "lines",
            json!([{"sku": "UNKNOWN", "quantity": 1}]),
            422,
            "lines[0].sku",
        ),
        (
            "lines",
            json!([{"productId": 1, "quantity": 1, "price": 1}]),
            422,
            "lines[0].price",
        ),
    ];
    for (field, value, status, named) in cases {
        let mut body = order_of(user, &[1]);
        if field == "lines" {
            body.as_object_mut()
                .expect("an object")
                .remove("productIds");
        }
        let what = format!(
            "{field}: {}",
            value.to_string().chars().take(60).collect::<String>()
        );
        body[field] = value;
        let answer = shop.post("/api/orders", &body).send().await;
        assert_refused(&what, &answer, status, (!named.is_empty()).then_some(named));
    }
    for field in ["userId", "productIds", "address", "payment", "shipping"] {
        let mut body = order_of(user, &[1]);
        body.as_object_mut().expect("an object").remove(field);
        let named = if field == "productIds" {
            "lines"
        } else {
            field
        };
        let answer = shop.post("/api/orders", &body).send().await;
        assert_refused(&format!("no {field}"), &answer, 422, Some(named));
    }
    unchanged.assert();
}

#[tokio::test]
async fn fields_that_nobody_may_set_are_refused_in_every_write() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let user = shop.register().await;
    let order = shop
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let order = format!("/api/orders/{}", order["orderId"]);
    let token = shop.log_in("admin@example.com", "not the public one").await;
    let admin = shop.with_token(&token);
    let unchanged = Unchanged::since_now();
    let writes = [
        ("POST", "/api/orders", order_of(user, &[1])),
        ("PUT", &*order, json!({"status": "processed"})),
        ("POST", "/api/users", somebody()),
        (
            "POST",
            "/api/sessions",
            json!({"email": "a@b.example", "password": "x"}),
        ),
        (
            "POST",
            "/api/products",
            json!({"name": "x", "sku": "X", "price": "1"}),
        ),
        ("PATCH", "/api/products/1", json!({"price": "1"})),
        (
            "PUT",
            "/api/products/1/stock",
            json!({"onHand": 1, "expectedOnHand": 1}),
        ),
    ];
    for (method, path, body) in writes {
        let is_open = path.starts_with("/api/orders") || path == "/api/users";
        let sender = if is_open { &shop } else { &admin };
        for field in [
            "role",
            "isAdmin",
            "price",
            "status",
            "total",
            "id",
            "createdAt",
            "customerId",
        ] {
            let mut body = body.clone();
            if body.get(field).is_some() {
                continue;
            }
            body[field] = 1.into();
            let is_known = field == "price" && path.starts_with("/api/products");
            let answer = sender.request(method, path).json(&body).send().await;
            if !is_known || path.ends_with("stock") {
                assert_refused(
                    &format!("{method} {path} {field}"),
                    &answer,
                    422,
                    Some(field),
                );
            }
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            let answer = sender
                .request(method, path)
                .raw(kind, body.to_string())
                .send()
                .await;
            answer.refused(415, "unsupported_media_type");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(50_000));
        let twice = body.to_string().replacen('{', "{\"name\":1,\"name\":1,", 1);
        for text in [
            "",
            "{",
            "null x",
            "[]",
            "{\"a\":1}}",
            "{\"a\":NaN}",
            "\u{feff}{}",
            &deep,
            &twice,
        ] {
            let answer = sender.request(method, path).raw("application/json", text);
            let answer = answer.send().await;
            assert!(
                [400, 422].contains(&answer.status),
                "{method} {path} {text:.40}: {answer:?}"
            );
        }
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(256 * 1024));
        let answer = sender.request(method, path).raw("application/json", large);
        answer.send().await.refused(413, "payload_too_large");
    }
    unchanged.assert();
}

#[tokio::test]
async fn a_registration_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let unchanged = Unchanged::since_now();
    let long = format!("{}@example.com", "a".repeat(320));
    let addresses = [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@@example.com",
        "a nn@example.com",
        "ann@exam ple.com",
        "ann\u{200b}@example.com",
        "ann\u{202e}@example.com",
        "ann\u{0}@example.com",
        "аnn@example.com",
        "ann..lee@example.com",
        "ann@example..com",
        "ann@-example.com",
        "\"ann lee\"@example.com",
        &long,
    ];
    for address in addresses {
        let mut body = somebody();
        body["email"] = address.into();
        let answer = shop.post("/api/users", &body).send().await;
        assert_refused(address, &answer, 422, Some("email"));
    }
    let fields = [
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!("a\u{0}")),
        ("name", json!("x".repeat(201))),
        ("name", json!(null)),
        ("password", json!("short")),
        ("password", json!("x".repeat(129))),
        ("password", json!(12_345_678)),
        ("phoneNumber", json!("+49\u{0}")),
        ("phoneNumber", json!("1".repeat(41))),
    ];
    for (field, value) in fields {
        let mut body = somebody();
        body[field] = value.clone();
        let answer = shop.post("/api/users", &body).send().await;
        assert_refused(&format!("{field} {value}"), &answer, 422, Some(field));
    }
    unchanged.assert();
}

#[tokio::test]
async fn a_product_that_makes_no_sense_names_the_field() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let token = shop.log_in("admin@example.com", "not the public one").await;
    let admin = shop.with_token(&token);
    let unchanged = Unchanged::since_now();
    let fields = [
        ("name", json!("")),
        ("name", json!("a\u{0}")),
        ("name", json!("x".repeat(301))),
        ("sku", json!("")),
        ("sku", json!("a\u{0}b")),
        ("sku", json!("x".repeat(300))),
        ("price", json!("-1.00")),
        ("price", json!("1.005")),
        ("price", json!("1e3")),
        ("price", json!("NaN")),
        ("price", json!(1.5)),
        ("price", json!("99999999999999999999")),
        ("price", json!("1\u{0}")),
        ("currency", json!("usd")),
        ("currency", json!("US\u{0}")),
        ("onHand", json!(-1)),
        ("onHand", json!(1.5)),
        ("onHand", json!(i64::MAX)),
        ("description", json!("a\u{0}")),
        ("image", json!("a\u{0}")),
    ];
    for (field, value) in fields {
        let mut body = json!({"name": "Tee", "sku": "NO-SENSE", "price": "1.00"});
        body[field] = value.clone();
        let answer = admin.post("/api/products", &body).send().await;
        assert_refused(&format!("{field} {value}"), &answer, 422, Some(field));
        if !["sku", "onHand"].contains(&field) {
            let change = json!({ field: value });
            let answer = admin.patch("/api/products/1", &change).send().await;
            assert_refused(&format!("PATCH {field} {value}"), &answer, 422, Some(field));
        }
    }
    let count = json!({"onHand": -1, "expectedOnHand": 1_000});
    let answer = admin.put("/api/products/1/stock", &count).send().await;
    assert_refused("a count", &answer, 422, Some("onHand"));
    unchanged.assert();
}

#[tokio::test]
async fn what_is_no_id_is_not_found() {
    let _turn = turn().await;
    let (shop, _) = shop();
    let token = shop.log_in("admin@example.com", "not the public one").await;
    let admin = shop.with_token(&token);
    let unchanged = Unchanged::since_now();
    for id in NO_IDS {
        let status = json!({"status": "processed"});
        let requests = [
            admin.get(&format!("/api/products/{id}")),
            admin.get(&format!("/api/products/{id}/stock")),
            admin.patch(&format!("/api/products/{id}"), &json!({"price": "1"})),
            admin.delete(&format!("/api/products/{id}")),
            admin.get(&format!("/api/users/{id}")),
            admin.get(&format!("/api/orders/{id}")),
            admin.put(&format!("/api/orders/{id}"), &status),
            admin.delete(&format!("/api/orders/{id}")),
        ];
        for request in requests {
            request.send().await.expect(404);
        }
    }
    // nginx itself refuses this one; the replica would too.
    let nul = open().replica(0).get("/api/products/1%00").send().await;
    nul.refused(404, "product_not_found");
    for status in ["", "shipped", "ORDERED!", "processed\u{0}"] {
        let answer = admin
            .put("/api/orders/1", &json!({"status": status}))
            .send()
            .await;
        assert_refused(status, &answer, 422, Some("status"));
    }
    unchanged.assert();
}

#[tokio::test]
async fn an_unknown_or_repeated_parameter_is_refused() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let products = [
        "x=1",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=",
        "page=0",
        "page=-1",
        "page=1000001",
        "page=99999999999",
        "limit=1&limit=2",
        "page=1&page=2",
        "q=a&q=b",
        "cursor=x",
        "q=a%00b",
        "sort=price",
    ];
    for query in products {
        let answer = shop.get(&format!("/api/products?{query}")).send().await;
        answer.refused(400, "invalid_query");
    }
    for query in [
        "x=1",
        "userId=0",
        "userId=x",
        "userId=1&userId=1",
        "limit=1000",
        "cursor=%00",
    ] {
        let answer = admin.get(&format!("/api/orders?{query}")).send().await;
        answer.refused(400, "invalid_query");
        if !query.starts_with("userId") {
            let answer = admin.get(&format!("/api/users?{query}")).send().await;
            answer.refused(400, "invalid_query");
        }
    }
}

#[tokio::test]
async fn a_known_address_with_another_method_is_a_405_and_head_is_a_get() {
    let shop = open().shop();
    let others = [
        ("PUT", "/api/products"),
        ("POST", "/api/products/1"),
        ("DELETE", "/api/users/1"),
        ("PATCH", "/api/orders/1"),
        ("POST", "/livez"),
        ("DELETE", "/api/sessions"),
        ("POST", "/api/openapi.json"),
        ("PUT", "/api/users/me"),
    ];
    for (method, path) in others {
        let answer = shop.request(method, path).send().await;
        answer.refused(405, "method_not_allowed");
    }
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/products/",
        "/api/products/1/",
        "/admin",
        "/.env",
    ] {
        shop.get(path).send().await.refused(404, "not_found");
    }
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/api/products",
        "/api/products/1",
        "/api/openapi.json",
    ] {
        let (get, head) = (
            shop.get(path).send().await,
            shop.request("HEAD", path).send().await,
        );
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
}
