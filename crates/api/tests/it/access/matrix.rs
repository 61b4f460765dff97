//! Every route for every caller, in both kinds of access.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use super::customer;
use super::rows::{Expected, Row, matrix};
use crate::media::uploaded;
use crate::support::{Cluster, contract, fresh_key, number, open, order_of, required, somebody};

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

/// The key of a custom field that nobody has defined.
fn field_key() -> String {
    format!("f{}", fresh_key().replace('-', "_"))
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
    let collection = json!({"name": format!("Sale {}", fresh_key())});
    let collection = admin.post("/api/admin/collections", &collection);
    let collection = collection.send().await.expect(201)["id"].to_string();
    let location = json!({"code": fresh_key(), "name": "Near"});
    let location = admin.post("/api/admin/locations", &location).send().await;
    let location = location.expect(201)["id"].to_string();
    let hold = json!({"lines": [{"variantId": 1, "quantity": 1}]});
    let hold = admin.post("/api/admin/stock/holds", &hold).send().await;
    let hold = hold.expect(201)["id"].to_string();
    let list = json!({"code": fresh_key(), "name": "Sale", "isActive": false});
    let list = admin.post("/api/admin/price-lists", &list).send().await;
    let list = list.expect(201)["id"].to_string();
    let field = json!({"resource": "variant", "key": field_key(), "type": "text"});
    let field = admin.post("/api/admin/custom-fields", &field).send().await;
    let field = field.expect(201)["id"].to_string();
    let order = admin
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let order = order["orderId"].to_string();
    let (job, schedule) = unknown_work(cluster);
    let (import, export) = (old_import(cluster), old_export(cluster));
    let picture = uploaded(&admin, "").await["id"].to_string();
    for row in matrix() {
        for (token, status) in tokens.iter().zip(expected(&row)) {
            let id = match row.route.split('/').nth(2) {
                Some("users") => user.to_string(),
                Some("orders") => order.clone(),
                Some("jobs") => job.to_string(),
                _ if row.route.contains("/exports/") => export.to_string(),
                _ if row.route.contains("/admin/media/") => picture.clone(),
                _ if row.route.contains("/imports/") => import.to_string(),
                _ if row.route.contains("/categories/") => category.clone(),
                _ if row.route.contains("/collections/") => collection.clone(),
                _ if row.route.contains("/locations/") => location.clone(),
                _ if row.route.contains("/holds/") => hold.clone(),
                _ if row.route.contains("/transfers/") => i64::MAX.to_string(),
                _ if row.route.contains("/price-lists/") => list.clone(),
                // By the time the administrator removes it, staff has.
                _ if row.route.contains("/custom-fields/") => field.clone(),
                _ if row.route.contains("/admin/users/") => user.to_string(),
                _ => product.to_string(),
            };
            let path = row
                .route
                .replace("{id}", &id)
                .replace("{variantId}", &variant)
                .replace("{locale}", "de")
                .replace("{hash}", &"0".repeat(64))
                .replace("{relation}", "related")
                .replace("{name}", &schedule)
                .replace("{user}", &user.to_string());
            let body = match row.body.to_string() {
                text if text == "\"{somebody}\"" => somebody().to_string(),
                text => text
                    .replace("\"{user}\"", &user.to_string())
                    .replace("far-away", &fresh_key())
                    .replace("{slug}", &fresh_key())
                    .replace("{key}", &field_key())
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
            // Products, categories and collections are the same for everyone, so nobody looks at the token; logging in needs none.
            let is_public = row.method == "GET"
                && [
                    "/api/products",
                    "/api/categories",
                    "/api/collections",
                    "/api/search",
                    "/media/",
                ]
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
