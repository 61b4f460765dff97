//! Orders that nobody paid.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::post;
use crate::support::load::all;
use crate::support::{
    Cluster, Shop, alone, assert_healthy, count, eventually, fresh_key, number, open, order_of,
    text,
};

/// Places an order of one unit whose provider does not answer, under a key, and lets half an hour
/// pass.
async fn place_unpaid(cluster: &Cluster, product: i64, key: &str) -> (i64, Value) {
    let shop = cluster.shop();
    let user = shop.register().await;
    let mut body = order_of(user, &[product]);
    body["paymentToken"] = "tok_error".into();
    let placing = shop.post("/api/orders", &body).key(key).send().await;
    placing.refused(503, "payment_unavailable");
    let mut conn = cluster.conn();
    let newest = format!("(SELECT max(id) FROM ordering.orders WHERE user_id = {user})");
    let order = number(&mut conn, &newest);
    let past = format!(
        "UPDATE ordering.orders SET placed_at = placed_at - interval '31 minutes' WHERE id = {order}"
    );
    conn.batch_execute(&past).expect("half an hour passes");
    (order, body)
}

/// The same for a product of its own, of which there are five.
pub(super) async fn unpaid_order(cluster: &Cluster) -> (i64, i64) {
    let product = cluster
        .admin()
        .await
        .product(&fresh_key().to_uppercase(), 5)
        .await;
    let (order, _) = place_unpaid(cluster, product, &fresh_key()).await;
    (order, product)
}

/// The provider answers again, and takes the money.
fn provider_is_back(cluster: &Cluster) {
    let back = "UPDATE ordering.payments SET token = 'tok_ok' WHERE token = 'tok_error'";
    cluster
        .conn()
        .batch_execute(back)
        .expect("the provider is back");
}

async fn stock(staff: &Shop, product: i64) -> Value {
    let path = format!("/api/products/{product}/stock");
    staff.get(&path).send().await.expect(200)
}

/// One cancellation in the timeline, one movement, and all units free.
pub(super) async fn assert_expired_once(cluster: &Cluster, staff: &Shop, order: i64, product: i64) {
    let mut conn = cluster.conn();
    let cancelled = format!(
        "ordering.order_timeline WHERE order_id = {order} AND to_status = 'cancelled' AND note = 'not paid in time'"
    );
    assert_eq!(count(&mut conn, &cancelled), 1);
    let returned =
        format!("catalog.stock_movements WHERE order_id = {order} AND reason = 'order_cancelled'");
    assert_eq!(count(&mut conn, &returned), 1);
    let stock = stock(staff, product).await;
    assert_eq!(
        (&stock["onHand"], &stock["reserved"]),
        (&json!(5), &json!(0))
    );
}

