//! What sells, counted from orders, as listings by it show.

use std::time::Duration;

use db::consumers::{self, AdvanceError};
use db::outbox::log;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::{Cluster, PATIENCE, Shop, count, eventually, number, somebody};

const COUNTED: &str = "(SELECT coalesce(sum(units), 0)::bigint FROM catalog.product_sales)";
const ASKED: &str = "(SELECT coalesce(sum(l.quantity), 0)::bigint FROM ordering.order_lines l \
                       JOIN ordering.orders o ON o.id = l.order_id WHERE o.status <> 'cancelled')";

/// What is said to have sold differs from what is in orders.
const WRONG: &str = "catalog.product_sales s FULL JOIN ( \
      SELECT l.product_id, sum(l.quantity) AS units FROM ordering.order_lines l JOIN ordering.orders o ON o.id = l.order_id \
       WHERE o.status <> 'cancelled' GROUP BY l.product_id) o ON o.product_id = s.product_id WHERE s.units IS DISTINCT FROM o.units";

async fn order(shop: &Shop, user: i64, lines: &[(i64, i64)], payment: &str) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, quantity)| json!({"productId": id, "quantity": quantity}))
        .collect();
    let body = json!({"userId": user, "lines": lines, "address": "1 St", "payment": payment, "shipping": "std"});
    shop.post("/api/orders", &body).send().await.expect(201)
}

async fn listed(shop: &Shop, path: &str) -> Vec<i64> {
    let answer = shop.get(path).send().await.expect(200);
    let products = answer["products"].as_array().expect("a list").iter();
    products
        .map(|product| product["id"].as_i64().expect("an id"))
        .collect()
}

