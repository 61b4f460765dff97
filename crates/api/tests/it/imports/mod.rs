//! Files that staff sends, and what becomes of them.

mod catalogue;
mod elsewhere;
mod fetched;
mod pictures;
mod refusals;
mod replicas;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Cluster, Shop, count, eventually, fresh_key, open};

const PATH: &str = "/api/admin/imports";

fn send(
    staff: &Shop,
    query: &str,
    kind: &str,
    file: impl Into<Vec<u8>>,
) -> crate::support::shop::Request {
    staff
        .request("POST", &format!("{PATH}{query}"))
        .raw(kind, file)
}

async fn upload(staff: &Shop, query: &str, kind: &str, file: impl Into<Vec<u8>>) -> Value {
    send(staff, query, kind, file).send().await.expect(201)
}

/// The import, once it is over.
async fn ended(staff: &Shop, import: &Value) -> Value {
    let path = format!("{PATH}/{}", import["id"]);
    let is_over = async || !staff.get(&path).send().await.json()["finishedAt"].is_null();
    eventually("the import is over", Duration::from_secs(60), is_over).await;
    staff.get(&path).send().await.expect(200)
}

async fn results(staff: &Shop, import: &Value, query: &str) -> Answer {
    let path = format!("{PATH}/{}/results{query}", import["id"]);
    staff.get(&path).send().await
}

