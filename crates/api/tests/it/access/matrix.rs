//! Every route for every caller, in both kinds of access.

use std::collections::HashSet;

use serde_json::json;

use super::customer;
use super::ground::Ground;
use super::rows::{Expected, Row, matrix};
use crate::support::{Cluster, contract, fresh_key, open, order_of, required, somebody};

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
    let ground = Ground::laid(cluster, &admin, user).await;
    for row in matrix() {
        for (token, status) in tokens.iter().zip(expected(&row)) {
            let (path, body) = (ground.path(&row), ground.body(&row));
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
