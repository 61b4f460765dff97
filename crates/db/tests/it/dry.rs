use db::{Db, DbError, request};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::{count, database};

const TABLES: &str = "
    CREATE TABLE parents (id bigint PRIMARY KEY);
    CREATE TABLE children (parent bigint REFERENCES parents DEFERRABLE INITIALLY DEFERRED);";

async fn insert(db: &Db, statement: &'static str) -> Result<(), DbError> {
    db.run(move |conn| {
        conn.transaction(|conn| conn.batch_execute(statement))?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_dry_work_nothing_is_kept_and_the_connection_is_good_for_more() {
    let database = database();
    let mut conn = database.connect();
    conn.batch_execute(TABLES).unwrap();
    let db = database.pool(1);

    let dry = async || {
        insert(&db, "INSERT INTO parents VALUES (1)").await.unwrap();
        let seen = db.run(|conn| Ok::<_, DbError>(count(conn, "parents")));
        assert_eq!(seen.await.unwrap(), 0, "each piece of work by itself");
    };
    request::dry(dry()).await;

    assert_eq!(count(&mut conn, "parents"), 0);
    insert(&db, "INSERT INTO parents VALUES (1)").await.unwrap();
    assert_eq!(count(&mut conn, "parents"), 1);
}

#[tokio::test]
async fn what_would_be_refused_at_the_end_is_refused() {
    let database = database();
    let mut conn = database.connect();
    conn.batch_execute(TABLES).unwrap();
    let db = database.pool(1);

    for statement in [
        "INSERT INTO children VALUES (7)",
        "INSERT INTO parents VALUES (1), (1)",
    ] {
        let wet = insert(&db, statement).await.unwrap_err();
        let dry = request::dry(insert(&db, statement)).await.unwrap_err();
        assert_eq!(dry.to_string(), wet.to_string());
        assert!(matches!(dry, DbError::Query(_)), "{dry}");
    }

    let good = "INSERT INTO children VALUES (1); INSERT INTO parents VALUES (1)";
    request::dry(insert(&db, good)).await.unwrap();
    assert_eq!(count(&mut conn, "children"), 0);
}

#[tokio::test]
async fn a_panic_keeps_nothing_either() {
    let database = database();
    let mut conn = database.connect();
    conn.batch_execute(TABLES).unwrap();
    let db = database.pool(1);

    let broken = db.run(|conn| {
        conn.batch_execute("INSERT INTO parents VALUES (1)")
            .map_err(DbError::from)?;
        if count(conn, "parents") == 1 {
            panic!("half-way");
        }
        Ok::<_, DbError>(())
    });
    let error = request::dry(broken).await.unwrap_err();

    assert!(matches!(error, DbError::Panicked), "{error}");
    insert(&db, "INSERT INTO parents VALUES (2)").await.unwrap();
    assert_eq!(count(&mut conn, "parents"), 1);
}
