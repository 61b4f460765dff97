//! Pictures: sent, kept, made smaller, shown and removed.

mod files;
mod interrupted;
mod keeping;
mod products;
mod refusals;
mod s3;

use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::shop::Request;
use crate::support::{Cluster, Shop, count, eventually, fresh_key, open};

const PATH: &str = "/api/admin/media";
const SOON: Duration = Duration::from_secs(60);

/// A picture of one colour, which nobody else has.
pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let random = uuid::Uuid::new_v4().into_bytes();
    let mut image = RgbImage::from_pixel(width, height, Rgb([random[0], random[1], random[2]]));
    for (pixel, byte) in image.pixels_mut().step_by(8).zip(random) {
        *pixel = Rgb([byte, byte, random[3]]);
    }
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(image);
    image.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

/// A PNG that is as large as its pixels.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut image = RgbImage::new(width, height);
    for byte in image.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(image);
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encoded");
    bytes.into_inner()
}

fn send(staff: &Shop, query: &str, bytes: impl Into<Vec<u8>>) -> Request {
    let path = format!("{PATH}{query}");
    staff.request("POST", &path).raw("image/png", bytes)
}

async fn upload(staff: &Shop, query: &str, bytes: impl Into<Vec<u8>>) -> Value {
    send(staff, query, bytes).send().await.expect(201)
}

/// A small picture that is there.
pub async fn uploaded(staff: &Shop, alt: &str) -> Value {
    let query = format!("?alt={alt}");
    upload(staff, &query, picture(8, 8, ImageFormat::Png)).await
}

fn address(media: &Value) -> &str {
    media["url"].as_str().expect("an address")
}

fn rendition(media: &Value, width: u32) -> String {
    let (folder, _) = address(media).rsplit_once('/').expect("a folder");
    format!("{folder}/{width}.webp")
}

/// The picture, once it has been made smaller.
async fn rendered(staff: &Shop, media: &Value) -> Value {
    let path = format!("{PATH}/{}", media["id"]);
    let is_there = async || !staff.get(&path).send().await.json()["renderedAt"].is_null();
    eventually("it is made smaller", SOON, is_there).await;
    staff.get(&path).send().await.expect(200)
}

/// Has the bytes of pictures that are gone removed; a job that does it by itself may be about to come.
async fn collect(staff: &Shop) {
    let run = staff.request("POST", "/api/schedules/collectMedia/run");
    let status = run.send().await.status;
    assert!(matches!(status, 200 | 201), "{status}");
}

fn kept(name: &str) -> i64 {
    kept_in(open(), &format!("name = '{name}'"))
}

