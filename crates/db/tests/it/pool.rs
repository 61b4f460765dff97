use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use db::testing::TestDatabase;
use db::{Db, DbError, PoolConfig};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tokio::task::JoinSet;

use crate::count;

fn impatience(database: &TestDatabase, size: u32) -> PoolConfig {
    PoolConfig {
        url: database.url.clone(),
        size,
        acquire_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(100),
    }
}

fn impatient(database: &TestDatabase, size: u32) -> Db {
    Db::new(&impatience(database, size)).unwrap()
}

fn backend_pid(conn: &mut PgConnection) -> Result<i64, DbError> {
    let pid = diesel::dsl::sql::<diesel::sql_types::BigInt>("pg_backend_pid()::bigint");
    Ok(diesel::select(pid).get_result(conn)?)
}

/// Ends every session in the database but the one that asks, as a restart of the server does.
fn kill_all_backends(database: &TestDatabase) {
    database
        .connect()
        .batch_execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
              WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .unwrap();
}

/// Opens all connections of a pool of `size`.
async fn warm_up(db: &Db, size: usize) {
    let all_here = Arc::new(std::sync::Barrier::new(size));
    let tasks: Vec<_> = (0..size)
        .map(|_| {
            let (db, all_here) = (db.clone(), Arc::clone(&all_here));
            tokio::spawn(async move {
                db.run(move |_| {
                    all_here.wait();
                    Ok::<_, DbError>(())
                })
                .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_is_done_by_as_many_threads_as_there_are_connections() {
    let database = db::testing::database(&[]);
    let db = database.pool(3);
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let mut callers = JoinSet::new();
    for _ in 0..6 {
        let (db, threads) = (db.clone(), Arc::clone(&threads));
        callers.spawn(async move {
            for _ in 0..2_000 {
                let seen = Arc::clone(&threads);
                let work = db.run(move |_| {
                    seen.lock().unwrap().insert(thread::current().id());
                    Ok::<_, DbError>(())
                });
                work.await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    callers.join_all().await;
    let threads = threads.lock().unwrap().len();
    assert!(threads <= 3, "{threads} threads");
}

#[tokio::test]
async fn what_the_work_spawns_is_done() {
    let db = db::testing::database(&[]).pool(1);
    let spawned = db.run(|_| Ok::<_, DbError>(tokio::spawn(async { 7 })));
    assert_eq!(spawned.await.unwrap().await.unwrap(), 7);
}

#[tokio::test]
async fn the_error_of_the_work_is_passed_on() {
    let db = crate::database().pool(1);

    let refused: Result<(), Box<dyn Error + Send + Sync>> =
        db.run(|_| Err("out of stock".into())).await;
    let bug = db
        .run(|conn| Ok::<_, DbError>(diesel::sql_query("SELEKT 1").execute(conn)?))
        .await;

    assert_eq!(refused.unwrap_err().to_string(), "out of stock");
    assert!(matches!(
        bug,
        Err(DbError::Query(DieselError::DatabaseError(..)))
    ));
}

#[tokio::test]
async fn a_constraint_that_held_is_a_query_error() {
    let db = crate::database().pool(1);

    let error = db
        .run(|conn| {
            conn.batch_execute(
                "INSERT INTO platform.idempotency_keys (scope, key, fingerprint) VALUES ('', '', '')",
            )?;
            Ok::<_, DbError>(())
        })
        .await;

    let Err(DbError::Query(DieselError::DatabaseError(kind, info))) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(kind, DatabaseErrorKind::CheckViolation));
    let constraint = Some("idempotency_keys_answered_or_resumable");
    assert_eq!(info.constraint_name(), constraint);
}

#[tokio::test]
async fn an_exhausted_pool_is_busy_and_then_free_again() {
    let db = impatient(&crate::database(), 1);
    let (release, held) = mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let holder = tokio::spawn({
        let db = db.clone();
        async move {
            db.run(move |_| {
                let _ = started.send(());
                let _ = held.recv();
                Ok::<_, DbError>(())
            })
            .await
        }
    });
    has_started.await.unwrap();

    let refused = db.run(backend_pid).await;
    drop(release);
    holder.await.unwrap().unwrap();

    assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");
    db.run(backend_pid).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_loss_of_all_connections_costs_at_most_one_call() {
    let database = crate::database();
    let db = database.pool(4);

    for _ in 0..3 {
        warm_up(&db, 4).await;
        kill_all_backends(&database);

        let mut failed = 0;
        for _ in 0..12 {
            match db.run(backend_pid).await {
                Ok(_) => {}
                Err(DbError::Unavailable(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(failed <= 1, "{failed} calls failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_loses_its_connection_fails_as_unavailable() {
    let database = crate::database();
    let db = database.pool(2);
    warm_up(&db, 2).await;
    kill_all_backends(&database);

    let lost = db.run(|conn| conn.transaction(backend_pid)).await;

    assert!(matches!(lost, Err(DbError::Unavailable(_))), "{lost:?}");
    for _ in 0..4 {
        let pid = db.run(|conn| conn.transaction(backend_pid));
        pid.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_background_work_do_not_wait_for_each_other() {
    let database = crate::database();
    for (size, requests, background) in [(16, 16, 8), (5, 5, 2), (4, 4, 2)] {
        let (db, aside) = Db::parted(&impatience(&database, size)).unwrap();
        for (busy, connections, other) in [(&db, requests, &aside), (&aside, background, &db)] {
            let (end, ended) = mpsc::channel::<()>();
            let ended = Arc::new(Mutex::new(ended));
            let begun = Arc::new(std::sync::Barrier::new(connections + 1));
            let mut held = JoinSet::new();
            for _ in 0..connections {
                let (busy, ended, begun) = (busy.clone(), Arc::clone(&ended), Arc::clone(&begun));
                held.spawn(async move {
                    let hold = busy.run(move |_| {
                        begun.wait();
                        let _ = ended.lock().unwrap().recv();
                        Ok::<_, DbError>(())
                    });
                    hold.await.unwrap();
                });
            }
            begun.wait();

            let one_more = busy.run(backend_pid).await;
            let of_other = other.run(backend_pid).await;

            drop(end);
            held.join_all().await;
            assert!(matches!(one_more, Err(DbError::Busy(_))), "{one_more:?}");
            of_other.unwrap();
        }
    }
}

#[tokio::test]
async fn few_connections_are_for_both() {
    let database = crate::database();
    let (db, aside) = Db::parted(&impatience(&database, 1)).unwrap();

    let pids = (
        db.run(backend_pid).await.unwrap(),
        aside.run(backend_pid).await.unwrap(),
    );

    assert_eq!(pids.0, pids.1);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_within_the_time_to_wait() {
    let db = Db::new(&PoolConfig {
        url: "host=/nowhere dbname=shop".into(),
        size: 1,
        acquire_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_secs(1),
    })
    .unwrap();

    let away = db.run(backend_pid).await;

    assert!(matches!(away, Err(DbError::Unavailable(_))), "{away:?}");
}

#[tokio::test]
async fn a_panic_rolls_back_and_its_connection_is_not_used_again() {
    let database = crate::database();
    database
        .connect()
        .batch_execute("CREATE TABLE marks (id bigint)")
        .unwrap();
    let db = database.pool(1);
    let pid = db.run(backend_pid).await.unwrap();

    let panicked = db
        .run(|conn| {
            conn.transaction(|conn| {
                conn.batch_execute("INSERT INTO marks VALUES (1)")?;
                if count(conn, "marks") == 1 {
                    panic!("on purpose");
                }
                Ok::<_, DbError>(())
            })
        })
        .await;

    assert!(matches!(panicked, Err(DbError::Panicked)), "{panicked:?}");
    assert_ne!(db.run(backend_pid).await.unwrap(), pid);
    let marks = db.run(|conn| Ok::<_, DbError>(count(conn, "marks"))).await;
    assert_eq!(marks.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_left_open_never_reaches_the_next_caller() {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    let db = crate::database().pool(1);
    let pid = db
        .run(|conn| {
            AnsiTransactionManager::begin_transaction(conn)?;
            backend_pid(conn)
        })
        .await
        .unwrap();

    assert_ne!(db.run(backend_pid).await.unwrap(), pid);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_busy() {
    let db = impatient(&crate::database(), 1);
    let pid = db.run(backend_pid).await.unwrap();

    let slow = db
        .run(|conn| Ok::<_, DbError>(conn.batch_execute("SELECT pg_sleep(60)")?))
        .await;

    assert!(matches!(slow, Err(DbError::Busy(_))), "{slow:?}");
    assert_eq!(
        db.run(backend_pid).await.unwrap(),
        pid,
        "the connection is still good"
    );
}

#[test]
fn a_lock_that_is_not_granted_in_time_is_busy() {
    let database = crate::database();
    let (holder, waiter) = (&mut database.connect(), &mut database.connect());
    holder
        .batch_execute("BEGIN; LOCK TABLE platform.outbox")
        .unwrap();

    let refused = waiter
        .batch_execute("SET lock_timeout = 20; SELECT count(*) FROM platform.outbox")
        .map_err(DbError::from);

    assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");
}

#[test]
fn a_deadlock_is_busy() {
    let database = crate::database();
    let (one, two) = (&mut database.connect(), &mut database.connect());
    for conn in [&mut *one, &mut *two] {
        conn.batch_execute("SET deadlock_timeout = 20; BEGIN")
            .unwrap();
    }
    one.batch_execute("SELECT pg_advisory_xact_lock(1)")
        .unwrap();
    two.batch_execute("SELECT pg_advisory_xact_lock(2)")
        .unwrap();

    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let outcome = one.batch_execute("SELECT pg_advisory_xact_lock(2)");
            one.batch_execute("ROLLBACK").unwrap();
            outcome
        });
        let second = two.batch_execute("SELECT pg_advisory_xact_lock(1)");
        two.batch_execute("ROLLBACK").unwrap();
        (first.join().unwrap(), second)
    });

    let victim = first.and(second).map_err(DbError::from);
    assert!(matches!(victim, Err(DbError::Busy(_))), "{victim:?}");
}

#[test]
fn a_full_disk_is_unavailable_and_the_connection_stays_of_use() {
    let mut conn = crate::database().connect();
    let messages = [
        "could not extend file \"base/1/2\": wrote only 4096 of 8192 bytes at block 3",
        "could not write to file \"base/pgsql_tmp/1\": No space left on device",
    ];
    for message in messages {
        let full = format!(
            "DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = '{message}', ERRCODE = 'disk_full'; END $$"
        );

        let error = DbError::from(conn.batch_execute(&full).unwrap_err());

        assert!(matches!(error, DbError::Unavailable(_)), "{error}");
        assert_eq!(count(&mut conn, "platform.outbox"), 0);
    }
}

/// As when its replica is frozen.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_transaction_with_which_nobody_goes_on_gets_its_locks() {
    let db = crate::database().pool(2);
    let lock = "LOCK TABLE platform.jobs IN ACCESS EXCLUSIVE MODE";
    let (locked, is_locked) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let frozen = move |conn: &mut PgConnection| {
        conn.transaction(|conn| {
            conn.batch_execute(lock)?;
            locked.send(()).unwrap();
            goes_on.recv().unwrap();
            backend_pid(conn)
        })
    };
    let its_pool = db.clone();
    let left = tokio::spawn(async move { its_pool.run(frozen).await });
    tokio::task::block_in_place(|| is_locked.recv().unwrap());

    let waited =
        db.run(move |conn| conn.transaction(|conn| Ok::<_, DbError>(conn.batch_execute(lock)?)));
    waited.await.unwrap();

    go_on.send(()).unwrap();
    let ended = left.await.unwrap();
    assert!(matches!(ended, Err(DbError::Unavailable(_))), "{ended:?}");
}

/// Its client may be frozen, or its machine gone: what it has locked is others' again.
#[test]
fn a_transaction_apart_from_the_pool_with_which_nobody_goes_on_is_ended() {
    let database = db::testing::database(&[db::OWNER]);
    let mut left = db::connect(&database.url).unwrap();
    left.batch_execute("BEGIN; LOCK TABLE platform.jobs IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let conn = &mut database.connect();
    conn.batch_execute("SET lock_timeout = '15s'; SELECT count(*) FROM platform.jobs")
        .unwrap();
    assert!(left.batch_execute("COMMIT").is_err());
}
