//! Many buyers, two replicas, three locations, and stock on the move between them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::locations::{levels, location, put};
use super::stocked;
use crate::support::load::{all, with_status};
use crate::support::{
    Cluster, PATIENCE, Shop, alone, assert_healthy, eventually, fresh_key, number, order_of,
};

/// Customers who registered while the shop was open; returns the id of the first.
pub fn buyers(cluster: &Cluster, count: i64) -> i64 {
    let insert = format!(
        "INSERT INTO accounts.users (name, email, email_normalised, role, is_open) \
         SELECT 'b', n || '@b.example', n || '@b.example', 'customer', true FROM generate_series(1, {count}) n"
    );
    let mut conn = cluster.conn();
    conn.batch_execute(&insert).expect("buyers");
    number(
        &mut conn,
        "(SELECT min(id) FROM accounts.users WHERE name = 'b')",
    )
}

/// Moves one to three units at a time, round and round, until it is told to stop; counts how often that worked.
async fn shuffle(
    admin: Shop,
    variant: Value,
    places: [i64; 3],
    stop: Arc<AtomicBool>,
    moved: Arc<AtomicUsize>,
) {
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (from, to) = (places[round % 3], places[(round + 1 + round / 3 % 2) % 3]);
        let line = json!({"variantId": variant, "quantity": round % 3 + 1, "fromLocationId": from, "toLocationId": to});
        let body = json!({"lines": [line]});
        let answer = admin.post("/api/admin/stock/transfers", &body);
        let answer = answer.key(&fresh_key()).send().await;
        assert!([201, 409].contains(&answer.status), "{answer:?}");
        moved.fetch_add(usize::from(answer.status == 201), Ordering::Relaxed);
    }
}

pub fn deadlocks(cluster: &Cluster) -> i64 {
    let counted = "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())";
    number(&mut cluster.conn(), counted)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_units_at_three_locations_go_to_fifty_of_two_hundred_buyers() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let (near, far) = (location(&admin, 0).await, location(&admin, 5).await);
    let (scarce, path) = stocked(&admin, 20).await;
    put(&admin, &path, near, 18).await;
    put(&admin, &path, far, 12).await;
    let plenty = admin.product("PLENTY", 10_000).await;
    let variant = admin.get(&path).send().await.expect(200)["variantId"].clone();
    let first = buyers(&cluster, 200);

    // Kept for somebody whose time is over: nobody misses it, swept up or not.
    let kept = json!({"lines": [{"variantId": variant, "quantity": 30}], "expiresIn": 1});
    let kept = admin
        .post("/api/admin/stock/holds", &kept)
        .key(&fresh_key());
    let kept = kept.send().await.expect(201);
    let is_over = || async {
        let path = format!("/api/admin/stock/holds/{}", kept["id"]);
        admin.get(&path).send().await.expect(200)["status"] == "expired"
    };
    eventually("the hold expires", PATIENCE, is_over).await;

    let (stop, moved) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mover = tokio::spawn(shuffle(
        admin.clone(),
        variant,
        [1, near, far],
        Arc::clone(&stop),
        Arc::clone(&moved),
    ));
    let is_moving = || async { moved.load(Ordering::Relaxed) >= 3 };
    eventually("stock is on the move", PATIENCE, is_moving).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let requests = (first..first + 200).map(|user| {
        let ids = if user % 2 == 0 {
            [scarce, plenty]
        } else {
            [plenty, scarce]
        };
        let (request, answered) = (
            shop.post("/api/orders", &order_of(user, &ids)),
            Arc::clone(&answered),
        );
        async move {
            let answer = request.send().await;
            answered.fetch_add(1, Ordering::Relaxed);
            answer
        }
    });
    let orders = tokio::spawn(all(requests.collect::<Vec<_>>()));
    let some = || async { answered.load(Ordering::Relaxed) >= 20 };
    eventually("some are answered", PATIENCE, some).await;
    cluster.kill_redis();
    let answers = orders.await.expect("answers");
    stop.store(true, Ordering::Relaxed);
    mover.await.expect("a mover");

    assert_eq!(with_status(&answers, 201), 50);
    assert_eq!(with_status(&answers, 409), 150);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.json()["code"], "out_of_stock");
    }
    let (after, available) = levels(&admin, &path).await;
    let sum = |counter: usize| after.iter().map(|level| level[counter]).sum::<i64>();
    assert_eq!((sum(1), sum(2), available), (50, 50, 0), "{after:?}");
    assert_healthy(&mut cluster.conn());
    assert_eq!(deadlocks(&cluster), 0);

    let sold = answers.iter().filter(|answer| answer.status == 201);
    let paths: Vec<String> = sold
        .map(|answer| format!("/api/orders/{}", answer.json()["orderId"]))
        .collect();
    let (cancelled, sent) = paths.split_at(20);
    let cancellations = cancelled.iter().map(|path| shop.delete(path).send());
    let cancellations = all(cancellations.collect::<Vec<_>>()).await;
    assert_eq!(with_status(&cancellations, 200), 20);
    for status in ["processed", "inTransit"] {
        let step = json!({"status": status});
        let steps = sent.iter().map(|path| shop.put(path, &step).send());
        let steps = all(steps.collect::<Vec<_>>()).await;
        assert_eq!(with_status(&steps, 200), 30);
    }
    let (after, available) = levels(&admin, &path).await;
    let sum = |counter: usize| after.iter().map(|level| level[counter]).sum::<i64>();
    assert_eq!((sum(1), sum(2), available), (20, 0, 20), "{after:?}");
    assert_healthy(&mut cluster.conn());
    assert_eq!(deadlocks(&cluster), 0);
    let users: HashSet<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["userId"].to_string())
        .collect();
    assert_eq!(users.len(), 50);
}
