//! What operators ask, and the contract itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use api::routes::described;
use serde_json::{Value, json};

use crate::support::{Cluster, open, required};

#[tokio::test]
async fn the_welcome_page_warns_when_access_is_open() {
    let open = open().shop().get("/").send().await;
    assert_eq!(open.status, 200);
    assert!(String::from_utf8_lossy(&open.body).contains("Access is <b>open</b>"));
    let required = required().shop().get("/").send().await;
    assert_eq!(required.status, 200);
    assert!(!String::from_utf8_lossy(&required.body).contains("Access is <b>open</b>"));
}

#[tokio::test]
async fn a_replica_tells_that_it_lives_and_whether_it_is_ready() {
    let shop = open().shop();
    assert_eq!(shop.get("/livez").send().await.status, 200);
    let ready = shop.get("/readyz").send().await.expect(200);
    assert!(ready["indexLagMs"].is_u64(), "{ready}");
    assert_eq!(
        ready,
        json!({"status": "ready", "database": "up", "redis": "up", "indexLagMs": ready["indexLagMs"]})
    );

    let alone = Cluster::without_redis("open", 1);
    let ready = alone.shop().get("/readyz").send().await.expect(200);
    assert_eq!(ready["redis"], "off");
}

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own() {
    let through_nginx = open().shop().get("/metrics").send().await;
    through_nginx.refused(404, "not_found");
    open()
        .replica(0)
        .get("/metrics")
        .send()
        .await
        .refused(404, "not_found");
    let metrics = reqwest::get(open().metrics_url(0))
        .await
        .expect("an answer");
    let text = metrics.text().await.expect("text");
    assert!(text.contains("http_requests_total"), "{text}");
}

/// The names that a source text gives to metrics.
fn metrics_of(source: &str) -> impl Iterator<Item = &str> {
    let kinds = ["counter!(", "gauge!(", "histogram!("];
    source.split("metrics::").filter_map(move |call| {
        let arguments = kinds.iter().find_map(|kind| call.strip_prefix(kind))?;
        arguments.trim_start().strip_prefix('"')?.split('"').next()
    })
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_metric_is_explained_to_operators() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = crate_dir.join("../../docs/operations.md");
    let docs = fs::read_to_string(docs).expect("the page");
    let mut files = Vec::new();
    rust_files(&crate_dir.join("src"), &mut files);
    let sources: String = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a source"))
        .collect();

    let names: BTreeSet<&str> = metrics_of(&sources).collect();

    assert!(names.contains("http_requests_total"), "{names:?}");
    let unexplained: Vec<_> = names
        .iter()
        .filter(|name| !docs.contains(&format!("`{name}`")))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[test]
fn the_contract_is_what_routes_say() {
    let said = described::document().expect("JSON");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("CARTWRIGHT_WRITE_CONTRACT").is_some() {
        std::fs::write(path, &said).expect("written");
    }
    let kept = std::fs::read_to_string(path).expect("openapi.json");
    assert!(
        kept == said,
        "crates/api/openapi.json is of other routes: CARTWRIGHT_WRITE_CONTRACT=1 cargo test -p api --test it the_contract"
    );
}

#[tokio::test]
async fn the_contract_is_the_same_wherever_it_is_asked_for() {
    let served = open()
        .shop()
        .get("/api/openapi.json")
        .send()
        .await
        .expect(200);
    assert_eq!(served["openapi"], "3.1.0");
    let printed = open().run(&["openapi"], "");
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(printed, served);
    let page = open().shop().get("/api/docs").send().await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn a_request_id_is_kept_when_it_is_well_formed_and_made_otherwise() {
    let given = "0123456789-abcdef";
    for shop in [open().shop(), open().replica(0)] {
        let kept = shop
            .get("/api/products/999999")
            .header("x-request-id", given);
        let kept = kept.send().await;
        assert_eq!(kept.header("x-request-id"), Some(given));
        assert_eq!(kept.json()["requestId"], given);
        for bad in [
            "short",
            "0123456789 abcdef",
            "0123456789_abcdef",
            &"a".repeat(65),
        ] {
            let made = shop.get("/api/products/999999").header("x-request-id", bad);
            let made = made.send().await;
            let id = made.header("x-request-id").expect("an id").to_owned();
            assert_ne!(id, bad);
            assert_eq!(made.json()["requestId"], id);
        }
    }
}
