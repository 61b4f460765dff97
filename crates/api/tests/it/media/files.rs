//! Files that are no pictures, and values of custom fields that name them.

use image::ImageFormat;
use serde_json::{Value, json};

use super::{PATH, SOON, address, collect, kept, picture, send, upload};
use crate::support::{Shop, count, eventually, fresh_key, open};

/// A PDF that nobody else has.
fn pdf() -> Vec<u8> {
    format!("%PDF-1.7\n% {}\n%%EOF\n", fresh_key()).into_bytes()
}

async fn upload_pdf(staff: &Shop, name: &str) -> (Value, Vec<u8>) {
    let bytes = pdf();
    let sent = staff.request("POST", &format!("{PATH}?name={name}"));
    let sent = sent.raw("application/pdf", bytes.clone()).send().await;
    (sent.expect(201), bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_as_it_came_and_sent_to_be_saved() {
    let staff = open().admin().await;

    let (media, bytes) = upload_pdf(&staff, "Manual.pdf").await;

    assert_eq!(media["contentType"], "application/pdf");
    assert_eq!(
        (&media["width"], &media["height"], &media["widths"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    assert_eq!(media["bytes"], bytes.len());
    let hash = super::sha256(&bytes);
    assert_eq!(address(&media), format!("/media/{hash}/original.pdf"));
    for shop in [open().shop(), open().replica(0), open().replica(1)] {
        let served = shop.get(address(&media)).send().await;
        assert_eq!(served.status, 200);
        assert_eq!(served.body, bytes);
        for (name, value) in [
            ("content-type", "application/pdf"),
            ("content-disposition", "attachment; filename=\"Manual.pdf\""),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "public, max-age=300"),
        ] {
            assert_eq!(served.header(name), Some(value), "{name}");
        }
        let etag = served.header("etag").expect("an ETag").to_owned();
        let again = shop.get(address(&media)).header("if-none-match", &etag);
        assert_eq!(again.send().await.status, 304);
    }
    for other in ["original.html", "160.webp", "original.jpg"] {
        let path = address(&media).replace("original.pdf", other);
        let refused = open().replica(0).get(&path).send().await;
        assert_eq!(refused.status, 404, "{other}");
    }
    let read = staff.get(&format!("{PATH}/{}", media["id"])).send().await;
    assert_eq!(read.expect(200)["name"], "Manual.pdf");
    let product = staff.product(&fresh_key().to_uppercase(), 1).await;
    let shown = json!({"media": [{"id": media["id"]}]});
    let shown = staff.put(&format!("/api/admin/products/{product}/media"), &shown);
    shown.send().await.refused(422, "validation_failed");
    let picture = upload(&staff, "", picture(8, 8, ImageFormat::Png)).await;
    let served = open().replica(0).get(address(&picture)).send().await;
    assert_eq!(served.header("content-disposition"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_is_saved_under_its_new_name_by_who_has_it_cached() {
    let staff = open().admin().await;
    let (media, _) = upload_pdf(&staff, "Draft").await;
    let shop = open().replica(1);
    let read = shop.get(address(&media)).send().await;
    let etag = read.header("etag").expect("an ETag").to_owned();

    let name = json!({"name": "Final"});
    let renamed = staff.patch(&format!("{PATH}/{}", media["id"]), &name);
    renamed.send().await.expect(200);

    let is_saved_so = async || {
        let again = shop.get(address(&media)).header("if-none-match", &etag);
        let again = again.send().await;
        assert_eq!(again.status, 304);
        again.header("content-disposition") == Some("attachment; filename=\"Final.pdf\"")
    };
    eventually("it has its new name", SOON, is_saved_so).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_or_a_machine_would_run_is_not_taken_whatever_it_is_called() {
    let staff = open().admin().await;
    let name = fresh_key();
    for bytes in [
        &b"<!DOCTYPE html><html><script>alert(1)</script></html>"[..],
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        b"MZ\x90\0\x03\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        b"#!/bin/sh\necho x\n",
        b"alert(1)",
    ] {
        let sent = staff.request("POST", &format!("{PATH}?name={name}"));
        let refused = sent.raw("application/pdf", bytes.to_vec()).send().await;
        let refused = refused.refused(422, "unusable_picture");
        assert_eq!(refused["errors"][0]["code"], "unknown_kind", "{refused}");
    }
    let form = staff.request("POST", PATH);
    let form = form.raw("application/x-www-form-urlencoded", pdf());
    form.send().await.refused(415, "unsupported_media_type");
    let large = [pdf(), vec![b' '; 20 * 1024 * 1024]].concat();
    let token = open().token("admin@example.com", crate::support::cluster::ADMIN_PASSWORD);
    let direct = open().replica(0).with_token(&token.await);
    let refused = send(&direct, &format!("?name={name}"), large).send().await;
    refused.refused(413, "payload_too_large");
    assert_eq!(kept(&name), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_find_the_file_that_a_value_names_and_nobody_deletes_it_meanwhile() {
    let staff = open().admin().await;
    let key = format!("f{}", fresh_key().replace('-', "_"));
    let field = json!({"resource": "product", "key": key, "type": "file", "visibility": "public"});
    let made = staff.post("/api/admin/custom-fields", &field).send().await;
    assert_eq!(made.expect(201)["type"], "file");
    let (media, bytes) = upload_pdf(&staff, "Sheet").await;
    let product = staff.product(&fresh_key().to_uppercase(), 1).await;
    let managed = format!("/api/admin/products/{product}");
    let file = format!("{PATH}/{}", media["id"]);

    let named = json!({"customFields": {&key: media["id"]}});
    let named = staff.patch(&managed, &named).send().await.expect(200);

    let expected = json!([{
        "id": media["id"], "name": "Sheet", "contentType": "application/pdf",
        "bytes": bytes.len(), "url": media["url"],
    }]);
    assert_eq!(named["files"], expected);
    let path = format!("/api/products/{product}");
    let shows = async |name: &str| {
        let mut shown = true;
        for replica in 0..2 {
            let read = open().replica(replica).get(&path).send().await.json();
            shown &= read["files"][0]["name"] == name && read["customFields"][&key] == media["id"];
        }
        shown
    };
    eventually("it is shown", SOON, async || shows("Sheet").await).await;
    let renamed = staff
        .patch(&file, &json!({"name": "Data sheet"}))
        .send()
        .await;
    renamed.expect(200);
    eventually("its name is shown", SOON, async || {
        shows("Data sheet").await
    })
    .await;
    let in_use = staff.delete(&file).send().await;
    in_use.refused(409, "media_in_use");
    let missing = json!({"customFields": {&key: 999_999_999}});
    let missing = staff.patch(&managed, &missing).send().await;
    let missing = missing.refused(422, "validation_failed");
    assert_eq!(missing["errors"][0]["field"], format!("customFields.{key}"));

    let unnamed = json!({"customFields": {&key: null}});
    let unnamed = staff.patch(&managed, &unnamed).send().await.expect(200);
    assert!(unnamed.get("files").is_none(), "{unnamed}");
    staff.delete(&file).send().await.expect(204);
    collect(&staff).await;
    let row = format!("catalog.media WHERE id = {}", media["id"]);
    let is_gone = async || count(&mut open().conn(), &row) == 0;
    eventually("its row is gone", SOON, is_gone).await;
    let is_gone = async || open().replica(0).get(address(&media)).send().await.status == 404;
    eventually("it is not served", SOON, is_gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_described_in_the_language_of_the_reader() {
    let staff = open().admin().await;
    let media = super::uploaded(&staff, "A%20mug").await;
    let path = format!("{PATH}/{}", media["id"]);
    assert_eq!(media["alts"], json!({}));
    let changed = json!({"alts": {"DE": "Ein Becher", "fr": "Une tasse"}});
    staff.patch(&path, &changed).send().await.expect(200);
    let changed = staff
        .patch(&path, &json!({"alts": {"fr": null}}))
        .send()
        .await;
    assert_eq!(changed.expect(200)["alts"], json!({"de": "Ein Becher"}));
    for (bad, field) in [
        (json!({"german": "x"}), "alts.german"),
        (json!({"de": "x", "DE": "y"}), "alts.de"),
        (json!({"de": "x".repeat(1_001)}), "alts"),
        (json!({"de": 7}), "alts.de"),
        (json!([]), "alts"),
    ] {
        let refused = staff.patch(&path, &json!({ "alts": bad })).send().await;
        let refused = refused.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], field, "{bad}");
    }
    let product = staff.product(&fresh_key().to_uppercase(), 1).await;
    let managed = format!("/api/admin/products/{product}/media");
    let put = async |one: Value| {
        let set = staff.put(&managed, &json!({"media": [one]})).send().await;
        set.expect(200)["media"][0].clone()
    };

    let taken = put(json!({"id": media["id"]})).await;

    assert_eq!(
        (&taken["alt"], &taken["alts"]),
        (&json!("A mug"), &json!({"de": "Ein Becher"}))
    );
    let is_said = async |query: &str, alt: &str| {
        for replica in 0..2 {
            let shop = open().replica(replica);
            let read = format!("/api/products/{product}{query}");
            let is_there = async || {
                let read = shop.get(&read).send().await.json();
                read["media"][0]["alt"] == alt && read["media"][0].get("alts").is_none()
            };
            eventually(alt, SOON, is_there).await;
        }
    };
    is_said("?locale=de-CH", "Ein Becher").await;
    is_said("?locale=fr", "A mug").await;
    is_said("", "A mug").await;
    put(json!({"id": media["id"], "alts": {"fr": "De dos"}})).await;
    is_said("?locale=fr", "De dos").await;
    is_said("?locale=de", "A mug").await;
}
