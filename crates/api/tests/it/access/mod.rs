//! Who may do what.

mod dry;
mod first;
mod ground;
mod matrix;
mod permissions;
mod real;
mod rows;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use crate::support::cluster::run;
use crate::support::{Answer, Cluster, Shop, number, open, order_of, required, somebody};

/// Registers somebody who then logs in, so that nobody may act for them without a token.
async fn customer(cluster: &Cluster) -> (i64, String) {
    let person = somebody();
    let user = cluster
        .shop()
        .post("/api/users", &person)
        .send()
        .await
        .expect(201);
    let (email, password) = (person["email"].as_str(), person["password"].as_str());
    let token = cluster
        .token(email.expect("text"), password.expect("text"))
        .await;
    (user["id"].as_i64().expect("an id"), token)
}

#[tokio::test]
async fn a_user_who_has_logged_in_is_out_of_reach_without_a_token() {
    let shop = open().shop();
    let person = somebody();
    let user = shop.post("/api/users", &person).send().await.expect(201);
    let user = user["id"].as_i64().expect("an id");
    let order = shop
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await
        .expect(201);
    let path = format!("/api/orders/{}", order["orderId"]);
    shop.get(&path).send().await.expect(200);

    let (email, password) = (person["email"].as_str(), person["password"].as_str());
    let token = open()
        .token(email.expect("text"), password.expect("text"))
        .await;

    let unreachable = |answer: Answer| answer.expect(404);
    unreachable(shop.get(&path).send().await);
    unreachable(shop.delete(&path).send().await);
    unreachable(
        shop.put(&path, &json!({"status": "processed"}))
            .send()
            .await,
    );
    unreachable(shop.get(&format!("/api/orders?userId={user}")).send().await);
    unreachable(shop.post("/api/orders", &order_of(user, &[1])).send().await);
    unreachable(shop.post("/api/orders", &order_of(1, &[1])).send().await);
    let ann: Shop = shop.with_token(&token);
    ann.get(&path).send().await.expect(200);
}

#[tokio::test]
async fn a_customer_advances_nothing_and_reads_only_its_own_list() {
    let (user, token) = customer(required()).await;
    let ann = required().shop().with_token(&token);
    let body = json!({"productIds": [1], "address": "x", "payment": "cod", "shipping": "std"});
    let order = ann.post("/api/orders", &body).send().await.expect(201);
    assert_eq!(order["userId"], user);
    let page = ann.get("/api/orders").send().await.expect(200);
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(1));
    let path = format!("/api/orders/{}", order["orderId"]);
    let refused = ann.put(&path, &json!({"status": "processed"})).send().await;
    refused.refused(403, "forbidden");
    ann.delete(&path).send().await.expect(200);
}

#[tokio::test]
async fn an_expired_session_is_over() {
    let (user, token) = customer(required()).await;
    let ann = required().shop().with_token(&token);
    ann.get("/api/users/me").send().await.expect(200);
    let mut conn = required().conn();
    let expire = format!("UPDATE accounts.sessions SET expires_at = now() WHERE user_id = {user}");
    conn.batch_execute(&expire).expect("expired");
    ann.get("/api/users/me")
        .send()
        .await
        .refused(401, "unauthorized");
    let tokens = "(SELECT count(*) FROM accounts.sessions WHERE length(token_hash) <> 32)";
    assert_eq!(number(&mut conn, tokens), 0);
}

#[test]
fn the_demo_password_opens_nothing_that_matters() {
    let settings = [
        ("CARTWRIGHT__ACCESS", "required"),
        ("CARTWRIGHT__ADMIN__PASSWORD", "demo-admin-password"),
        ("CARTWRIGHT__DATABASE__URL", "host=/nowhere"),
    ];
    let settings: Vec<_> = settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    for command in ["serve", "seed", "migrate"] {
        let refused = run(&settings, &[command], "");
        assert_eq!(refused.status.code(), Some(1));
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(words.contains("CARTWRIGHT__ADMIN__PASSWORD"), "{words}");
    }
}
