//! Who may do nothing hears nothing else.

use super::customer;
use super::rows::matrix;
use crate::support::required;

/// Orders and users are of customers as well, who are told what is wrong with their requests.
const OF_CUSTOMERS: [&str; 3] = ["/api/orders", "/api/users/", "/api/sessions"];

#[tokio::test]
async fn where_only_staff_may_do_anything_who_asks_counts_before_what() {
    let cluster = required();
    let (_, token) = customer(cluster).await;
    let callers = [
        (cluster.shop(), 401),
        (cluster.shop().with_token(&token), 403),
    ];
    let mut tried = 0;
    for row in matrix() {
        let is_of_customers = OF_CUSTOMERS.iter().any(|head| row.route.starts_with(head));
        if is_of_customers || row.required[..2] != [401, 403] {
            continue;
        }
        let route = row.route.split('?').next().expect("a path");
        let path = format!(
            "{}?nobody=knows&dryRun=perhaps",
            route.replace(['{', '}'], "-")
        );
        for (shop, status) in &callers {
            let request = shop.request(row.method, &path);
            let request = request.header("idempotency-key", "short");
            let answer = match row.method {
                "GET" => request.send().await,
                _ => request.raw("application/json", "{").send().await,
            };
            assert_eq!(answer.status, *status, "{} {route}", row.method);
        }
        tried += 1;
    }
    assert!(tried > 80, "{tried} routes");
}
