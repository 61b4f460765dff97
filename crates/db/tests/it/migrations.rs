use std::sync::Barrier;
use std::thread;

use db::migrations::{self, MigrateError, Owner};
use db::testing;
use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::count;

const BROKEN: Owner = Owner {
    schema: "broken",
    migrations: || {
        const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/it/broken_migrations");
        MIGRATIONS
    },
};

const ONLINE: Owner = Owner {
    schema: "online",
    migrations: || {
        const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/it/online_migrations");
        MIGRATIONS
    },
};

/// The index of [`ONLINE`].
const VALID: &str =
    "pg_index WHERE indisvalid AND indexrelid = to_regclass('online.things_kind_idx')";

/// How many migrations this crate has.
fn own() -> usize {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    std::fs::read_dir(dir).unwrap().count()
}

/// Lets six replicas start at once and returns what each of them ran.
fn six_at_once(url: &str, owners: &[Owner]) -> Vec<Vec<String>> {
    let start = Barrier::new(6);
    let replica = || {
        start.wait();
        migrations::run(url, owners).unwrap()
    };
    thread::scope(|scope| {
        let replicas: Vec<_> = (0..6).map(|_| scope.spawn(replica)).collect();
        replicas.into_iter().map(|r| r.join().unwrap()).collect()
    })
}

#[test]
fn six_replicas_run_each_migration_once() {
    let database = testing::empty_database();

    let ran = six_at_once(&database.url, &[db::OWNER]);

    let mut busy = ran.iter().filter(|names| !names.is_empty());
    let names = busy.next().expect("one replica ran them");
    assert_eq!(busy.next(), None, "a second replica ran some too");
    assert_eq!(names.len(), own(), "{names:?}");
    assert!(names[0].starts_with("platform 20261123080000"), "{names:?}");
    let conn = &mut database.connect();
    let remembered = count(conn, "platform.__diesel_schema_migrations");
    assert_eq!(usize::try_from(remembered), Ok(own()));
    assert_eq!(count(conn, "platform.outbox"), 0);
}

#[test]
fn a_repeated_run_does_nothing() {
    let database = crate::database();

    let ran = migrations::run(&database.url, &[db::OWNER]).unwrap();

    assert_eq!(ran, Vec::<String>::new());
}

#[test]
fn replicas_that_wait_do_not_hold_up_an_index_that_is_built_online() {
    let database = testing::empty_database();

    let ran = six_at_once(&database.url, &[db::OWNER, ONLINE]);

    assert_eq!(ran.iter().flatten().count(), own() + 2, "{ran:?}");
    assert_eq!(count(&mut database.connect(), VALID), 1);
}

#[test]
fn an_index_that_was_not_finished_is_built_anew() {
    let database = testing::empty_database();
    migrations::run(&database.url, &[db::OWNER, ONLINE]).unwrap();
    let conn = &mut database.connect();
    // What is left of CREATE INDEX CONCURRENTLY after a crash or a time-out.
    conn.batch_execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'online.things_kind_idx'::regclass; \
         DELETE FROM online.__diesel_schema_migrations WHERE version = '20260101000100'",
    )
    .unwrap();

    let ran = migrations::run(&database.url, &[db::OWNER, ONLINE]).unwrap();

    assert_eq!(ran, ["online 20260101000100"]);
    assert_eq!(count(conn, VALID), 1);
}

#[test]
fn a_failed_owner_is_named_and_leaves_nothing_half_done() {
    let database = testing::empty_database();

    for _ in 0..2 {
        let error = migrations::run(&database.url, &[db::OWNER, BROKEN]).unwrap_err();

        assert!(matches!(
            error,
            MigrateError::Failed {
                schema: "broken",
                ..
            }
        ));
        let message = error.to_string();
        assert!(
            message.starts_with("migration of schema `broken` failed: "),
            "{message}"
        );
        assert!(
            message.contains("\"broken.missing\" does not exist"),
            "{message}"
        );
    }

    let conn = &mut database.connect();
    assert_eq!(count(conn, "pg_tables WHERE tablename = 'first_half'"), 0);
    assert_eq!(count(conn, "broken.__diesel_schema_migrations"), 0);
    let remembered = count(conn, "platform.__diesel_schema_migrations");
    assert_eq!(usize::try_from(remembered), Ok(own()));
}

#[test]
fn a_server_that_is_away_is_a_connection_error() {
    let error = migrations::run("host=/nowhere dbname=shop", &[db::OWNER]).unwrap_err();

    assert!(matches!(error, MigrateError::Connect(_)), "{error}");
}

#[test]
fn what_a_fresh_database_holds_is_filled_by_one_replica_at_a_time() {
    let database = testing::empty_database();
    let start = Barrier::new(6);
    let replica = || {
        start.wait();
        migrations::run_and_seed(&database.url, &[db::OWNER], |conn| {
            if count(conn, "pg_tables WHERE tablename = 'seeds'") == 0 {
                conn.batch_execute("CREATE TABLE public.seeds (id bigint)")
                    .unwrap();
            }
            Ok(())
        })
        .unwrap()
    };

    thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(replica))));

    assert_eq!(count(&mut database.connect(), "public.seeds"), 0);
    let refused = migrations::run_and_seed(&database.url, &[], |_| Err("no seeds".into()));
    let message = refused.unwrap_err().to_string();
    assert_eq!(message, "the database is not fit to be served: no seeds");
}

#[test]
fn what_is_pending_is_listed_without_writing_anything() {
    let database = testing::empty_database();
    let conn = &mut database.connect();
    let pending = migrations::list_pending(conn, &[db::OWNER]).unwrap();
    assert!(pending.len() > 2, "{pending:?}");
    assert_eq!(pending[0], "platform 20261123080000");
    assert_eq!(count(conn, "pg_namespace WHERE nspname = 'platform'"), 0);

    migrations::run(&database.url, &[db::OWNER]).unwrap();
    assert_eq!(
        migrations::list_pending(conn, &[db::OWNER]).unwrap(),
        [""; 0]
    );
    conn.batch_execute(
        "DELETE FROM platform.__diesel_schema_migrations WHERE version = '20261123080100'",
    )
    .unwrap();
    let pending = migrations::list_pending(conn, &[db::OWNER]).unwrap();
    assert_eq!(pending, ["platform 20261123080100"]);
}