#[tokio::test]
async fn an_unpaid_order_expires_and_money_that_comes_late_goes_back() {
    let (order, product) = unpaid_order(open()).await;
    let young = {
        let product = open()
            .admin()
            .await
            .product(&fresh_key().to_uppercase(), 5)
            .await;
        let (young, _) = place_unpaid(open(), product, &fresh_key()).await;
        let now = format!("UPDATE ordering.orders SET placed_at = now() WHERE id = {young}");
        open().conn().batch_execute(&now).expect("it is new");
        young
    };
    let (shop, staff) = (open().shop(), open().admin().await);
    let path = format!("/api/orders/{order}");

    post(&staff, "/api/schedules/expireUnpaidOrders/run").await;

    let is_cancelled = async || shop.get(&path).send().await.json()["status"] == "cancelled";
    eventually("it expires", Duration::from_secs(20), is_cancelled).await;
    assert_expired_once(open(), &staff, order, product).await;
    let young = shop
        .get(&format!("/api/orders/{young}"))
        .send()
        .await
        .expect(200);
    assert_eq!(young["status"], "ordered");

    let stale = format!(
        "UPDATE ordering.payments SET token = 'tok_ok' WHERE order_id = {order};
         UPDATE ordering.payment_operations SET attempted_at = now() - interval '1 minute'
           WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = {order})"
    );
    open()
        .conn()
        .batch_execute(&stale)
        .expect("the provider is back");
    let is_back = async || shop.get(&path).send().await.json()["paymentStatus"] == "voided";
    eventually("the money goes back", Duration::from_secs(20), is_back).await;
    assert_expired_once(open(), &staff, order, product).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_may_let_unpaid_orders_wait_for_ever() {
    let settings = [("ORDERS__UNPAID_EXPIRY_MINUTES", "0")];
    let cluster = Cluster::with_command(1, &settings, &["serve"]);
    let (order, _) = unpaid_order(&cluster).await;
    let staff = cluster.admin().await;

    let job = post(&staff, "/api/schedules/expireUnpaidOrders/run").await;
    let job = format!("/api/jobs/{}", job.json()["id"]);
    let is_done = async || staff.get(&job).send().await.json()["state"] == "succeeded";
    eventually("it was looked at", Duration::from_secs(10), is_done).await;

    let path = format!("/api/orders/{order}");
    assert_eq!(
        staff.get(&path).send().await.expect(200)["status"],
        "ordered"
    );
}

/// Four jobs on two replicas expire the same orders while the provider answers for them late.
#[tokio::test(flavor = "multi_thread")]
async fn expiry_on_two_replicas_and_a_late_answer_race_and_the_stock_returns_once() {
    let _alone = alone().await;
    let cluster = Cluster::with_command(2, &[], &["serve"]);
    let staff = cluster.admin().await;
    let product = staff.product("RACE", 100).await;
    let mut unpaid = Vec::new();
    for _ in 0..12 {
        let key = fresh_key();
        let (order, body) = place_unpaid(&cluster, product, &key).await;
        unpaid.push((order, body, key));
    }
    provider_is_back(&cluster);

    // Jobs without a key, so that two replicas really do the same at once.
    let twice = "INSERT INTO platform.jobs (queue, kind) \
                 SELECT 'upkeep', 'expireUnpaidOrders' FROM generate_series(1, 4)";
    let repeats = unpaid.iter().enumerate().map(|(n, (_, body, key))| {
        cluster
            .replica(n % 2)
            .post("/api/orders", body)
            .key(key)
            .send()
    });
    let repeats: Vec<_> = repeats.collect();
    let mut conn = cluster.conn();
    conn.batch_execute(twice).expect("enqueued");
    let answers = all(repeats).await;

    assert!(
        answers
            .iter()
            .all(|answer| [201, 503].contains(&answer.status)),
        "{answers:?}"
    );
    let settled = async || {
        let open = "(SELECT count(*) FROM platform.jobs WHERE kind = 'expireUnpaidOrders' AND state IN ('queued', 'running')) \
                    + (SELECT count(*) FROM ordering.payment_operations WHERE status = 'pending')";
        number(&mut cluster.conn(), &format!("({open})")) == 0
    };
    eventually("all is settled", Duration::from_secs(40), settled).await;
    let states = text(
        &mut conn,
        "(SELECT string_agg(DISTINCT o.status || ' ' || p.status, ', ' ORDER BY o.status || ' ' || p.status) \
            FROM ordering.orders o JOIN ordering.payments p ON p.order_id = o.id)",
    );
    let consistent = [
        "cancelled voided",
        "ordered authorised",
        "cancelled voided, ordered authorised",
    ];
    assert!(consistent.contains(&states.as_str()), "{states}");
    let kept = count(&mut conn, "ordering.orders WHERE status = 'ordered'");
    assert_eq!(stock(&staff, product).await["reserved"], kept);
    let returned = "catalog.stock_movements WHERE reason = 'order_cancelled'";
    assert_eq!(count(&mut conn, returned), 12 - kept);
    assert_healthy(&mut conn);
}
