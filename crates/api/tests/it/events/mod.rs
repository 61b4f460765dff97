//! What happened, told to staff and to consumers.

mod relay;
mod replicas;

use std::time::Duration;

use db::outbox::{self, Entry, Position, log as event_log};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use domain::{Event, ProductId};
use serde_json::{Value, json};

use crate::support::{
    Cluster, PATIENCE, Shop, count, eventually, fresh_key, open, order_of, required, wait_until,
};

/// Tells of a product as a writer would who knows nothing of caches and listeners.
fn product_changed(id: i64, sequence: i64) -> Entry {
    let product_id = ProductId::try_from(id).expect("an id");
    Entry::new(Event::ProductChanged { product_id }, sequence, None)
}

/// Reads all events after a cursor, in pages of `limit`, and the cursor behind them.
async fn read_on(staff: &Shop, after: &str, limit: u32) -> (Vec<Value>, String) {
    let (mut events, mut cursor) = (Vec::new(), after.to_owned());
    loop {
        let path = format!("/api/events?after={cursor}&limit={limit}");
        let page = staff.get(&path).send().await.expect(200);
        events.extend(page["events"].as_array().expect("events").clone());
        cursor = page["nextCursor"].as_str().expect("a cursor").to_owned();
        if page["hasMore"] == false {
            return (events, cursor);
        }
    }
}

/// The cursor behind everything that has happened so far.
async fn now(staff: &Shop) -> String {
    let page = staff.get("/api/events?limit=100").send().await.expect(200);
    let first = page["nextCursor"].as_str().expect("a cursor");
    read_on(staff, first, 100).await.1
}

/// Waits for so many events of a resource after a cursor.
async fn events_of(staff: &Shop, after: &str, kind: &str, id: i64, wanted: usize) -> Vec<Value> {
    let resource = json!({"type": kind, "id": id});
    let read = async || {
        let (mut events, _) = read_on(staff, after, 100).await;
        events.retain(|event| event["resource"] == resource);
        events
    };
    let are_there = async || read().await.len() == wanted;
    eventually("the events can be read", PATIENCE, are_there).await;
    read().await
}

