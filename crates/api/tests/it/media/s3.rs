//! Pictures in an S3-compatible store, which runs in this process.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use image::ImageFormat;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::sync::watch;

use super::{
    PATH, SOON, address, collect, kept_in, noise, picture, rendered, rendition, send, upload,
};
use crate::support::{Cluster, eventually, text};

const BUCKET: &str = "pictures";
const KEYS: (&str, &str) = ("a-name", "a secret of the shop");

fn shop_with(endpoint: &str, secret: &str) -> Cluster {
    let settings = [
        ("MEDIA__STORE", "s3"),
        ("MEDIA__ENDPOINT", endpoint),
        ("MEDIA__BUCKET", BUCKET),
        ("MEDIA__ACCESS_KEY", KEYS.0),
        ("MEDIA__SECRET_KEY", secret),
    ];
    Cluster::with_settings("open", 2, &settings)
}

/// A store with one bucket. It ends with its task.
struct Store {
    dir: tempfile::TempDir,
    endpoint: String,
    /// Whether it does what it is asked, rather than wait.
    is_open: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Store {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(dir.path()).expect("a store");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (is_open, opened) = watch::channel(true);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = Builder::new(TokioExecutor::new());
                let connection = server.serve_connection(TokioIo::new(socket), service.clone());
                let connection = connection.into_owned();
                let mut opened = opened.clone();
                tokio::spawn(async move {
                    let _ = opened.wait_for(|is_open| *is_open).await;
                    connection.await
                });
            }
        });
        Self {
            dir,
            endpoint: format!("http://{address}"),
            is_open,
            task,
        }
    }

    /// A shop that keeps its pictures there.
    fn shop(&self, secret: &str) -> Cluster {
        shop_with(&self.endpoint, secret)
    }

    /// All that is in the bucket.
    fn files(&self) -> Vec<PathBuf> {
        files_below(&self.dir.path().join(BUCKET))
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_kept_served_and_removed_in_a_bucket() {
    let store = Store::start().await;
    let cluster = store.shop(KEYS.1);
    let staff = cluster.admin().await;
    // Large enough to be sent in parts.
    let noise = noise(1_600, 1_600);
    let small = upload(&staff, "", picture(200, 100, ImageFormat::Png)).await;

    let large = upload(&staff, "", noise).await;

    assert!(large["bytes"].as_i64() > Some(5 * 1024 * 1024), "{large}");
    for media in [&small, &large] {
        rendered(&staff, media).await;
        for replica in 0..2 {
            let shop = cluster.replica(replica);
            let original = shop.get(address(media)).send().await;
            assert_eq!(media["bytes"], original.body.len());
            let smaller = shop.get(&rendition(media, 160)).send().await;
            assert_eq!(smaller.header("content-type"), Some("image/webp"));
            let image = image::load_from_memory(&smaller.body).expect("a picture");
            assert_eq!(image.width(), 160);
        }
    }
    assert!(files_below(cluster.media_dir()).is_empty());
    for media in [&small, &large] {
        let path = format!("{PATH}/{}", media["id"]);
        assert_eq!(staff.delete(&path).send().await.status, 204);
    }
    collect(&staff).await;
    let is_empty = async || kept_in(&cluster, "true") == 0;
    eventually("all rows are gone", SOON, is_empty).await;
    let left = store.files();
    assert!(left.iter().all(|file| !is_of_a_picture(file)), "{left:?}");
}

/// The store keeps files of its own beside them.
fn is_of_a_picture(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(".webp") || name.ends_with(".png"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_be_kept_that_the_store_did_not_take() {
    let store = Store::start().await;
    let cluster = store.shop("another secret");
    let staff = cluster.admin().await;

    let refused = send(&staff, "", picture(8, 8, ImageFormat::Png))
        .send()
        .await;

    refused.refused(503, "store_unavailable");
    assert_eq!(kept_in(&cluster, "state <> 'dropped'"), 0);
    store.task.abort();
    let refused = send(&staff, "", picture(8, 8, ImageFormat::Png))
        .send()
        .await;
    refused.refused(503, "store_unavailable");
    assert_eq!(kept_in(&cluster, "state <> 'dropped'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_says_nothing_is_told_of_before_the_request_ends() {
    // It takes connections, and that is all.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let silent = silent.expect("a free port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let cluster = shop_with(&endpoint, KEYS.1);
    let conn = &mut cluster.conn();
    conn.batch_execute(
        "INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, state, rendered_at) \
         VALUES (sha256('x'), 'image/png', 1, 1, 1, '{}', '', '', 'kept', now())",
    )
    .expect("a picture");
    let hash = text(conn, "encode(sha256('x'), 'hex')");

    let read = cluster
        .replica(0)
        .get(&format!("/media/{hash}/original.png"));

    read.send().await.refused(503, "store_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_after_their_row_was_given_up_do_not_stay() {
    let store = Store::start().await;
    let cluster = store.shop(KEYS.1);
    let staff = cluster.admin().await;
    store.is_open.send_replace(false);
    let give_up = async {
        let is_coming = async || kept_in(&cluster, "state = 'incoming'") == 1;
        eventually("it is coming", SOON, is_coming).await;
        // As collectMedia does to one that has been frozen for an hour.
        let mut conn = cluster.conn();
        conn.batch_execute("DELETE FROM catalog.media")
            .expect("given up");
        store.is_open.send_replace(true);
    };

    let sent = send(&staff, "", picture(8, 8, ImageFormat::Png)).send();
    let (sent, ()) = tokio::join!(sent, give_up);

    sent.refused(503, "upload_lost");
    let left = store.files();
    assert!(left.iter().all(|file| !is_of_a_picture(file)), "{left:?}");
}
