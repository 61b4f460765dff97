//! Logging in and out.

use serde_json::json;

use crate::support::{number, required, somebody};

#[tokio::test]
async fn a_token_works_until_its_bearer_logs_out() {
    let shop = required().shop();
    let person = somebody();
    let user = shop.post("/api/users", &person).send().await.expect(201);

    let credentials = json!({"email": person["email"], "password": person["password"]});
    let session = shop
        .post("/api/sessions", &credentials)
        .send()
        .await
        .expect(201);
    assert_eq!(session["user"], user);
    let ann = shop.with_token(session["token"].as_str().expect("a token"));
    assert_eq!(ann.get("/api/users/me").send().await.expect(200), user);

    ann.delete("/api/sessions/current").send().await.expect(204);
    ann.get("/api/users/me")
        .send()
        .await
        .refused(401, "unauthorized");
    ann.delete("/api/sessions/current")
        .send()
        .await
        .refused(401, "unauthorized");
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_told_apart_by_nobody() {
    let shop = required().shop();
    let person = somebody();
    shop.post("/api/users", &person).send().await.expect(201);

    let wrong = json!({"email": person["email"], "password": "not the password"});
    let unknown = json!({"email": "nobody@example.com", "password": "not the password"});
    let no_address = json!({"email": "nobody", "password": "not the password"});
    let mut problems = Vec::new();
    for body in [wrong, unknown, no_address] {
        let answer = shop.post("/api/sessions", &body).send().await;
        let mut problem = answer.refused(401, "invalid_credentials");
        problem["requestId"] = json!(null);
        problems.push(problem);
    }
    assert!(problems.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_login_is_never_stored_for_a_repeat() {
    let shop = required().shop();
    let person = somebody();
    shop.post("/api/users", &person).send().await.expect(201);
    let credentials = json!({"email": person["email"], "password": person["password"]});
    let key = crate::support::fresh_key();

    let first = shop
        .post("/api/sessions", &credentials)
        .key(&key)
        .send()
        .await;
    let second = shop
        .post("/api/sessions", &credentials)
        .key(&key)
        .send()
        .await;

    assert_ne!(first.expect(201)["token"], second.expect(201)["token"]);
    let kept = format!("(SELECT count(*) FROM platform.idempotency_keys WHERE key = '{key}')");
    assert_eq!(number(&mut required().conn(), &kept), 0);
}