fn kept_in(cluster: &Cluster, condition: &str) -> i64 {
    let rows = format!("catalog.media WHERE {condition}");
    count(&mut cluster.conn(), &rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_and_served_by_every_replica_for_ever() {
    let staff = open().admin().await;
    let bytes = picture(40, 20, ImageFormat::Png);

    let sent = send(&staff, "?name=mug.txt&alt=A%20mug%20%F0%9F%8D%B5", bytes).send();
    let sent = sent.await;

    assert_eq!(sent.header("etag"), Some("\"1\""));
    let location = sent.header("location").expect("an address").to_owned();
    let media = sent.expect(201);
    let hash = address(&media)
        .strip_prefix("/media/")
        .and_then(|rest| rest.strip_suffix("/original.png"))
        .expect("a hash");
    assert_eq!(media["contentType"], "image/png");
    assert_eq!(
        (&media["name"], &media["alt"]),
        (&json!("mug.txt"), &json!("A mug 🍵"))
    );
    assert_eq!(
        (&media["width"], &media["height"], &media["widths"]),
        (&json!(40), &json!(20), &json!([]))
    );
    let read = staff.get(&location).send().await.expect(200);
    assert_eq!(read["url"], media["url"]);
    for shop in [open().shop(), open().replica(0), open().replica(1)] {
        let served = shop.get(address(&media)).send().await;
        assert_eq!(served.status, 200);
        assert_eq!(served.header("content-type"), Some("image/png"));
        assert_eq!(served.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            served.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(media["bytes"], served.body.len());
        assert_eq!(sha256(&served.body), hash);
        let etag = served.header("etag").expect("an ETag").to_owned();
        assert!(etag.starts_with('"'), "{etag}");
        let again = shop.get(address(&media)).header("if-none-match", &etag);
        let again = again.send().await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(etag.as_str()));
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
    catalog::media::Hash(digest).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_made_smaller_after_the_answer() {
    let staff = open().admin().await;

    let media = upload(&staff, "", picture(700, 350, ImageFormat::Jpeg)).await;

    assert_eq!(media["contentType"], "image/jpeg");
    assert_eq!(media["widths"], json!([160, 320, 640]));
    rendered(&staff, &media).await;
    for replica in 0..2 {
        for width in [160, 320, 640] {
            let shop = open().replica(replica);
            let served = shop.get(&rendition(&media, width)).send().await;
            assert_eq!(served.header("content-type"), Some("image/webp"));
            assert_eq!(
                served.header("cache-control"),
                Some("public, max-age=31536000, immutable")
            );
            let image = image::load_from_memory(&served.body).expect("a picture");
            assert_eq!((image.width(), image.height()), (width, width / 2));
        }
    }
    for other in [
        "1280.webp",
        "160.jpg",
        "original.webp",
        "0160.webp",
        "..%2F",
    ] {
        let path = address(&media).replace("original.jpg", other);
        let refused = open().replica(0).get(&path).send().await;
        assert_eq!(refused.status, 404, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_upload_is_one_picture() {
    let staff = open().admin().await;
    let (name, key) = (fresh_key(), fresh_key());
    let bytes = picture(8, 8, ImageFormat::Png);
    let query = format!("?name={name}");
    let first = send(&staff, &query, bytes.clone()).key(&key).send().await;
    let first = first.expect(201);

    let again = send(&staff, &query, bytes.clone()).key(&key).send().await;
    let other = picture(8, 8, ImageFormat::Png);
    let other = send(&staff, &query, other).key(&key).send().await;

    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201)["id"], first["id"]);
    other.refused(422, "idempotency_key_reused");
    assert_eq!(kept(&name), 1);
    // Both at once.
    let key = fresh_key();
    let two = || send(&staff, &query, bytes.clone()).key(&key).send();
    let (one, two) = tokio::join!(two(), two());
    let (one, two) = (one.expect(201), two.expect(201));
    assert_eq!(one["id"], two["id"]);
    let rows = format!("catalog.media WHERE name = '{name}' AND state = 'kept'");
    assert_eq!(count(&mut open().conn(), &rows), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_picture_changes_only_for_who_has_read_it() {
    let staff = open().admin().await;
    let media = uploaded(&staff, "Before").await;
    let path = format!("{PATH}/{}", media["id"]);

    let changed = staff.patch(&path, &json!({"alt": "After"}));
    let changed = changed.header("if-match", "\"1\"").send().await;
    let stale = staff.patch(&path, &json!({"alt": "Late"}));
    let stale = stale.header("if-match", "\"1\"").send().await;

    assert_eq!(changed.header("etag"), Some("\"2\""));
    assert_eq!(changed.expect(200)["alt"], "After");
    stale.refused(412, "precondition_failed");
    let page = staff.get(&format!("{PATH}?limit=100")).send().await;
    let page = page.expect(200);
    let listed = page["media"].as_array().expect("a list");
    let listed = listed.iter().find(|one| one["id"] == media["id"]);
    assert_eq!(listed.expect("listed")["alt"], "After");
    let told = format!(
        "platform.outbox WHERE resource_type = 'media' AND resource_id = {}",
        media["id"]
    );
    assert_eq!(count(&mut open().conn(), &told), 2);
}
