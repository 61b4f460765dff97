//! Several servers of which one counts.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use db::embedded::Server;
use db::{Db, DbError, PoolConfig};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// A server with a table, and a standby with the same data, which asks nobody for more.
fn primary_and_standby(dir: &Path) -> (Server, Server) {
    let (one, other) = (dir.join("one"), dir.join("other"));
    let server = Server::start(&one).unwrap();
    connect(&server)
        .batch_execute("CREATE TABLE told (word text)")
        .unwrap();
    drop(server);
    // With its owner, whom Postgres looks at.
    let copied = Command::new("cp").arg("-a").args([&one, &other]).status();
    assert!(copied.unwrap().success());
    fs::write(other.join("postgres/standby.signal"), "").unwrap();
    (Server::start(&one).unwrap(), Server::start(&other).unwrap())
}

fn connect(server: &Server) -> PgConnection {
    PgConnection::establish(&server.url("postgres")).unwrap()
}

fn host(server: &Server) -> String {
    let url = server.url("postgres");
    let host = url.split(' ').find_map(|word| word.strip_prefix("host="));
    host.unwrap().to_owned()
}

async fn tell(db: &Db) -> Result<(), DbError> {
    db.run(|conn| Ok(conn.batch_execute("INSERT INTO told VALUES ('word')")?))
        .await
}

#[tokio::test]
async fn of_several_hosts_the_one_is_used_that_is_no_standby_at_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let (primary, standby) = primary_and_standby(dir.path());
    let hosts = format!("{},{}", host(&standby), host(&primary));
    let db = Db::new(&PoolConfig {
        url: format!("host={hosts} user=cartwright dbname=postgres"),
        size: 2,
        acquire_timeout: Duration::from_secs(1),
        statement_timeout: Duration::from_secs(1),
    });
    let db = db.unwrap();

    tell(&db).await.unwrap();
    drop(primary);
    let nobody = tell(&db).await;
    connect(&standby)
        .batch_execute("SELECT pg_promote()")
        .unwrap();
    tell(&db).await.unwrap();

    assert!(matches!(nobody, Err(DbError::Unavailable(_))), "{nobody:?}");
}