#[tokio::test]
async fn an_order_tells_its_whole_story_in_order() {
    let staff = required().admin().await;
    let user = required().shop().register().await;
    let start = now(&staff).await;
    let request = format!("request-{}", fresh_key());
    let placing = staff.post("/api/orders", &order_of(user, &[1]));
    let placing = placing.header("x-request-id", &request).send().await;
    let id = placing.expect(201)["orderId"].as_i64().expect("an id");
    let path = format!("/api/orders/{id}");
    let step = json!({"status": "processed"});
    staff.put(&path, &step).send().await.expect(200);
    staff.delete(&path).send().await.expect(200);

    let events = events_of(&staff, &start, "order", id, 6).await;

    let story: Vec<(&Value, &Value)> = events
        .iter()
        .map(|event| (&event["type"], &event["sequence"]))
        .collect();
    let told = [
        "order.placed",
        "payment.changed",
        "payment.changed",
        "order.statusChanged",
        "order.cancelled",
        "payment.changed",
    ];
    let told: Vec<(Value, Value)> = told
        .iter()
        .zip(1..)
        .map(|(t, n)| (json!(t), json!(n)))
        .collect();
    assert_eq!(story, told.iter().map(|(t, n)| (t, n)).collect::<Vec<_>>());
    let placed = &events[0];
    assert_eq!(placed["requestId"], request);
    assert_eq!(
        (&placed["actorId"], &placed["version"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(placed["data"]["orderId"], id);
    let name = placed["id"].as_str().expect("an id");
    assert!(name.starts_with("evt_") && name.len() == 36, "{name}");
}

#[tokio::test]
async fn every_writer_says_who_and_why() {
    let staff = required().admin().await;
    let start = now(&staff).await;
    let product = staff.product(&fresh_key().to_uppercase(), 3).await;
    let path = format!("/api/products/{product}");
    let stock = json!({"onHand": 5, "expectedOnHand": 3});
    let stock_path = format!("{path}/stock");
    staff.put(&stock_path, &stock).send().await.expect(200);
    let image = json!({"image": "/x.jpg"});
    staff.patch(&path, &image).send().await.expect(200);
    staff.delete(&path).send().await.expect(204);
    let user = required().shop().register().await;

    let changed = events_of(&staff, &start, "product", product, 3).await;
    let registered = events_of(&staff, &start, "user", user, 1).await;

    let (all, _) = read_on(&staff, &start, 100).await;
    let adjusted = all
        .iter()
        .find(|event| event["type"] == "stock.adjusted" && event["data"]["onHandDelta"] == 2);
    for (event, sequence) in changed.iter().zip(1..).chain([(adjusted.expect("it"), 1)]) {
        assert_eq!(event["sequence"], sequence, "{event}");
        assert_eq!(event["actorId"], 1, "{event}");
        assert!(event["requestId"].is_string(), "{event}");
    }
    assert_eq!(registered[0]["actorId"], Value::Null);
}

#[tokio::test]
async fn pages_of_any_size_hold_the_same() {
    let staff = open().admin().await;
    let start = now(&staff).await;
    let shop = open().shop();
    for _ in 0..3 {
        let user = shop.register().await;
        let order = order_of(user, &[1]);
        shop.post("/api/orders", &order).send().await.expect(201);
        events_of(&staff, &start, "user", user, 1).await;
    }

    // Others write meanwhile, so both end where the first one did.
    let (one_by_one, _) = read_on(&staff, &start, 1).await;
    let (mut at_once, _) = read_on(&staff, &start, 100).await;
    at_once.truncate(one_by_one.len());

    assert!(one_by_one.len() >= 9, "{one_by_one:?}");
    assert_eq!(one_by_one, at_once);
    let path = format!("/api/events?after={start}&type=user.registered");
    let users = staff.get(&path).send().await.expect(200);
    let users = users["events"].as_array().expect("events").clone();
    assert!(users.len() >= 3 && users.iter().all(|event| event["type"] == "user.registered"));
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let staff = open().admin().await;
    for (query, name) in [
        ("after=17", "after"),
        ("after=c0000000000000011", "after"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("type=order.eaten", "type"),
    ] {
        let refused = staff.get(&format!("/api/events?{query}")).send().await;
        let problem = refused.refused(400, "invalid_query");
        assert_eq!(problem["errors"][0]["field"], name, "{problem}");
    }
    let unknown = staff.get("/api/events?colour=red").send().await;
    unknown.refused(400, "invalid_query");
}

/// The page waits for whoever prunes, and is then one with a gap.
#[tokio::test]
async fn a_cursor_behind_which_events_go_while_it_is_read_says_so() {
    let cluster = Cluster::start("required", 1);
    let staff = cluster.admin().await;
    let oldest = staff.get("/api/events?limit=1").send().await.expect(200);
    let after_first = oldest["nextCursor"].as_str().expect("a cursor");
    let path = format!("/api/events?after={after_first}&type=user.registered");
    staff.get(&path).send().await.expect(200);
    // A transaction sees who waits as it was when it first asked.
    let (conn, onlooker) = (&mut cluster.conn(), &mut cluster.conn());
    let pruning = "BEGIN; LOCK TABLE platform.outbox; \
        WITH gone AS (DELETE FROM platform.outbox RETURNING xid, id) \
        UPDATE platform.outbox_start s SET xid = g.xid, id = g.id \
          FROM (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1) g";
    conn.batch_execute(pruning).expect("locked");

    let page = staff.get(&path).send();
    let pruned = async {
        let waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%LIMIT $3) looked_at%'";
        let waits = || std::future::ready(count(onlooker, waiting) == 1);
        eventually("the page waits", PATIENCE, waits).await;
        conn.batch_execute("COMMIT").expect("pruned");
    };
    let (page, ()) = tokio::join!(page, pruned);

    page.refused(410, "cursor_expired");
}

#[tokio::test]
async fn a_cursor_behind_which_events_are_gone_says_so() {
    let cluster = Cluster::start("required", 1);
    let staff = cluster.admin().await;
    let oldest = staff.get("/api/events?limit=1").send().await.expect(200);
    let after_first = oldest["nextCursor"].as_str().expect("a cursor");
    let path = format!("/api/events?after={after_first}");
    staff.get(&path).send().await.expect(200);
    let conn = &mut cluster.conn();
    let age = "UPDATE platform.outbox SET occurred_at = now() - interval '31 days'";
    conn.batch_execute(age).expect("aged");
    wait_until("all are pruned", || {
        outbox::prune(conn, 100).expect("pruned");
        count(conn, "platform.outbox") == 0
    });

    staff.get(&path).send().await.refused(410, "cursor_expired");
    let beyond = format!("/api/events?after=e{}", "7".repeat(32));
    let elsewhere = staff.get(&beyond).send().await;
    elsewhere.refused(410, "cursor_expired");
    let anew = staff.get("/api/events").send().await.expect(200);
    assert_eq!(anew["events"], json!([]));
    // The cursor of a log in which nothing is left is a good one.
    let start = anew["nextCursor"].as_str().expect("a cursor");
    let user = cluster.shop().register().await;
    events_of(&staff, start, "user", user, 1).await;
}

/// A cursor never passes a transaction that is still running, so nothing can appear before it.
#[tokio::test]
async fn what_commits_late_is_not_skipped() {
    let cluster = Cluster::start("required", 1);
    let staff = cluster.admin().await;
    let start = now(&staff).await;
    let mut early = cluster.conn();
    early.batch_execute("BEGIN").expect("begun");
    outbox::write(&mut early, &[product_changed(100, 1)]).expect("written");
    outbox::write(&mut cluster.conn(), &[product_changed(200, 1)]).expect("written");

    let (before, cursor) = read_on(&staff, &start, 100).await;
    early.batch_execute("COMMIT").expect("committed");
    let both_are_there = async || read_on(&staff, &cursor, 1).await.0.len() == 2;
    eventually("both can be read", PATIENCE, both_are_there).await;

    assert_eq!(before, Vec::<Value>::new());
    let (after, _) = read_on(&staff, &cursor, 1).await;
    let ids: Vec<&Value> = after.iter().map(|event| &event["resource"]["id"]).collect();
    assert_eq!(ids, [100, 200]);
}

/// The writer changes a product with plain SQL: no cache is told, and no listener.
#[tokio::test]
async fn a_writer_that_tells_no_cache_is_made_good_on_every_replica() {
    for cluster in [Cluster::start("open", 2), Cluster::without_redis("open", 2)] {
        let replicas = [cluster.replica(0), cluster.replica(1)];
        for name in ["Silent change", "Another one"] {
            for shop in &replicas {
                shop.get("/api/products/1").send().await.expect(200);
                shop.get("/api/products").send().await.expect(200);
            }
            let written = cluster.conn().transaction(|conn| {
                conn.batch_execute(&format!(
                    "UPDATE catalog.products SET name = '{name}', version = version + 1 WHERE id = 1"
                ))?;
                let version = "(SELECT version FROM catalog.products WHERE id = 1)";
                let version = crate::support::number(conn, version);
                outbox::write(conn, &[product_changed(1, version)])
            });
            written.expect("it commits");
            for shop in &replicas {
                let is_seen = async || {
                    let product = shop.get("/api/products/1").send().await.expect(200);
                    let page = shop.get("/api/products").send().await.expect(200);
                    product["name"] == name && page["products"][0]["name"] == name
                };
                // Entries live for half a minute.
                eventually("it is seen", Duration::from_secs(10), is_seen).await;
            }
        }
    }
}

async fn metric(cluster: &Cluster, replica: usize, name: &str) -> Option<f64> {
    let answer = reqwest::get(cluster.metrics_url(replica)).await.ok()?;
    let text = answer.text().await.ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?.to_owned();
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_consumers_are_behind_is_a_metric() {
    let cluster = Cluster::start("open", 1);
    let waiting = "events_waiting{consumer=\"cache\"}";
    let oldest = "events_oldest_waiting_seconds{consumer=\"cache\"}";
    let failing = "events_failing_seconds{consumer=\"cache\"}";
    let is_idle = async || metric(&cluster, 0, waiting).await == Some(0.0);
    eventually("it is up to date", PATIENCE, is_idle).await;

    // Whoever holds the lease keeps the events waiting.
    let hold = "UPDATE platform.consumers SET lease_until = now() + interval '1 hour', \
                failures = 1, failing_since = now() - interval '1 minute'";
    cluster.conn().batch_execute(hold).expect("held");
    for id in 1..=3 {
        outbox::write(&mut cluster.conn(), &[product_changed(id, 1_000)]).expect("written");
    }
    let is_behind = async || {
        metric(&cluster, 0, waiting).await == Some(3.0)
            && metric(&cluster, 0, oldest).await > Some(0.0)
            && metric(&cluster, 0, failing).await >= Some(60.0)
    };
    eventually("the lag is told", PATIENCE, is_behind).await;
    let release = "UPDATE platform.consumers SET lease_until = '-infinity'";
    cluster.conn().batch_execute(release).expect("released");

    let has_caught_up = async || {
        metric(&cluster, 0, waiting).await == Some(0.0)
            && metric(&cluster, 0, oldest).await == Some(0.0)
            && metric(&cluster, 0, failing).await == Some(0.0)
            && metric(&cluster, 0, "events_handled_total{consumer=\"cache\"}").await >= Some(3.0)
    };
    eventually("it has caught up", PATIENCE, has_caught_up).await;
}

/// Waits until so many events can be read.
fn readable(conn: &mut PgConnection, wanted: usize) {
    wait_until("the events can be read", || {
        let events = event_log::read(conn, Position::START, 10_000);
        events.expect("the log").len() >= wanted
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_leaves_no_lease_behind() {
    let cluster = Cluster::start("open", 1);
    for id in 1..=50 {
        outbox::write(&mut cluster.conn(), &[product_changed(id, 1_000)]).expect("written");
    }

    let code = tokio::task::block_in_place(|| cluster.stop(0));

    assert_eq!(code, 0);
    let held = "platform.consumers WHERE lease_until > now()";
    assert_eq!(count(&mut cluster.conn(), held), 0);
}
