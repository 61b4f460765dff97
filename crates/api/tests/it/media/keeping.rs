//! Bytes that stay as long as somebody knows of them, and no longer.

use std::fs;

use diesel::connection::SimpleConnection as _;
use image::ImageFormat;
use serde_json::{Value, json};

use super::{PATH, SOON, address, collect, noise, picture, rendered, rendition, upload, uploaded};
use crate::support::{Cluster, count, eventually, fresh_key, open, text};

/// Where the bytes of a picture are.
fn folder(cluster: &Cluster, media: &Value) -> std::path::PathBuf {
    let file = format!(
        "(SELECT file::text FROM catalog.media WHERE id = {})",
        media["id"]
    );
    cluster.media_dir().join(text(&mut cluster.conn(), &file))
}

fn row(media: &Value) -> String {
    format!("catalog.media WHERE id = {}", media["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_a_product_has_stays_and_then_goes_with_its_bytes() {
    let staff = open().admin().await;
    let product = staff.product(&fresh_key().to_uppercase(), 1).await;
    let media = upload(&staff, "", picture(200, 100, ImageFormat::Png)).await;
    rendered(&staff, &media).await;
    let (path, folder) = (format!("{PATH}/{}", media["id"]), folder(open(), &media));
    let gallery = format!("/api/admin/products/{product}/media");
    let put = async |list: Value| {
        let set = staff.put(&gallery, &json!({ "media": list })).send().await;
        set.expect(200)
    };
    put(json!([{"id": media["id"]}])).await;

    // What a replica that was killed leaves there.
    fs::write(folder.join("original.png#1"), "half of it").expect("written");

    let in_use = staff.delete(&path).send().await;
    put(json!([])).await;
    let stale = staff.delete(&path).header("if-match", "\"7\"").send().await;
    let deleted = staff.delete(&path).send().await;
    let again = staff.delete(&path).send().await;

    in_use.refused(409, "media_in_use");
    stale.refused(412, "precondition_failed");
    assert_eq!(deleted.status, 204);
    again.refused(404, "media_not_found");
    let list = staff.put(&gallery, &json!({"media": [{"id": media["id"]}]}));
    list.send().await.refused(422, "validation_failed");
    // A job that comes every half minute may be about to come.
    collect(&staff).await;
    let is_gone = async || count(&mut open().conn(), &row(&media)) == 0;
    eventually("its row is gone", SOON, is_gone).await;
    let left = fs::read_dir(&folder).map(Iterator::count).unwrap_or(0);
    assert_eq!(left, 0, "{folder:?}");
    for replica in 0..2 {
        let shop = open().replica(replica);
        let is_gone = async || shop.get(address(&media)).send().await.status == 404;
        eventually("it is not served", SOON, is_gone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_served_when_another_one_with_the_same_bytes_is_deleted() {
    let staff = open().admin().await;
    let bytes = picture(200, 100, ImageFormat::Png);
    let gone = upload(&staff, "", bytes.clone()).await;
    rendered(&staff, &gone).await;
    let kept = upload(&staff, "", bytes).await;
    rendered(&staff, &kept).await;
    assert_eq!(address(&gone), address(&kept));
    let (original, smaller) = (address(&kept), rendition(&kept, 160));
    let folder = folder(open(), &gone);
    let read = async |path: &str| open().replica(0).get(path).send().await.status;
    // Both are read where those are that were rendered first.
    assert_eq!((read(original).await, read(&smaller).await), (200, 200));

    let deleted = staff.delete(&format!("{PATH}/{}", gone["id"])).send().await;
    // Unless the job was faster.
    let _ = fs::remove_dir_all(&folder);

    assert_eq!(deleted.status, 204);
    assert_eq!((read(original).await, read(&smaller).await), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_an_upload_that_broke_off_are_removed() {
    let staff = open().admin().await;
    let media = uploaded(&staff, "Lost").await;
    let folder = folder(open(), &media);
    assert!(folder.join("original.png").exists());
    // As it would be had its replica died before it answered.
    let mut conn = open().conn();
    let lose = |age: &str| {
        format!(
            "UPDATE catalog.media SET state = 'incoming', created_at = now() - interval '{age}' WHERE id = {}",
            media["id"]
        )
    };
    conn.batch_execute(&lose("50 minutes")).expect("lost");

    let read = staff.get(&format!("{PATH}/{}", media["id"])).send().await;
    collect(&staff).await;
    let idle = "platform.jobs WHERE kind = 'collectMedia' AND state IN ('queued', 'running')";
    let is_done = async || count(&mut open().conn(), idle) == 0;
    eventually("it was looked for", SOON, is_done).await;
    let is_early = folder.join("original.png").exists();
    conn.batch_execute(&lose("2 hours")).expect("lost");
    collect(&staff).await;

    read.refused(404, "media_not_found");
    assert!(is_early);
    let is_gone = async || count(&mut open().conn(), &row(&media)) == 0;
    eventually("its row is gone", SOON, is_gone).await;
    assert!(!folder.join("original.png").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_the_replica_and_is_shown_before_it_is_made_smaller() {
    let cluster = Cluster::with_command(2, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let media = upload(&staff, "", picture(400, 200, ImageFormat::Png)).await;
    for replica in 0..2 {
        cluster.signal(replica, "KILL");
        cluster.restart(replica);
    }

    let original = cluster.replica(0).get(address(&media)).send().await;
    let smaller = cluster.replica(1).get(&rendition(&media, 160)).send().await;
    let (_worker, _) = cluster.start_beside(&["worker"]);

    assert_eq!((original.status, smaller.status), (200, 200));
    assert_eq!(smaller.header("content-type"), Some("image/png"));
    assert_eq!(smaller.header("cache-control"), Some("public, max-age=5"));
    assert_eq!(smaller.body, original.body);
    rendered(&staff, &media).await;
    let served = cluster.replica(1).get(&rendition(&media, 160)).send().await;
    assert_eq!(served.header("content-type"), Some("image/webp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_picture_that_is_gone_removes_what_an_earlier_attempt_left() {
    let file = uuid::Uuid::new_v4();
    let folder = open().media_dir().join(file.to_string());
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("160.webp"), "left by who was killed").expect("written");
    let enqueue = format!(
        "INSERT INTO platform.jobs (queue, kind, payload) \
         VALUES ('media', 'renderMedia', '{{\"mediaId\": {}, \"file\": \"{file}\"}}')",
        i64::MAX
    );

    open().conn().batch_execute(&enqueue).expect("enqueued");

    let is_gone = async || !folder.exists();
    eventually("its bytes are gone", SOON, is_gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_picture_that_cannot_be_removed_does_not_keep_the_others() {
    let cluster = Cluster::with_command(1, &[], &["serve"]);
    let staff = cluster.admin().await;
    let (stuck, other) = (
        uploaded(&staff, "Stuck").await,
        uploaded(&staff, "Other").await,
    );
    for media in [&stuck, &other] {
        rendered(&staff, media).await;
    }
    // In place of its folder, where it cannot be removed as one.
    let file = folder(&cluster, &stuck);
    fs::remove_dir_all(&file).expect("removed");
    fs::write(&file, "no folder").expect("written");

    for media in [&stuck, &other] {
        let deleted = staff
            .delete(&format!("{PATH}/{}", media["id"]))
            .send()
            .await;
        assert_eq!(deleted.status, 204);
    }
    collect(&staff).await;

    let is_gone = async || count(&mut cluster.conn(), &row(&other)) == 0;
    eventually("the other one is gone", SOON, is_gone).await;
    assert_eq!(count(&mut cluster.conn(), &row(&stuck)), 1);
}

/// What a replica had at most, in KiB (proc(5)).
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number
        .and_then(|number| number.parse().ok())
        .expect("a peak")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_picture_costs_the_replica_next_to_nothing() {
    let cluster = Cluster::with_command(1, &[], &["serve"]);
    let staff = cluster.admin().await;
    let warm = upload(&staff, "", picture(400, 300, ImageFormat::Jpeg)).await;
    rendered(&staff, &warm).await;
    let pid = cluster.pid(0);
    let before = peak(pid);

    let bytes = noise(2_600, 2_600);
    // Nearly as large as may be.
    assert!(bytes.len() > 19 * 1024 * 1024, "{}", bytes.len());
    let media = upload(&staff, "", bytes).await;
    rendered(&staff, &media).await;

    let more = peak(pid).saturating_sub(before);
    assert!(more < 16 * 1024, "{more} KiB more than {before}");
}
