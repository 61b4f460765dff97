//! Files that are fetched from where they are.

use serde_json::{Value, json};

use super::elsewhere::{Elsewhere, trusting};
use super::{PATH, ended, file, results, send};
use crate::support::{Shop, count, open};

/// An address, as a part of a query.
fn escaped(url: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric();
    url.bytes()
        .map(|byte| match keep(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

async fn import(staff: &Shop, url: &str, kind: &str) -> Value {
    let query = format!("?url={}", escaped(url));
    let import = send(staff, &query, kind, "").send().await.expect(201);
    assert_eq!(
        (&import["url"], &import["state"]),
        (&json!(url), &json!("uploading"))
    );
    ended(staff, &import).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_and_read_like_one_that_is_sent() {
    let staff = trusting().admin().await;
    let elsewhere = Elsewhere::start().await;
    let (file, prefix) = file(&[("A", "Tee", "19.90"), ("B", "Mug", "wrong")]);
    let away = ("503 Service Unavailable", Vec::new());
    let url = elsewhere.says(
        "/products.csv",
        vec![away, ("200 OK", file.clone().into_bytes())],
    );

    let import = import(&staff, &url, "text/csv").await;

    assert_eq!(import["state"], "succeeded", "{import}");
    assert_eq!(
        (&import["rows"]["created"], &import["rows"]["refused"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(import["bytes"], file.len());
    assert_eq!(elsewhere.asked("/products.csv"), 2);
    let told = results(&staff, &import, "").await;
    let told = String::from_utf8(told.body).expect("UTF-8");
    assert!(told.contains(&format!("2,{prefix}-A,created,,")), "{told}");
    assert_eq!(count(&mut trusting().conn(), "catalog.import_parts"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_come_or_is_none_fails_and_says_why() {
    let staff = trusting().admin().await;
    let elsewhere = Elsewhere::start().await;
    for (url, why) in [
        (format!("{}/nothing", elsewhere.address), "it answers 404"),
        (elsewhere.has("/empty", vec![]), "the file is empty"),
        (
            elsewhere.has("/page", b"<html>".to_vec()),
            "unknown column `<html>`",
        ),
    ] {
        let import = import(&staff, &url, "text/csv").await;

        assert_eq!(import["state"], "failed", "{import}");
        let error = import["error"].as_str().expect("a reason");
        assert!(error.contains(why), "{url}: {error}");
    }
    assert_eq!(count(&mut trusting().conn(), "catalog.import_parts"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_or_not_public_is_refused_at_once() {
    let staff = open().admin().await;
    let before = count(&mut open().conn(), "catalog.imports WHERE url IS NOT NULL");
    let long = format!("https://example.com/{}", "x".repeat(2_000));
    for (url, why) in [
        ("", "is no address"),
        ("products.csv", "is no address"),
        ("ftp://example.com/a.csv", "is not http"),
        ("http://127.0.0.1/a.csv", "not public"),
        ("http://2130706433/a.csv", "not public"),
        ("http://[::1]/a.csv", "not public"),
        ("http://169.254.169.254/", "not public"),
        ("https://me:secret@example.com/a.csv", "must not carry"),
        (&long, "at most 2000"),
        ("https://example.com/\0", "none of which controls"),
    ] {
        let query = format!("?url={}", escaped(url));
        let refused = send(&staff, &query, "text/csv", "").send().await;
        let refused = refused.refused(400, "invalid_query");
        assert_eq!(refused["errors"][0]["field"], "url");
        let message = refused["errors"][0]["message"].as_str().expect("a rule");
        assert!(message.contains(why), "{url}: {message}");
    }
    let query = format!("?url={}", escaped("https://example.com/a.csv"));
    let both = send(&staff, &query, "text/csv", "sku").send().await;
    both.refused(400, "invalid_query");
    let unknown = send(&staff, &query, "image/png", "").send().await;
    unknown.refused(415, "unsupported_media_type");
    open()
        .shop()
        .request("POST", &format!("{PATH}{query}"))
        .send()
        .await
        .refused(401, "unauthorized");
    let after = count(&mut open().conn(), "catalog.imports WHERE url IS NOT NULL");
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_this_machine_is_not_asked() {
    let staff = open().admin().await;
    let elsewhere = Elsewhere::start().await;
    let url = elsewhere.has("/a.csv", b"sku,name,price,currency".to_vec());

    let import = import(&staff, &url.replace("127.0.0.1", "localhost"), "text/csv").await;

    assert_eq!(import["state"], "failed");
    let error = import["error"].as_str().expect("a reason");
    assert!(
        error.contains("leads to an address that is not public"),
        "{error}"
    );
    assert_eq!(elsewhere.asked_in_all(), 0);
}
