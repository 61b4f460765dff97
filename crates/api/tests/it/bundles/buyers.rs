//! Many buyers of bundles and of their parts, two replicas, two locations, and Redis that dies meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Sold, bundle, order, sold, stock};
use crate::stock::buyers::{buyers, deadlocks};
use crate::stock::locations::{location, put};
use crate::support::load::{all, with_status};
use crate::support::{Cluster, PATIENCE, alone, assert_healthy, eventually};

/// What an order asks for, each time with one plate: a set, a duo with more cups, all of them apart, or a plate.
fn wanted(user: i64, [cup, plate, set, duo]: [&Sold; 4]) -> Vec<(&Sold, i64)> {
    match user % 4 {
        0 => vec![(set, 1)],
        1 => vec![(cup, 1), (duo, 1), (cup, 2)],
        2 => vec![(plate, 1), (cup, 1)],
        _ => vec![(plate, 1)],
    }
}

/// Cups that an order took.
fn cups(user: i64) -> i64 {
    [2, 4, 1, 0][usize::try_from(user % 4).expect("small")]
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_plates_go_to_fifty_of_two_hundred_buyers_in_sets_and_apart() {
    let _alone = alone().await;
    let cluster = Cluster::start("open", 2);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let far = location(&admin, 5).await;
    let (cup, plate) = (sold(&admin, 60).await, sold(&admin, 30).await);
    put(&admin, &format!("{}/stock", cup.path), far, 200).await;
    put(&admin, &format!("{}/stock", plate.path), far, 20).await;
    let set = bundle(&admin, &[(&cup, 2), (&plate, 1)]).await;
    let duo = bundle(&admin, &[(&plate, 1), (&cup, 1)]).await;
    assert_eq!(stock(&admin, &set).await, [0, 0, 50].map(Some));
    let first = buyers(&cluster, 200);

    let answered = Arc::new(AtomicUsize::new(0));
    let requests = (first..first + 200).map(|user| {
        let body = order(user, &wanted(user, [&cup, &plate, &set, &duo]));
        let (request, answered) = (shop.post("/api/orders", &body), Arc::clone(&answered));
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

    assert_eq!(with_status(&answers, 201), 50);
    assert_eq!(with_status(&answers, 409), 150);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.json()["code"], "out_of_stock");
    }
    let placed: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json())
        .collect();
    let of_user = |order: &Value| cups(order["userId"].as_i64().expect("an id"));
    let taken: i64 = placed.iter().map(of_user).sum();
    assert_eq!(stock(&admin, &plate).await, [50, 50, 0].map(Some));
    assert_eq!(
        stock(&admin, &cup).await,
        [260, taken, 260 - taken].map(Some)
    );
    assert_eq!(stock(&admin, &set).await, [0, 0, 0].map(Some));
    assert_healthy(&mut cluster.conn());
    assert_eq!(deadlocks(&cluster), 0);

    let path = |order: &Value| format!("/api/orders/{}", order["orderId"]);
    let (cancelled, sent) = placed.split_at(20);
    let cancellations = cancelled
        .iter()
        .map(|order| shop.delete(&path(order)).send());
    let cancellations = all(cancellations.collect::<Vec<_>>()).await;
    assert_eq!(with_status(&cancellations, 200), 20);
    for status in ["processed", "inTransit"] {
        let step = json!({"status": status});
        let steps = sent
            .iter()
            .map(|order| shop.put(&path(order), &step).send());
        let steps = all(steps.collect::<Vec<_>>()).await;
        assert_eq!(with_status(&steps, 200), 30);
    }
    let gone: i64 = sent.iter().map(of_user).sum();
    assert_eq!(stock(&admin, &plate).await, [20, 0, 20].map(Some));
    assert_eq!(
        stock(&admin, &cup).await,
        [260 - gone, 0, 260 - gone].map(Some)
    );
    assert_eq!(stock(&admin, &set).await, [0, 0, 20].map(Some));
    assert_healthy(&mut cluster.conn());
    assert_eq!(deadlocks(&cluster), 0);
}
