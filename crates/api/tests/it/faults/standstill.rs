//! Requests that a replica has begun with when it freezes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::for_a_while;
use crate::support::{Cluster, PATIENCE, alone, count, eventually, fresh_key, order_of};

/// Sends the head and some of the body now, and the rest when it is told to.
struct Halved {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Halved {
    fn begin(address: &str, route: &str, token: &str, body: &Value) -> Self {
        let request = request(route, token, body);
        let (sent, rest) = request.split_at(request.len() - 10);
        let mut stream = TcpStream::connect(address).expect("a replica");
        stream.write_all(sent.as_bytes()).expect("sent");
        Self {
            stream,
            rest: rest.into(),
        }
    }

    fn send_rest(&mut self) {
        self.stream.write_all(&self.rest).expect("sent");
    }

    fn answer(mut self) -> String {
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

fn request(route: &str, token: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "{route} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Authorization: Bearer {token}\r\nIdempotency-Key: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
        fresh_key(),
    )
}

/// By then whoever sent them has another replica's answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_half_read_before_a_standstill_has_no_effect_after_it() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 1);
    let user = cluster.shop().register().await;
    let token = cluster
        .token("admin@example.com", crate::support::cluster::ADMIN_PASSWORD)
        .await;
    let address = cluster.address(0);
    let begin = || {
        [
            Halved::begin(&address, "POST /api/orders", &token, &order_of(user, &[1])),
            Halved::begin(
                &address,
                "PATCH /api/products/1",
                &token,
                &json!({"price": "43.21"}),
            ),
        ]
    };
    let [order, price] = begin();
    for_a_while(100).await;

    cluster.signal(0, "STOP");
    for_a_while(1_200).await;
    cluster.signal(0, "CONT");
    for_a_while(700).await;

    for mut half in [order, price] {
        half.send_rest();
        let answer = tokio::task::block_in_place(|| half.answer());
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        assert!(answer.contains("stood_still"), "{answer}");
    }
    assert_eq!(count(&mut cluster.conn(), "ordering.orders"), 0);
    assert_eq!(
        count(
            &mut cluster.conn(),
            "catalog.prices WHERE amount_minor = 4321"
        ),
        0
    );
    for mut half in begin() {
        half.send_rest();
        let answer = tokio::task::block_in_place(|| half.answer());
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

/// Its time runs out while it stands still, as if the shop were busy, which nginx passes on; another replica would have answered.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_standstill_made_too_late_is_left_to_another_replica() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let user = cluster.shop().register().await;
    let (key, order) = (fresh_key(), order_of(user, &[1]));
    let password = crate::support::cluster::ADMIN_PASSWORD;
    let token = cluster.token("admin@example.com", password).await;
    let frozen = cluster.replica(0).with_token(&token);
    let ask = || {
        let order = frozen.post("/api/orders", &order).key(&key).send();
        let read = frozen.get("/api/products/2/stock").send();
        tokio::spawn(async { <[_; 2]>::from(tokio::join!(order, read)) })
    };
    let mut other = cluster.conn();
    let lock = "BEGIN; LOCK TABLE catalog.stock_levels IN ACCESS EXCLUSIVE MODE";
    other.batch_execute(lock).expect("locked");
    for answer in ask().await.expect("answers") {
        answer.refused(503, "busy");
    }

    let waiting = ask();
    let are_held_up = async || count(&mut cluster.conn(), "pg_locks WHERE NOT granted") == 2;
    eventually("both wait for the lock", PATIENCE, are_held_up).await;
    cluster.signal(0, "STOP");
    for_a_while(1_500).await;
    cluster.signal(0, "CONT");
    for answer in waiting.await.expect("answers") {
        answer.refused(502, "stood_still");
    }

    other.batch_execute("ROLLBACK").expect("let go");
    assert_eq!(count(&mut cluster.conn(), "ordering.orders"), 0);
    let other = cluster.replica(1).with_token(&token);
    let elsewhere = other.post("/api/orders", &order).key(&key);
    elsewhere.send().await.expect(201);
}

/// As nginx does in the moment before a replica freezes. It asks another one after a 502, and not after a 408.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_before_a_long_standstill_is_no_slow_client() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 1);
    let user = cluster.shop().register().await;
    let token = cluster
        .token("admin@example.com", crate::support::cluster::ADMIN_PASSWORD)
        .await;
    let mut half = Halved {
        stream: TcpStream::connect(cluster.address(0)).expect("a replica"),
        rest: request("POST /api/orders", &token, &order_of(user, &[1])).into(),
    };
    for_a_while(100).await;

    cluster.signal(0, "STOP");
    for_a_while(5_500).await;
    half.send_rest();
    cluster.signal(0, "CONT");

    let answer = tokio::task::block_in_place(|| half.answer());
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

/// What others have changed meanwhile is still to be heard of when it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_memory_before_a_standstill_is_read_anew_after_it() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let password = crate::support::cluster::ADMIN_PASSWORD;
    let token = cluster.token("admin@example.com", password).await;
    let other = cluster.replica(1).with_token(&token);
    let address = cluster.address(0);
    let read = |address: &str| {
        let mut stream = TcpStream::connect(address).expect("a replica");
        let request = "GET /api/products/1 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    };
    let answer = |mut stream: TcpStream| {
        let mut answer = String::new();
        let read = || stream.read_to_string(&mut answer);
        tokio::task::block_in_place(read).expect("an answer");
        answer
    };
    for _ in 0..3 {
        assert!(answer(read(&address)).contains(r#""price":"#));
    }

    cluster.signal(0, "STOP");
    let change = json!({"price": "43.21"});
    let changed = other.patch("/api/products/1", &change).send().await;
    changed.expect(200);
    for_a_while(1_200).await;
    let waiting = read(&address);
    cluster.signal(0, "CONT");

    let seen = answer(waiting);
    assert!(seen.contains(r#""price":"43.21""#), "{seen}");
}
