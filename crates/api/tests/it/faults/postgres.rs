//! Postgres goes away and comes back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use db::embedded::Server;
use db::testing::TestDatabase;

use crate::support::process::Process;
use crate::support::{Cluster, alone, eventually, fresh_dir, fresh_key, order_of};

/// A Postgres of its own that can be stopped and started at one address.
struct Postgres {
    server: Option<Server>,
    dir: PathBuf,
    /// Removes the data at the end, however that comes.
    _janitor: Process,
}

/// Waits for SIGINT, then for the server, whose data it removes.
const JANITOR: &str = r#"trap 'exec 0<&-' INT
tail -f /dev/null & t=$!; wait; kill $t
while [ -e "$0/data/postgres/postmaster.pid" ]; do sleep 0.1; done; rm -rf "$0""#;

impl Postgres {
    fn start() -> Self {
        let dir = fresh_dir();
        std::fs::create_dir_all(&dir).expect("a folder");
        let script = |_: &Path| {
            vec![
                "-c".to_owned(),
                JANITOR.to_owned(),
                dir.display().to_string(),
            ]
        };
        let _janitor = Process::start(Path::new("/bin/sh"), &[], script);
        let mut postgres = Self {
            server: None,
            dir,
            _janitor,
        };
        postgres.resume();
        postgres
    }

    fn stop(&mut self) {
        self.server = None;
    }

    /// The socket is in another folder each time, so clients go through a link.
    fn resume(&mut self) {
        let server = Server::start(&self.dir.join("data")).expect("Postgres");
        let url = server.url("postgres");
        let socket = url.split(['=', ' ']).nth(1).expect("host=…");
        let link = self.dir.join("socket");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(socket, link).expect("a link");
        self.server = Some(server);
    }

    fn database(&self) -> TestDatabase {
        let link = self.dir.join("socket");
        let url = format!("host={} user=cartwright dbname=postgres", link.display());
        TestDatabase { url }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_answers_say_when_to_come_back_and_then_all_is_well() {
    let _alone = alone().await;
    let mut postgres = tokio::task::block_in_place(Postgres::start);
    let cluster = Cluster::with("open", 2, true, postgres.database());
    let shop = cluster.shop();
    let user = shop.register().await;
    let (key, body) = (fresh_key(), order_of(user, &[1]));
    let placed = shop
        .post("/api/orders", &body)
        .key(&key)
        .send()
        .await
        .expect(201);

    tokio::task::block_in_place(|| postgres.stop());
    for _ in 0..3 {
        let requests = [
            shop.post("/api/orders", &order_of(user, &[2]))
                .key(&fresh_key()),
            shop.get("/api/orders/1"),
            shop.delete("/api/orders/1"),
        ];
        for request in requests {
            let answer = request.send().await;
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            answer.expect(503);
        }
    }
    assert_eq!(shop.get("/readyz").send().await.status, 503);
    assert_eq!(shop.get("/livez").send().await.status, 200);

    tokio::task::block_in_place(|| postgres.resume());
    let is_back = async || shop.get("/readyz").send().await.status == 200;
    eventually("Postgres is found again", Duration::from_secs(10), is_back).await;
    for replica in [0, 1] {
        let again = cluster
            .replica(replica)
            .post("/api/orders", &body)
            .key(&key);
        assert_eq!(again.send().await.expect(201), placed);
    }
    let next = shop.post("/api/orders", &order_of(user, &[2])).send().await;
    assert_eq!(next.expect(201)["orderId"], 2);
}
