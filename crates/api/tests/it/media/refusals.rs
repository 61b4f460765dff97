//! What is no picture, or too much of one.

use image::ImageFormat;
use serde_json::json;

use super::{PATH, kept, picture, send, uploaded};
use crate::support::{fresh_key, open};

/// CRC-32 as PNG has it (ISO 3309).
fn crc(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    };
    (!bytes.iter().fold(u32::MAX, step)).to_be_bytes()
}

/// A PNG of few bytes that says to be 20,000 pixels wide and high.
fn bomb() -> Vec<u8> {
    let mut png = picture(8, 8, ImageFormat::Png);
    let side = 20_000_u32.to_be_bytes();
    png[16..20].copy_from_slice(&side);
    png[20..24].copy_from_slice(&side);
    let crc = crc(&png[12..29]);
    png[29..33].copy_from_slice(&crc);
    png
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_and_nothing_is_kept_of_it() {
    let staff = open().admin().await;
    let name = fresh_key();
    let query = format!("?name={name}");
    let whole = |format| picture(300, 200, format);
    let half = |format| {
        let bytes = whole(format);
        bytes[..bytes.len() / 2].to_vec()
    };
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (bytes, code) in [
        (Vec::new(), "empty"),
        (b"This is no picture.png".to_vec(), "unknown_kind"),
        (svg.to_vec(), "unknown_kind"),
        (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), "unknown_kind"),
        (half(ImageFormat::Png), "broken"),
        (half(ImageFormat::Jpeg), "broken"),
        (half(ImageFormat::WebP), "broken"),
        (bomb(), "too_many_pixels"),
    ] {
        let refused = send(&staff, &query, bytes).send().await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "file", "{refused}");
        assert_eq!(refused["errors"][0]["code"], code, "{refused}");
    }
    assert_eq!(kept(&name), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_decide_what_a_picture_is_and_nothing_else_gets_through() {
    let staff = open().admin().await;
    let jpeg = picture(30, 20, ImageFormat::Jpeg);
    let both = [&jpeg[..], b"<script>alert(1)</script>PK\x05\x06"].concat();
    for kind in ["image/png", "image/svg+xml", "application/octet-stream"] {
        let sent = staff.request("POST", &format!("{PATH}?name=page.html"));
        let media = sent.raw(kind, both.clone()).send().await.expect(201);
        assert_eq!(media["contentType"], "image/jpeg");
        let path = media["url"].as_str().expect("an address");
        assert!(path.ends_with("/original.jpg"), "{path}");
        let served = open().replica(1).get(path).send().await;
        assert_eq!(served.header("content-type"), Some("image/jpeg"));
        let has_script = served.body.windows(8).any(|part| part == b"<script>");
        assert!(!has_script);
    }
    for kind in [
        "text/plain",
        "text/html",
        "application/json",
        "",
        "multipart/form-data",
    ] {
        let sent = staff.request("POST", PATH).raw(kind, jpeg.clone());
        sent.send().await.refused(415, "unsupported_media_type");
    }
    let zipped = send(&staff, "", jpeg).header("content-encoding", "gzip");
    zipped.send().await.refused(415, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_a_413_of_nginx_and_of_a_replica() {
    let staff = open().admin().await;
    let token = open().token("admin@example.com", crate::support::cluster::ADMIN_PASSWORD);
    let direct = open().replica(0).with_token(&token.await);
    let large = vec![0xff; 20 * 1024 * 1024 + 1];

    let of_nginx = send(&staff, "", large.clone()).send().await;
    let of_replica = send(&direct, "", large).send().await;

    of_nginx.refused(413, "payload_too_large");
    of_replica.refused(413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_ids_that_make_no_sense_are_refused() {
    let staff = open().admin().await;
    let bytes = picture(8, 8, ImageFormat::Png);
    for (query, field) in [
        (format!("?alt={}", "x".repeat(1_001)), "alt"),
        ("?alt=a%00b".to_owned(), "alt"),
        ("?alt=a%1b%5b31mb".to_owned(), "alt"),
        (format!("?name={}", "%F0%9F%8D%B5".repeat(201)), "name"),
    ] {
        let refused = send(&staff, &query, bytes.clone()).send().await;
        let refused = refused.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], field, "{query}");
    }
    for query in ["?size=1", "?alt=a&alt=b", "?alt=%ff%zz&x"] {
        let refused = send(&staff, query, bytes.clone()).send().await;
        refused.refused(400, "invalid_query");
    }
    let media = uploaded(&staff, "One").await;
    let path = format!("{PATH}/{}", media["id"]);
    for (body, field) in [
        (json!({"alt": "x".repeat(10_000)}), "alt"),
        (json!({"alt": "a\u{0}b"}), "alt"),
        (json!({"alt": 1}), "alt"),
        (json!({"hash": "x"}), "hash"),
    ] {
        let refused = staff.patch(&path, &body).send().await;
        let refused = refused.refused(422, "validation_failed");
        assert_eq!(refused["errors"][0]["field"], field, "{body}");
    }
    for id in [
        "0",
        "-1",
        "x",
        "9223372036854775807",
        "99999999999999999999",
    ] {
        let path = format!("{PATH}/{id}");
        let found = staff.get(&path).send().await;
        found.refused(404, "media_not_found");
        let deleted = staff.delete(&path).send().await;
        deleted.refused(404, "media_not_found");
    }
    for path in [
        format!("/media/{}/original.png", "0".repeat(64)),
        format!("/media/{}/original.png", "F".repeat(64)),
        "/media/..%2f..%2fetc%2fpasswd/original.png".to_owned(),
        format!("/media/{}/..%2foriginal.png", "0".repeat(64)),
    ] {
        let found = open().replica(0).get(&path).send().await;
        found.refused(404, "media_not_found");
    }
    for query in ["?limit=0", "?limit=101", "?cursor=x", "?page=1"] {
        let listed = staff.get(&format!("{PATH}{query}")).send().await;
        listed.refused(400, "invalid_query");
    }
}
