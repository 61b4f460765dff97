//! One effect per key, and the same answer for every repeat.

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::support::load::{all, with_status};
use crate::support::{Answer, Shop, count, fresh_key, open, order_of, required, somebody};

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

async fn orders_of(shop: &Shop, user: &Value) -> usize {
    let path = format!("/api/orders?userId={user}&limit=100");
    let page = shop.get(&path).send().await.expect(200);
    page["orders"].as_array().expect("orders").len()
}

/// Sends a request to both replicas in turn: the repeats have the bytes of the first.
async fn assert_replayed(send: impl AsyncFn(&Shop) -> Answer, token: Option<&str>) -> Answer {
    let [one, two] = [0, 1].map(|index| {
        let shop = open().replica(index);
        token.map_or(shop.clone(), |token| shop.with_token(token))
    });
    let first = send(&one).await;
    assert!(!is_replayed(&first));
    for shop in [&two, &one] {
        let again = send(shop).await;
        assert!(is_replayed(&again));
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("location"), first.header("location"));
    }
    first
}

#[tokio::test]
async fn a_repeat_of_any_write_has_the_bytes_of_the_first_answer_on_every_replica() {
    let cluster = open();
    let shop = cluster.shop();
    let user = shop.register().await;
    let key = &fresh_key();
    let body = order_of(user, &[1, 2]);

    let placed = assert_replayed(
        async |shop| shop.post("/api/orders", &body).key(key).send().await,
        None,
    );
    let placed = placed.await;
    assert!(placed.header("location").is_some());
    let path = &format!("/api/orders/{}", placed.expect(201)["orderId"]);
    assert_eq!(orders_of(&shop, &user.into()).await, 1);

    let status = json!({"status": "processed"});
    let step = async |shop: &Shop| shop.put(path, &status).key(key).send().await;
    assert_replayed(step, None).await.expect(200);
    let cancel = async |shop: &Shop| shop.delete(path).key(key).send().await;
    assert_replayed(cancel, None).await.expect(200);
    // The resource has moved on since; the first answers stay.
    let late = shop.put(path, &status).key(key).send().await;
    assert_eq!(late.expect(200)["status"], "processed");

    let token = cluster
        .token("admin@example.com", "not the public one")
        .await;
    let tee = json!({"name": "Tee", "sku": "REPLAYED", "price": "1.00"});
    let create = async |shop: &Shop| shop.post("/api/products", &tee).key(key).send().await;
    let tee = assert_replayed(create, Some(&token)).await;
    let product = &tee.header("location").expect("a Location").to_owned();
    let change = json!({"price": "2.00"});
    let patch = async |shop: &Shop| shop.patch(product, &change).key(key).send().await;
    assert_replayed(patch, Some(&token)).await.expect(200);
    let count = json!({"onHand": 5, "expectedOnHand": 0});
    let stock = &format!("{product}/stock");
    let put = async |shop: &Shop| shop.put(stock, &count).key(key).send().await;
    assert_replayed(put, Some(&token)).await.expect(200);
    let archive = async |shop: &Shop| shop.delete(product).key(key).send().await;
    assert_replayed(archive, Some(&token)).await.expect(204);

    let mut person = somebody();
    let first = person.clone();
    let register = async |shop: &Shop| shop.post("/api/users", &first).key(key).send().await;
    assert_replayed(register, None).await.expect(201);
    person["password"] = "another password".into();
    let other = shop.post("/api/users", &person).key(key).send().await;
    other.refused(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_key_is_bound_to_its_request_however_that_is_written() {
    let shop = open().shop();
    let user = shop.register().await;
    let key = fresh_key();
    let first = shop
        .post("/api/orders", &order_of(user, &[1]))
        .key(&key)
        .send()
        .await;
    first.clone().expect(201);

    let rewritten = format!(
        "{{ \"shipping\":\"std\",\n\"payment\":\"card\", \"address\":\"123 Demo St\",\"productIds\":[1 ],\"userId\":{user} }}"
    );
    let same = shop
        .request("POST", "/api/orders")
        .raw("application/json", rewritten);
    assert_eq!(
        same.key(&format!("\"{key}\"")).send().await.body,
        first.body
    );

    let other = shop
        .post("/api/orders", &order_of(user, &[2]))
        .key(&key)
        .send()
        .await;
    other.refused(422, "idempotency_key_reused");
    assert_eq!(orders_of(&shop, &user.into()).await, 1);
}

#[tokio::test]
async fn a_key_of_another_caller_or_another_route_is_another_key() {
    let shop = required().shop();
    let key = fresh_key();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let person = somebody();
        shop.post("/api/users", &person).key(&key).send().await;
        let person = somebody();
        shop.post("/api/users", &person).send().await.expect(201);
        let (email, password) = (person["email"].as_str(), person["password"].as_str());
        let token = required()
            .token(email.expect("text"), password.expect("text"))
            .await;
        let body = json!({"productIds": [1], "address": "x", "payment": "cod", "shipping": "std"});
        let order = shop
            .with_token(&token)
            .post("/api/orders", &body)
            .key(&key)
            .send()
            .await;
        assert!(!is_replayed(&order));
        ids.push(order.expect(201)["orderId"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_malformed_key_is_refused_before_anything_happens() {
    let shop = open().shop();
    let user = shop.register().await;
    for key in [
        "short",
        &"a".repeat(256),
        "0123456789 abcdef",
        "\"0123456789abcde\"",
        "0123456789abcdef\t0",
    ] {
        let body = order_of(user, &[1]);
        let answer = shop.post("/api/orders", &body).key(key).send().await;
        answer.refused(400, "invalid_idempotency_key");
    }
    // Some versions of nginx pass on the first one alone.
    let twice = open().replica(0).post("/api/orders", &order_of(user, &[1]));
    let twice = twice.key(&fresh_key()).key(&fresh_key()).send().await;
    twice.refused(400, "invalid_idempotency_key");
    for key in ["a".repeat(16), "~".repeat(255)] {
        let answer = shop
            .post("/api/orders", &order_of(user, &[1]))
            .key(&key)
            .send()
            .await;
        answer.expect(201);
    }
    assert_eq!(orders_of(&shop, &user.into()).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_requests_at_once_are_one_order_and_fifty_equal_answers() {
    let shops = [open().replica(0), open().replica(1)];
    let user = open().shop().register().await;
    let (key, body) = (fresh_key(), order_of(user, &[1, 2]));
    let requests = (0..50).map(|n| shops[n % 2].post("/api/orders", &body).key(&key).send());
    let answers = all(requests.collect::<Vec<_>>()).await;
    assert_eq!(with_status(&answers, 201), 50);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(orders_of(&shops[0], &user.into()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_at_once_have_one_effect_each() {
    let _alone = crate::support::alone().await;
    let shops = [open().replica(0), open().replica(1)];
    let user = open().shop().register().await;
    let keys: Vec<String> = (0..6).map(|_| fresh_key()).collect();
    let body = order_of(user, &[3]);
    let send = |n: usize| {
        shops[n % 2]
            .post("/api/orders", &body)
            .key(&keys[n / 2 % 6])
            .send()
    };
    let answers = all((0..64 * 6).map(send).collect::<Vec<_>>()).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer.status {
            201 => {
                let first = answers
                    .iter()
                    .enumerate()
                    .find(|(m, first)| m / 2 % 6 == n / 2 % 6 && first.status == 201);
                assert_eq!(first.map(|(_, first)| &first.body), Some(&answer.body));
            }
            // Waited a second for the first one, or for a connection.
            409 => assert_eq!(answer.json()["code"], "idempotency_in_progress"),
            status => assert_eq!(
                (status, answer.json()["code"].as_str()),
                (503, Some("busy"))
            ),
        }
    }
    assert_eq!(orders_of(&shops[0], &user.into()).await, 6);
}

#[tokio::test]
async fn a_request_without_effect_leaves_its_key_free() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product("FREE-KEY", 0).await;
    let user = shop.register().await;
    let (key, body) = (fresh_key(), order_of(user, &[product]));
    let sold_out = shop.post("/api/orders", &body).key(&key).send().await;
    sold_out.refused(409, "out_of_stock");

    let restock = json!({"onHand": 1, "expectedOnHand": 0});
    let path = format!("/api/products/{product}/stock");
    admin.put(&path, &restock).send().await.expect(200);
    let placed = shop.post("/api/orders", &body).key(&key).send().await;
    assert!(!is_replayed(&placed));
    placed.expect(201);
}

#[tokio::test]
async fn a_card_order_cut_off_between_its_transactions_is_completed_by_the_retry() {
    let shop = open().shop();
    let (first, key) = (open().replica(0), fresh_key());
    let mut body = order_of(shop.register().await, &[1]);
    body["paymentToken"] = "tok_error".into();
    // The first transaction is committed, and its replica never comes back.
    first
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await
        .expect(503);
    let mut conn = open().conn();
    let healed = "UPDATE ordering.payments SET token = NULL WHERE token = 'tok_error' AND order_id IN \
                  (SELECT id FROM ordering.orders WHERE user_id = ";
    conn.batch_execute(&format!("{healed}{})", body["userId"]))
        .expect("healed");

    let second = open()
        .replica(1)
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await;
    let order = second.clone().expect(201);
    assert_eq!(order["paymentStatus"], "authorised");
    let third = first.post("/api/orders", &body).key(&key).send().await;
    assert!(is_replayed(&third));
    assert_eq!(third.body, second.body);
    assert_eq!(orders_of(&shop, &body["userId"]).await, 1);
}

#[tokio::test]
async fn an_order_remembers_its_key_when_the_stored_answer_is_gone() {
    let shop = open().shop();
    for payment in ["card", "cod"] {
        let mut body = order_of(shop.register().await, &[1]);
        body["payment"] = payment.into();
        let key = fresh_key();
        let placed = shop
            .post("/api/orders", &body)
            .key(&key)
            .send()
            .await
            .expect(201);
        let mut conn = open().conn();
        let prune = format!("DELETE FROM platform.idempotency_keys WHERE key = '{key}'");
        conn.batch_execute(&prune).expect("pruned");

        for _ in 0..2 {
            let late = shop
                .post("/api/orders", &body)
                .key(&key)
                .send()
                .await
                .expect(200);
            assert_eq!(late, placed);
        }
        let mut other = body.clone();
        other["productIds"] = json!([2]);
        let other = shop.post("/api/orders", &other).key(&key).send().await;
        other.refused(422, "idempotency_key_reused");
        assert_eq!(orders_of(&shop, &body["userId"]).await, 1);
        assert_eq!(
            count(
                &mut conn,
                &format!("platform.idempotency_keys WHERE key = '{key}'")
            ),
            0
        );
    }
}

#[tokio::test]
async fn a_late_repeat_finds_the_order_even_when_nothing_is_left_to_sell() {
    let (shop, admin) = (open().shop(), open().admin().await);
    let product = admin.product("LAST-ONE", 1).await;
    let (key, body) = (fresh_key(), order_of(shop.register().await, &[product]));
    let placed = shop
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await
        .expect(201);
    let prune = format!("DELETE FROM platform.idempotency_keys WHERE key = '{key}'");
    open().conn().batch_execute(&prune).expect("pruned");

    let late = shop
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await
        .expect(200);
    assert_eq!(late, placed);
}
