//! What cannot be done is refused clearly, and changes nothing.

mod fields;
mod orders;
mod registrations_and_products;

use serde_json::json;

use crate::support::{Answer, Shop, effects, open};

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
        ("PUT", "/api/products", "GET, HEAD, POST"),
        ("POST", "/api/products/1", "DELETE, GET, HEAD, PATCH"),
        ("DELETE", "/api/users/1", "GET, HEAD"),
        ("PATCH", "/api/orders/1", "DELETE, GET, HEAD, PUT"),
        ("POST", "/livez", "GET, HEAD"),
        ("DELETE", "/api/sessions", "POST"),
        ("POST", "/api/openapi.json", "GET, HEAD"),
        ("PUT", "/api/users/me", "GET, HEAD"),
        (
            "DELETE",
            "/api/admin/price-lists/1/prices",
            "GET, HEAD, POST",
        ),
    ];
    for (method, path, allowed) in others {
        let answer = shop.request(method, path).send().await;
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
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