/// A replica forgets what it was last asked when any product changes.
async fn touch(admin: &Shop, id: i64) {
    let path = format!("/api/products/{id}");
    let change = json!({"description": crate::support::fresh_key()});
    admin.patch(&path, &change).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_most_comes_first_until_it_is_cancelled() {
    let cluster = Cluster::with_settings("open", 2, &[]);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(admin.product(&format!("SELL-{n}"), 100).await);
    }
    let [a, b, c] = ids[..] else { unreachable!() };
    let category = json!({"name": "Selling", "productOrder": "best_selling"});
    let category = admin.post("/api/admin/categories", &category).send().await;
    let category = category.expect(201)["id"].clone();
    let placed: Vec<Value> = ids.iter().map(|id| json!({"productId": id})).collect();
    let place = format!("/api/admin/categories/{category}/products");
    admin
        .put(&place, &json!({"add": placed}))
        .send()
        .await
        .expect(200);
    let rules = json!({"name": "Best", "productOrder": "best_selling",
                       "rules": {"match": "all", "conditions": [{"category": category}]}});
    let best = admin.post("/api/admin/collections", &rules).send().await;
    let best = best.expect(201)["id"].clone();
    let hand = json!({"name": "Chosen", "productOrder": "best_selling"});
    let hand = admin.post("/api/admin/collections", &hand).send().await;
    let hand = hand.expect(201)["id"].clone();
    let place = format!("/api/admin/collections/{hand}/products");
    admin
        .put(&place, &json!({"add": placed}))
        .send()
        .await
        .expect(200);
    let paths = [
        format!("/api/search?category={category}&sort=best_selling"),
        format!("/api/categories/{category}/products"),
        format!("/api/collections/{best}/products"),
        format!("/api/collections/{hand}/products"),
    ];
    let ranked = async |expected: [i64; 3]| {
        eventually("sorted by sales", PATIENCE, async || {
            touch(&admin, a).await;
            for replica in [cluster.replica(0), cluster.replica(1)] {
                for path in &paths {
                    if listed(&replica, path).await != expected {
                        return false;
                    }
                }
            }
            true
        })
        .await;
    };
    ranked([c, b, a]).await;

    let user = shop
        .post("/api/users", &somebody())
        .send()
        .await
        .expect(201);
    let user = user["id"].as_i64().expect("an id");
    let large = order(&shop, user, &[(a, 5), (b, 1)], "invoice").await;
    order(&shop, user, &[(b, 2)], "card").await;
    ranked([a, b, c]).await;

    let path = format!("/api/orders/{}", large["orderId"]);
    shop.request("DELETE", &path).send().await.expect(200);
    ranked([b, c, a]).await;
    let mut conn = cluster.conn();
    assert_eq!(count(&mut conn, WRONG), 0);

    // Pages follow each other by what was sold and the id.
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("{}&limit=1{next}", paths[0]);
        let answer = shop.get(&path).send().await.expect(200);
        seen.push(answer["products"][0]["id"].as_i64().expect("an id"));
        let Some(cursor) = answer["nextCursor"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(seen, [b, c, a]);

    // Somebody miscounted; all is counted anew, from the orders.
    conn.batch_execute(
        "UPDATE catalog.sales_days SET units = 77; UPDATE catalog.product_sales SET units = 77",
    )
    .expect("edited");
    let anew = tokio::task::block_in_place(|| cluster.run(&["rebuild", "sales"], ""));
    assert!(anew.status.success(), "{anew:?}");
    eventually("counted anew", PATIENCE, async || {
        count(&mut cluster.conn(), WRONG) == 0
    })
    .await;
}

/// Batches of any size, handled by several at once and given up halfway, count each order once.
#[tokio::test(flavor = "multi_thread")]
async fn each_order_counts_once_whoever_counts_and_however_often() {
    let cluster = Cluster::with_settings("open", 1, &[]);
    let (shop, admin) = (cluster.shop(), cluster.admin().await);
    let a = admin.product("ONCE-1", 1_000).await;
    let b = admin.product("ONCE-2", 1_000).await;
    let user = shop
        .post("/api/users", &somebody())
        .send()
        .await
        .expect(201);
    let user = user["id"].as_i64().expect("an id");
    let counter = |seed: i64| {
        let mut conn = cluster.conn();
        move || {
            for round in 0..200 {
                let lease = consumers::claim(&mut conn, "sales", Duration::from_millis(50));
                let Some(lease) = lease.expect("a claim") else {
                    continue;
                };
                let size = (seed + round) % 3 + 1;
                let events = log::read(&mut conn, lease.position, size).expect("events");
                let counted =
                    consumers::advance_with(&mut conn, &lease, &events, |conn, events| {
                        api::workflows::selling::count(conn, events)?;
                        // Every third dies before it commits.
                        if (seed + round) % 3 == 0 {
                            return Err(diesel::result::Error::RollbackTransaction.into());
                        }
                        Ok::<_, AdvanceError>(())
                    });
                if counted.is_err() {
                    let _ = consumers::release(&mut conn, &lease);
                }
            }
        }
    };
    let counters: Vec<_> = (0..2)
        .map(|seed| std::thread::spawn(counter(seed)))
        .collect();
    let mut cancelled = 0;
    for n in 0..20 {
        let placed = order(&shop, user, &[(a, n % 4 + 1), (b, 1)], "invoice").await;
        if n % 3 == 0 {
            let path = format!("/api/orders/{}", placed["orderId"]);
            shop.request("DELETE", &path).send().await.expect(200);
            cancelled += 1;
        }
    }
    for counter in counters {
        tokio::task::block_in_place(|| counter.join()).expect("counted");
    }
    let mut conn = cluster.conn();
    eventually("all is counted", PATIENCE, async || {
        let mut conn = cluster.conn();
        number(&mut conn, COUNTED) == number(&mut conn, ASKED)
    })
    .await;
    assert_eq!(cancelled, 7);
    assert_eq!(count(&mut conn, WRONG), 0);
    conn.transaction(|conn| {
        consumers::rewind(conn, "sales")?;
        catalog::sales::forget_all(conn)
    })
    .expect("forgotten");
    eventually("all is counted again", PATIENCE, async || {
        count(&mut cluster.conn(), WRONG) == 0
    })
    .await;
}
