//! Every route for every caller, in both kinds of access.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::customer;
use crate::support::{Cluster, contract, fresh_key, number, open, order_of, required, somebody};

/// Statuses for: nobody, the customer, another customer, staff, the administrator.
type Expected = [u16; 5];

/// A route with what it answers in open and in required access.
struct Row {
    method: &'static str,
    route: &'static str,
    body: Value,
    open: Expected,
    required: Expected,
}

fn row(
    method: &'static str,
    route: &'static str,
    body: Value,
    open: Expected,
    required: Expected,
) -> Row {
    Row {
        method,
        route,
        body,
        open,
        required,
    }
}

/// `{user}` and `{order}` are the customer's, product, category and variant are of its own, and no worker knows the
/// kind of the job and of the schedule.
fn matrix() -> Vec<Row> {
    let order = json!({"userId": "{user}", "productIds": [1], "address": "x", "payment": "cod", "shipping": "std"});
    let product = json!({"name": "Tee", "sku": "{fresh}", "price": "1.00"});
    let count = json!({"onHand": 7, "expectedOnHand": 7});
    let staff = [401, 403, 403, 200, 200];
    let public = [200; 5];
    let none = Value::Null;
    vec![
        row("GET", "/api/products", none.clone(), public, public),
        row("GET", "/api/products/{id}", none.clone(), public, public),
        row(
            "POST",
            "/api/products",
            product,
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row(
            "PATCH",
            "/api/products/{id}",
            json!({"image": "/x.jpg"}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/products/{id}/stock",
            none.clone(),
            staff,
            staff,
        ),
        row("PUT", "/api/products/{id}/stock", count, staff, staff),
        row(
            "GET",
            "/api/products/{id}/variants",
            none.clone(),
            public,
            public,
        ),
        row("GET", "/api/categories", none.clone(), public, public),
        row("GET", "/api/categories/{id}", none.clone(), public, public),
        row(
            "GET",
            "/api/categories/{id}/products",
            none.clone(),
            public,
            public,
        ),
        row(
            "POST",
            "/api/admin/categories",
            json!({"name": "{fresh}"}),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row(
            "GET",
            "/api/admin/categories/{id}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/categories/{id}",
            json!({"description": "Worn"}),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/categories/{id}/parents",
            json!({"parents": []}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/categories/{id}/products",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/categories/{id}/products",
            json!({"add": [{"productId": 1}]}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/categories/{id}/translations",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/categories/{id}/translations/{locale}",
            json!({"name": "Tassen"}),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/categories/{id}/translations/{locale}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row(
            "DELETE",
            "/api/admin/categories/{id}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row(
            "GET",
            "/api/products/by-slug/{slug}",
            none.clone(),
            [404; 5],
            [404; 5],
        ),
        // Nobody has this SKU.
        row(
            "POST",
            "/api/admin/prices",
            json!({"prices": [{"sku": "{fresh}", "price": "1.00"}]}),
            [401, 403, 403, 422, 422],
            [401, 403, 403, 422, 422],
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}/prices",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}/prices/history",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/products/{id}/variants/{variantId}/prices/{priceId}",
            none.clone(),
            [401, 403, 403, 404, 404],
            [401, 403, 403, 404, 404],
        ),
        row(
            "POST",
            "/api/prices/lookup",
            json!({"lines": [{"sku": "{fresh}"}]}),
            public,
            public,
        ),
        row(
            "POST",
            "/api/admin/price-lists",
            json!({"code": "{slug}", "name": "Sale", "isActive": false}),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row("GET", "/api/admin/price-lists", none.clone(), staff, staff),
        row(
            "GET",
            "/api/admin/price-lists/{id}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/price-lists/{id}",
            json!({"priority": 1}),
            staff,
            staff,
        ),
        row(
            "POST",
            "/api/admin/price-lists/{id}/prices",
            json!({"prices": [{"sku": "{fresh}", "price": "1.00"}]}),
            [401, 403, 403, 422, 422],
            [401, 403, 403, 422, 422],
        ),
        row(
            "GET",
            "/api/admin/price-lists/{id}/prices",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/price-lists/{id}/prices/{priceId}",
            none.clone(),
            [401, 403, 403, 404, 404],
            [401, 403, 403, 404, 404],
        ),
        row(
            "GET",
            "/api/admin/users/{id}/customer-groups",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/users/{id}/customer-groups",
            json!({"customerGroups": ["trade"]}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/translations",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/products/{id}/translations/{locale}",
            json!({"name": "Tasse"}),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/products/{id}/translations/{locale}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row("GET", "/api/admin/products", none.clone(), staff, staff),
        row(
            "POST",
            "/api/admin/products",
            json!({"name": "Mug", "sku": "{fresh}", "price": "1.00"}),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row(
            "GET",
            "/api/admin/products/{id}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/products/{id}",
            json!({"brand": "Acme"}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/options",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/products/{id}/options",
            json!({"options": [{"name": "Size", "values": ["S", "M"]}]}),
            staff,
            staff,
        ),
        // What one has added, the next one cannot.
        row(
            "POST",
            "/api/admin/products/{id}/variants",
            json!({"variants": [{"sku": "{fresh}", "choices": {"Size": "S"}, "price": "1.00"}]}),
            [401, 403, 403, 201, 409],
            [401, 403, 403, 201, 409],
        ),
        row(
            "POST",
            "/api/admin/products/{id}/variants/generate",
            json!({"skuPrefix": "{fresh}", "price": "1.00"}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/products/{id}/variants/{variantId}",
            json!({"price": "2.00"}),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}/stock",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}/stock/movements",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/products/{id}/variants/{variantId}/stock",
            json!({"safety": 1}),
            staff,
            staff,
        ),
        row(
            "PUT",
            "/api/admin/products/{id}/variants/{variantId}/stock",
            json!({"onHand": 7, "expectedOnHand": 7}),
            staff,
            staff,
        ),
        // Without a key.
        row(
            "POST",
            "/api/admin/products/{id}/variants/{variantId}/stock/adjustments",
            json!({"onHandDelta": 1, "reason": "found"}),
            [401, 403, 403, 428, 428],
            [401, 403, 403, 428, 428],
        ),
        row(
            "GET",
            "/api/admin/products/{id}/variants/{variantId}/stock/levels",
            none.clone(),
            staff,
            staff,
        ),
        row("GET", "/api/admin/locations", none.clone(), staff, staff),
        row(
            "POST",
            "/api/admin/locations",
            json!({"code": "far-away", "name": "Far"}),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row(
            "GET",
            "/api/admin/locations/{id}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/locations/{id}",
            json!({"priority": 5}),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/locations/{id}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row("GET", "/api/admin/stock/low", none.clone(), staff, staff),
        row("GET", "/api/admin/stock/holds", none.clone(), staff, staff),
        // Without a key.
        row(
            "POST",
            "/api/admin/stock/holds",
            json!({"lines": [{"sku": "X", "quantity": 1}]}),
            [401, 403, 403, 428, 428],
            [401, 403, 403, 428, 428],
        ),
        row(
            "GET",
            "/api/admin/stock/holds/{id}",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "PATCH",
            "/api/admin/stock/holds/{id}",
            json!({"expiresIn": 60}),
            staff,
            staff,
        ),
        row(
            "DELETE",
            "/api/admin/stock/holds/{id}",
            none.clone(),
            staff,
            staff,
        ),
        // Without a key.
        row(
            "POST",
            "/api/admin/stock/transfers",
            json!({"lines": [{"sku": "X", "quantity": 1, "fromLocationId": 1, "toLocationId": 2}]}),
            [401, 403, 403, 428, 428],
            [401, 403, 403, 428, 428],
        ),
        row(
            "GET",
            "/api/admin/stock/transfers/{id}",
            none.clone(),
            [401, 403, 403, 404, 404],
            [401, 403, 403, 404, 404],
        ),
        // The default variant stands for its product.
        row(
            "DELETE",
            "/api/admin/products/{id}/variants/{variantId}",
            none.clone(),
            [401, 403, 403, 409, 409],
            [401, 403, 403, 409, 409],
        ),
        row(
            "DELETE",
            "/api/products/{id}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row(
            "POST",
            "/api/users",
            json!("{somebody}"),
            [201; 5],
            [201; 5],
        ),
        row("GET", "/api/users", none.clone(), staff, staff),
        row(
            "GET",
            "/api/users/me",
            none.clone(),
            [401, 200, 200, 200, 200],
            [401, 200, 200, 200, 200],
        ),
        row(
            "GET",
            "/api/users/{id}",
            none.clone(),
            [401, 200, 404, 200, 200],
            [401, 200, 404, 200, 200],
        ),
        row(
            "POST",
            "/api/sessions",
            json!({"email": "a@b.example", "password": "not a password"}),
            [401; 5],
            [401; 5],
        ),
        row(
            "POST",
            "/api/orders",
            order,
            [404, 201, 404, 201, 201],
            [401, 201, 404, 201, 201],
        ),
        row(
            "GET",
            "/api/orders",
            none.clone(),
            [400, 200, 200, 200, 200],
            [401, 200, 200, 200, 200],
        ),
        row(
            "GET",
            "/api/orders?userId={user}",
            none.clone(),
            [404, 200, 404, 200, 200],
            [401, 200, 404, 200, 200],
        ),
        row(
            "GET",
            "/api/orders/{id}",
            none.clone(),
            [404, 200, 404, 200, 200],
            [401, 200, 404, 200, 200],
        ),
        row(
            "PUT",
            "/api/orders/{id}",
            json!({"status": "processed"}),
            [404, 403, 403, 200, 200],
            [401, 403, 403, 200, 200],
        ),
        row(
            "DELETE",
            "/api/orders/{id}",
            none.clone(),
            [404, 200, 404, 200, 200],
            [401, 200, 404, 200, 200],
        ),
        row(
            "POST",
            "/api/admin/imports?profile=eshop&currency=USD&mode=validate",
            json!([]),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row("GET", "/api/admin/imports", none.clone(), staff, staff),
        row("GET", "/api/admin/imports/{id}", none.clone(), staff, staff),
        row(
            "GET",
            "/api/admin/imports/{id}/results",
            none.clone(),
            staff,
            staff,
        ),
        row(
            "POST",
            "/api/admin/imports/{id}/cancel",
            none.clone(),
            [401, 403, 403, 409, 409],
            [401, 403, 403, 409, 409],
        ),
        row(
            "DELETE",
            "/api/admin/imports/{id}",
            none.clone(),
            [401, 403, 403, 204, 404],
            [401, 403, 403, 204, 404],
        ),
        row(
            "POST",
            "/api/admin/exports",
            json!({"kind": "products"}),
            [401, 403, 403, 201, 201],
            [401, 403, 403, 201, 201],
        ),
        row("GET", "/api/admin/exports", none.clone(), staff, staff),
        row("GET", "/api/admin/exports/{id}", none.clone(), staff, staff),
        row(
            "GET",
            "/api/admin/exports/{id}/file",
            none.clone(),
            [401, 403, 403, 409, 409],
            [401, 403, 403, 409, 409],
        ),
        row("GET", "/api/events", none.clone(), staff, staff),
        row("GET", "/api/jobs", none.clone(), staff, staff),
        row("GET", "/api/jobs/{id}", none.clone(), staff, staff),
        // What staff has queued again is queued, so it cannot be queued again.
        row(
            "POST",
            "/api/jobs/{id}/retry",
            none.clone(),
            [401, 403, 403, 200, 409],
            [401, 403, 403, 200, 409],
        ),
        row("POST", "/api/jobs/{id}/run-now", none.clone(), staff, staff),
        row("POST", "/api/jobs/{id}/cancel", none.clone(), staff, staff),
        row("GET", "/api/schedules", none.clone(), staff, staff),
        row(
            "POST",
            "/api/schedules/{name}/run",
            none.clone(),
            [401, 403, 403, 201, 200],
            [401, 403, 403, 201, 200],
        ),
        row("GET", "/api/search", none.clone(), public, public),
        row(
            "POST",
            "/api/admin/search/rebuild",
            none.clone(),
            staff,
            staff,
        ),
        row("GET", "/livez", none.clone(), public, public),
        row("GET", "/readyz", none.clone(), public, public),
        // Last: afterwards the tokens are dead.
        row(
            "DELETE",
            "/api/sessions/current",
            none,
            [401, 204, 204, 204, 204],
            [401, 204, 204, 204, 204],
        ),
    ]
}

async fn staff_token(cluster: &Cluster, admin: bool) -> String {
    let email = format!("{}@staff.example", fresh_key());
    let mut args = vec!["admin", "create-staff", "--email", &email, "--name", "Sam"];
    if admin {
        args.push("--admin");
    }
    let made = cluster.run(&args, "a good password\n");
    assert!(made.status.success(), "{made:?}");
    cluster.token(&email, "a good password").await
}

/// A failed job and a schedule that no worker touches.
fn unknown_work(cluster: &Cluster) -> (i64, String) {
    let name = fresh_key();
    let mut conn = cluster.conn();
    let insert = format!(
        "INSERT INTO platform.jobs (queue, kind, state, finished_at) VALUES ('default', '{name}', 'failed', now());
         INSERT INTO platform.schedules (name, queue, kind, every_seconds, missed, next_at)
         VALUES ('{name}', 'default', '{name}', 60, 'skip', now())"
    );
    conn.batch_execute(&insert).expect("inserted");
    let id = format!("(SELECT id FROM platform.jobs WHERE kind = '{name}')");
    (number(&mut conn, &id), name)
}

/// An import that is over.
fn old_import(cluster: &Cluster) -> i64 {
    let mark = fresh_key();
    let insert = format!(
        "INSERT INTO catalog.imports (kind, format, mode, on_error, state, error, finished_at)
         VALUES ('products', 'csv', 'apply', 'skip', 'failed', '{mark}', now())"
    );
    let mut conn = cluster.conn();
    conn.batch_execute(&insert).expect("inserted");
    let id = format!("(SELECT id FROM catalog.imports WHERE error = '{mark}')");
    number(&mut conn, &id)
}

/// An export that came to nothing.
fn old_export(cluster: &Cluster) -> i64 {
    let insert = "INSERT INTO catalog.exports (kind, format, on_sale, state, finished_at)
         VALUES ('products', 'csv', false, 'failed', now())";
    let mut conn = cluster.conn();
    conn.batch_execute(insert).expect("inserted");
    number(
        &mut conn,
        "(SELECT max(id) FROM catalog.exports WHERE state = 'failed')",
    )
}

async fn assert_matrix(cluster: &Cluster, expected: impl Fn(&Row) -> Expected) {
    let admin = cluster.admin().await;
    let (user, customer_token) = customer(cluster).await;
    let (_, other) = customer(cluster).await;
    let tokens = [
        None,
        Some(customer_token),
        Some(other),
        Some(staff_token(cluster, false).await),
        Some(staff_token(cluster, true).await),
    ];
    let product = admin.product(&fresh_key().to_uppercase(), 7).await;
    let variants = format!("/api/products/{product}/variants");
    let variants = admin.get(&variants).send().await.expect(200);
    let variant = variants["variants"][0]["id"].to_string();
    let category = json!({"name": fresh_key()});
    let category = admin.post("/api/admin/categories", &category).send().await;
    let category = category.expect(201)["id"].to_string();
    let location = json!({"code": fresh_key(), "name": "Near"});
    let location = admin.post("/api/admin/locations", &location).send().await;
    let location = location.expect(201)["id"].to_string();
    let hold = json!({"lines": [{"variantId": 1, "quantity": 1}]});
    let hold = admin.post("/api/admin/stock/holds", &hold).send().await;
    let hold = hold.expect(201)["id"].to_string();
    let list = json!({"code": fresh_key(), "name": "Sale", "isActive": false});
    let list = admin.post("/api/admin/price-lists", &list).send().await;
    let list = list.expect(201)["id"].to_string();
    let order = admin
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let order = order["orderId"].to_string();
    let (job, schedule) = unknown_work(cluster);
    let (import, export) = (old_import(cluster), old_export(cluster));
    for row in matrix() {
        for (token, status) in tokens.iter().zip(expected(&row)) {
            let id = match row.route.split('/').nth(2) {
                Some("users") => user.to_string(),
                Some("orders") => order.clone(),
                Some("jobs") => job.to_string(),
                _ if row.route.contains("/exports/") => export.to_string(),
                _ if row.route.contains("/imports/") => import.to_string(),
                _ if row.route.contains("/categories/") => category.clone(),
                _ if row.route.contains("/locations/") => location.clone(),
                _ if row.route.contains("/holds/") => hold.clone(),
                _ if row.route.contains("/transfers/") => i64::MAX.to_string(),
                _ if row.route.contains("/price-lists/") => list.clone(),
                _ if row.route.contains("/admin/users/") => user.to_string(),
                _ => product.to_string(),
            };
            let path = row
                .route
                .replace("{id}", &id)
                .replace("{variantId}", &variant)
                .replace("{locale}", "de")
                .replace("{name}", &schedule)
                .replace("{user}", &user.to_string());
            let body = match row.body.to_string() {
                text if text == "\"{somebody}\"" => somebody().to_string(),
                text => text
                    .replace("\"{user}\"", &user.to_string())
                    .replace("far-away", &fresh_key())
                    .replace("{slug}", &fresh_key())
                    .replace("{fresh}", &fresh_key().to_uppercase()),
            };
            let mut shop = cluster.replica(0);
            if let Some(token) = token {
                shop = shop.with_token(token);
            }
            let mut request = shop.request(row.method, &path);
            if !row.body.is_null() {
                request = request.raw("application/json", body);
            }
            let answer = request.send().await;
            let who = tokens.iter().position(|known| known == token);
            assert_eq!(
                answer.status,
                status,
                "{} {} by {who:?}: {}",
                row.method,
                row.route,
                String::from_utf8_lossy(&answer.body)
            );
        }
    }
}

#[tokio::test]
async fn in_open_access_everyone_may_do_what_the_matrix_says() {
    assert_matrix(open(), |row| row.open).await;
}

#[tokio::test]
async fn in_required_access_everyone_may_do_what_the_matrix_says() {
    assert_matrix(required(), |row| row.required).await;
}

#[test]
fn every_described_route_has_a_row_in_the_matrix() {
    let rows: HashSet<(String, String)> = matrix()
        .iter()
        .map(|row| {
            (
                row.method.to_owned(),
                row.route.split('?').next().expect("a path").to_owned(),
            )
        })
        .collect();
    let described: HashSet<(String, String)> = contract::operations().into_iter().collect();
    assert_eq!(
        described.difference(&rows).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new()
    );
}

#[tokio::test]
async fn a_dead_token_is_a_401_wherever_a_token_counts() {
    for cluster in [open(), required()] {
        let admin = cluster.admin().await;
        let user = cluster.shop().register().await;
        let order = admin
            .post("/api/orders", &order_of(user, &[1]))
            .send()
            .await
            .expect(201);
        for row in matrix() {
            // Products and categories are the same for everyone, so nobody looks at the token; logging in needs none.
            let is_public = row.method == "GET"
                && ["/api/products", "/api/categories", "/api/search"]
                    .iter()
                    .any(|public| row.route.starts_with(public))
                && !row.route.ends_with("stock");
            if is_public
                || ["/livez", "/readyz"].contains(&row.route)
                || row.route == "/api/sessions"
            {
                continue;
            }
            let path = row
                .route
                .replace("{id}", &order["orderId"].to_string())
                .replace("{user}", &user.to_string());
            for bad in ["Bearer dead", "Bearer", "Bearer ", "Basic YTpi", "dead"] {
                let mut request = cluster
                    .replica(0)
                    .request(row.method, &path)
                    .header("authorization", bad);
                if !row.body.is_null() {
                    // A body that is refused may be told first.
                    let body = match row.route {
                        "/api/users" => somebody(),
                        "/api/admin/price-lists" => json!({"code": fresh_key(), "name": "Sale"}),
                        "/api/orders" => order_of(user, &[1]),
                        _ => row.body.clone(),
                    };
                    request = request.json(&body);
                }
                let answer = request.send().await;
                assert_eq!(
                    answer.status, 401,
                    "{} {} with {bad:?}",
                    row.method, row.route
                );
            }
        }
    }
}
