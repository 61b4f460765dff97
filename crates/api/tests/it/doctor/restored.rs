//! A shop comes back from a dump, in another server, as docs/operations.md says.

use std::process::Command;

use db::testing::{self, TestDatabase, count, text};
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::{ORDER_KEY, busy_shop};
use crate::support::process::find_program;
use crate::support::{Cluster, PATIENCE, Shop, eventually, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_into_another_server_is_the_same_shop() {
    let cluster = busy_shop().await;
    cluster.restart(0);
    let admin = cluster.admin().await;
    let cursor = admin.get("/api/events?limit=1").send().await.json()["nextCursor"].clone();
    let before = answers(&admin).await;
    tokio::task::block_in_place(|| cluster.stop(0));

    let server = testing::another_server();
    let restored = tokio::task::block_in_place(|| restore(&cluster.database, &server));
    let conn = &mut restored.connect();
    assert!(
        count(
            conn,
            "platform.outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
        ) > 0,
        "this server has yet to give out the transaction ids of that one: {}",
        text(conn, "pg_current_snapshot()::text")
    );
    let cluster = tokio::task::block_in_place(|| Cluster::with("open", 1, false, restored));
    let admin = cluster.admin().await;

    assert_eq!(answers(&admin).await, before);
    let repeat = cluster.shop();
    let repeat = repeat.post("/api/orders", &order_of(2, &[4, 1, 4]));
    let repeat = repeat.key(ORDER_KEY).send().await.json();
    assert_eq!(repeat["orderId"], 1, "its key is still known");
    let cursor = cursor.as_str().expect("a cursor");
    let path = format!("/api/events?after={cursor}");
    admin.get(&path).send().await.refused(410, "cursor_expired");
    // The index is fed by a consumer of the log, so it hears of what happens from now on.
    let product = admin.product("RESTORED", 3).await;
    let is_found = async || {
        let page = admin.get("/api/search?q=restored").send().await.json();
        page["products"][0]["id"] == product
    };
    eventually("what is new is found", PATIENCE, is_found).await;
    let placed = admin.post("/api/orders", &order_of(2, &[product]));
    assert_eq!(placed.send().await.expect(201)["orderId"], 10);
    let found = cluster.run(&["doctor"], "");
    assert!(found.status.success(), "{found:?}");
}

/// What the shop says of its orders, its products and its stock.
async fn answers(admin: &Shop) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in [
        "/api/orders?userId=2&limit=100",
        "/api/products?limit=100",
        "/api/products/4/stock",
    ] {
        answers.push(json!([path, admin.get(path).send().await.expect(200)]));
    }
    answers
}

/// Dumps a database and restores it in the server.
fn restore(from: &TestDatabase, server: &db::embedded::Server) -> TestDatabase {
    let maintenance = TestDatabase {
        url: server.url("postgres"),
    };
    let created = maintenance.connect().batch_execute("CREATE DATABASE shop");
    created.expect("a database");
    let to = TestDatabase {
        url: server.url("shop"),
    };
    let dump = tempfile::NamedTempFile::new().expect("a file");
    let dump = dump.path().to_str().expect("UTF-8");
    run("pg_dump", &["-Fc", "-f", dump, "-d", &from.url]);
    let whole = ["--no-owner", "--single-transaction"];
    run("pg_restore", &[&whole[..], &["-d", &to.url, dump]].concat());
    to
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(find_program(program)).args(args).output();
    let output = output.expect(program);
    assert!(output.status.success(), "{program}: {output:?}");
}