/// A header and rows of SKUs that nobody else uses.
fn file(rows: &[(&str, &str, &str)]) -> (String, String) {
    let prefix = fresh_key().to_uppercase();
    let row =
        |(sku, name, price): &(&str, &str, &str)| format!("{prefix}-{sku},{name},{price},USD\n");
    let rows: String = rows.iter().map(row).collect();
    (format!("sku,name,price,currency\n{rows}"), prefix)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_read_and_told_of_row_by_row() {
    let staff = open().admin().await;
    let (file, prefix) = file(&[
        ("A", "Tee", "19.90"),
        ("B", "Mug", "wrong"),
        ("C", "=Cap()", "5.00"),
    ]);

    let import = upload(&staff, "", "text/csv; charset=utf-8", file.clone()).await;
    let ended = ended(&staff, &import).await;

    assert_eq!(ended["state"], "succeeded");
    assert_eq!(
        ended["rows"],
        json!({"read": 3, "created": 2, "updated": 0, "unchanged": 0, "refused": 1})
    );
    assert_eq!(ended["bytes"], file.len());
    assert_eq!(
        (&ended["products"], &ended["prices"]),
        (&json!(2), &json!(2))
    );
    let csv = results(&staff, &import, "").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = String::from_utf8(csv.body).expect("UTF-8");
    let rule = "not an amount such as 9.50 or 1200";
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "line,sku,outcome,field,message");
    assert_eq!(lines[1], format!("2,{prefix}-A,created,,"));
    assert!(
        lines[2].starts_with(&format!("3,{prefix}-B,refused,price,")),
        "{} {rule}",
        lines[2]
    );
    assert_eq!(lines[3], format!("4,{prefix}-C,created,,"));
    let lines = results(&staff, &import, "?format=ndjson").await;
    let first = lines
        .body
        .split(|byte| *byte == b'\n')
        .next()
        .expect("a line");
    let first: Value = serde_json::from_slice(first).expect("JSON");
    assert_eq!(
        first,
        json!({"line": 2, "sku": format!("{prefix}-A"), "outcome": "created"})
    );
    results(&staff, &import, "?format=xml")
        .await
        .refused(400, "invalid_query");
    for replica in 0..2 {
        let path = format!("/api/products?q={prefix}-A");
        let is_there = async || {
            let page = open().replica(replica).get(&path).send().await.json();
            page["products"]
                .as_array()
                .is_some_and(|all| all.len() == 1)
        };
        eventually("the shop has it", Duration::from_secs(5), is_there).await;
    }
    // The file itself is gone.
    let parts = format!("catalog.import_parts WHERE import_id = {}", import["id"]);
    assert_eq!(count(&mut open().conn(), &parts), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_upload_is_one_import() {
    let staff = open().admin().await;
    let ((file, _), key) = (file(&[("A", "Tee", "19.90")]), fresh_key());
    let first = send(&staff, "", "text/csv", file.clone())
        .key(&key)
        .send()
        .await
        .expect(201);

    let again = send(&staff, "", "text/csv", file.clone())
        .key(&key)
        .send()
        .await;
    let other = send(&staff, "", "text/csv", format!("{file}\n"))
        .key(&key)
        .send()
        .await;
    let elsewhere = send(&staff, "?mode=validate", "text/csv", file)
        .key(&key)
        .send()
        .await;

    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201)["id"], first["id"]);
    other.refused(422, "idempotency_key_reused");
    elsewhere.refused(422, "idempotency_key_reused");
    let left = format!(
        "catalog.imports WHERE id > {} AND state = 'uploading'",
        first["id"]
    );
    assert_eq!(count(&mut open().conn(), &left), 0);
    ended(&staff, &first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_validate_writes_nothing_but_what_would_become_of_the_rows() {
    let cluster = Cluster::with_command(1, &[], &["serve"]);
    let staff = cluster.admin().await;
    let tables = [
        "products",
        "variants",
        "prices",
        "stock_movements",
        "categories",
    ];
    let written = || tables.map(|table| count(&mut cluster.conn(), &format!("catalog.{table}")));
    let before = (written(), count(&mut cluster.conn(), "platform.outbox"));
    let file = "sku,name,price,currency,categories,on_hand\nA,Tee,1.00,USD,Men > Shirts,5\nA,Tee,1.00,USD,,\n";

    let import = upload(&staff, "?mode=validate", "text/csv", file).await;
    let ended = ended(&staff, &import).await;

    assert_eq!(
        (&ended["state"], &ended["mode"]),
        (&json!("succeeded"), &json!("validate"))
    );
    assert_eq!(ended["rows"]["created"], 1);
    assert_eq!(ended["rows"]["refused"], 1);
    assert_eq!(
        (written(), count(&mut cluster.conn(), "platform.outbox")),
        before
    );
    let text = String::from_utf8(results(&staff, &import, "").await.body).expect("UTF-8");
    assert!(
        text.contains("3,A,refused,sku,appears twice in the file"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_and_files_of_other_systems_are_read_too() {
    let staff = open().admin().await;
    let prefix = fresh_key().to_uppercase();
    let lines = format!(
        "{{\"name\":\"Tee\",\"variants\":[{{\"sku\":\"{prefix}-L\",\"prices\":[{{\"currency\":\"USD\",\"price\":\"1\"}}]}}]}}\n[]\n"
    );
    let spree = format!("slug,sku,name,price,currency,status\nmug,{prefix}-S,Mug,9.50,USD,draft\n");
    let eshop = "[{\"Id\":4711,\"Name\":\"Boot\",\"Price\":9.5}]";
    for (query, kind, file, format, created, refused) in [
        ("", "application/x-ndjson", lines.as_str(), "ndjson", 1, 1),
        ("?profile=spree", "text/csv", &spree, "csv", 1, 0),
        (
            "?profile=eshop&currency=EUR",
            "application/json",
            eshop,
            "json",
            1,
            0,
        ),
    ] {
        let import = upload(&staff, query, kind, file).await;
        let ended = ended(&staff, &import).await;
        assert_eq!(
            (&ended["state"], &ended["format"]),
            (&json!("succeeded"), &json!(format))
        );
        assert_eq!(ended["rows"]["created"], created, "{ended}");
        assert_eq!(ended["rows"]["refused"], refused, "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_and_counts_are_files_of_their_own() {
    let staff = open().admin().await;
    let sku = fresh_key().to_uppercase();
    let product = staff.product(&sku, 7).await;
    for (kind, file) in [
        ("prices", format!("sku,price,currency\n{sku},3.25,USD\n")),
        ("stock", format!("sku,on_hand\n{sku},12\n")),
    ] {
        let import = upload(&staff, &format!("?kind={kind}"), "text/csv", file).await;
        let ended = ended(&staff, &import).await;
        assert_eq!(
            (&ended["kind"], &ended["rows"]["updated"]),
            (&json!(kind), &json!(1)),
            "{ended}"
        );
    }
    let path = format!("/api/products/{product}");
    let stock = staff.get(&format!("{path}/stock")).send().await.expect(200);
    assert_eq!(stock["onHand"], 12);
    let is_cheaper = async || staff.get(&path).send().await.json()["price"] == "3.25";
    eventually("the shop has the price", Duration::from_secs(5), is_cheaper).await;
    for (query, kind) in [
        ("?kind=prices", "application/x-ndjson"),
        ("?kind=stock", "application/json"),
    ] {
        let refused = send(&staff, query, kind, "{}").send().await;
        refused.refused(415, "unsupported_media_type");
    }
    let profile = send(
        &staff,
        "?kind=stock&profile=spree",
        "text/csv",
        "sku,on_hand\n",
    )
    .send()
    .await;
    profile.refused(400, "invalid_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_may_stop_at_the_first_refused_row() {
    let staff = open().admin().await;
    let (file, _) = file(&[
        ("A", "Tee", "1.00"),
        ("B", "Mug", "wrong"),
        ("C", "Cap", "1.00"),
    ]);

    let import = upload(&staff, "?onError=stop", "text/csv", file).await;
    let ended = ended(&staff, &import).await;

    assert_eq!(ended["state"], "stopped");
    assert_eq!(
        (&ended["rows"]["read"], &ended["rows"]["created"]),
        (&json!(2), &json!(1))
    );
    let text = String::from_utf8(results(&staff, &import, "").await.body).expect("UTF-8");
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_cannot_be_read_to_its_end_says_why_and_keeps_what_it_has_written() {
    let staff = open().admin().await;
    let (file, _) = file(&[("A", "Tee", "1.00")]);
    let broken = format!("{file}B,\"{}", "x,1,USD\n".repeat(700_000));

    let import = upload(&staff, "", "text/csv", broken).await;
    let ended = ended(&staff, &import).await;

    assert_eq!(ended["state"], "failed");
    let error = ended["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("a row is longer than 4194304 bytes"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_listed_cancelled_and_forgotten() {
    // Nobody works here, so that they wait.
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(upload(&staff, "", "text/csv", file(&[("A", "Tee", "1.00")]).0).await);
    }

    let page = staff
        .get(&format!("{PATH}?limit=2"))
        .send()
        .await
        .expect(200);
    let ids = |page: &Value| -> Vec<Value> {
        let all = page["imports"].as_array().expect("a list");
        all.iter().map(|import| import["id"].clone()).collect()
    };
    assert_eq!(ids(&page), [made[2]["id"].clone(), made[1]["id"].clone()]);
    let cursor = page["nextCursor"].as_str().expect("more");
    let rest = staff
        .get(&format!("{PATH}?limit=2&cursor={cursor}"))
        .send()
        .await
        .expect(200);
    assert_eq!(ids(&rest), [made[0]["id"].clone()]);
    assert_eq!(rest["hasMore"], false);

    let path = format!("{PATH}/{}", made[0]["id"]);
    staff
        .delete(&path)
        .send()
        .await
        .refused(409, "import_unfinished");
    let cancelled = staff
        .request("POST", &format!("{path}/cancel"))
        .send()
        .await
        .expect(200);
    assert_eq!(cancelled["state"], "cancelled");
    let job = format!(
        "platform.jobs WHERE kind = 'import' AND key = '{}' AND state = 'cancelled'",
        made[0]["id"]
    );
    assert_eq!(count(&mut cluster.conn(), &job), 1);
    let parts = format!("catalog.import_parts WHERE import_id = {}", made[0]["id"]);
    assert_eq!(count(&mut cluster.conn(), &parts), 0);
    let again = staff
        .request("POST", &format!("{path}/cancel"))
        .send()
        .await;
    again.refused(409, "import_over");
    staff.delete(&path).send().await.expect(204);
    for answer in [
        staff.get(&path).send().await,
        staff.delete(&path).send().await,
        staff.get(&format!("{path}/results")).send().await,
        staff
            .request("POST", &format!("{path}/cancel"))
            .send()
            .await,
        staff.get(&format!("{PATH}/x")).send().await,
    ] {
        answer.refused(404, "import_not_found");
    }
}
