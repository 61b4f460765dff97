//! Replicas as processes of their own, which are killed and frozen.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::relay::{Consumer, Effect, Failure, Reading, Relay};
use db::consumers::{self, Start};
use db::outbox::{self, Recorded};
use db::testing::{self, TestDatabase};
use db::{Db, DbError, PoolConfig};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};

use super::product_changed;
use crate::support::process::Process;
use crate::support::{alone, count, text, wait_until};

/// Short, so that the tests are.
const LEASE: Duration = Duration::from_secs(1);

/// What the consumers of these replicas leave behind. `marks` tells where a replica is, and a
/// replica that was told to hold goes on when `gate` has a row.
const TABLES: &str = "
    CREATE TABLE public.sent (n bigint GENERATED ALWAYS AS IDENTITY, event text, product bigint, sequence bigint);
    CREATE TABLE public.effects (event text, product bigint, sequence bigint);
    CREATE TABLE public.marks (consumer text);
    CREATE TABLE public.gate (is_open bool);
    ";

fn row(event: &Recorded) -> String {
    let (id, product) = (event.public_id(), event.resource_id);
    let sequence = event.sequence.unwrap_or_default();
    format!("('{id}', {product}, {sequence})")
}

/// Says where it is, and waits at the gate.
async fn hold(db: Db, consumer: &'static str) -> Result<(), DbError> {
    let mark = format!("INSERT INTO public.marks VALUES ('{consumer}')");
    db.run(move |conn| Ok::<_, DbError>(conn.batch_execute(&mark)?))
        .await?;
    let is_open = |conn: &mut PgConnection| Ok::<_, DbError>(count(conn, "public.gate") > 0);
    while !db.run(is_open).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Sends to the world outside, of which this database is not a part as far as it knows.
fn sending(db: &Db, holds: bool) -> Consumer {
    let db = db.clone();
    let send = move |event: Recorded| {
        let db = db.clone();
        let work = async move {
            let insert = format!(
                "INSERT INTO public.sent (event, product, sequence) VALUES {}",
                row(&event)
            );
            db.run(move |conn| Ok::<_, DbError>(conn.batch_execute(&insert)?))
                .await?;
            if holds {
                hold(db, "sends").await?;
            }
            Ok::<_, Failure>(())
        };
        Box::pin(work) as futures_util::future::BoxFuture<'static, _>
    };
    Consumer {
        name: "sends",
        start: Start::Beginning,
        passes_over: &[],
        lease: LEASE,
        reading: Reading::default(),
        effect: Effect::PerEvent(Arc::new(send)),
    }
}

/// Has its effect in the transaction of its position.
fn counting(db: &Db, holds: bool) -> Consumer {
    let (db, runtime) = (db.clone(), tokio::runtime::Handle::current());
    let effect = move |conn: &mut PgConnection, events: &[Recorded]| {
        for event in events {
            let insert = format!("INSERT INTO public.effects VALUES {}", row(event));
            diesel::sql_query(insert).execute(conn)?;
        }
        if holds {
            runtime.block_on(hold(db.clone(), "counts"))?;
        }
        Ok::<_, Failure>(())
    };
    Consumer {
        name: "counts",
        start: Start::Beginning,
        passes_over: &[],
        lease: LEASE,
        reading: Reading::default(),
        effect: Effect::InTransaction(Arc::new(effect)),
    }
}

/// Not a test of its own: the process that the tests below kill and freeze.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_with_consumers() {
    let Ok(url) = std::env::var("CARTWRIGHT_TEST_RELAY") else {
        return;
    };
    let config = PoolConfig {
        url,
        size: 6,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(2),
    };
    let db = Db::new(&config).expect("a pool");
    let holds = std::env::var_os("CARTWRIGHT_TEST_HOLD").is_some();
    let consumers = vec![sending(&db, holds), counting(&db, holds)];
    let _relay = Relay::start(&db, consumers);
    std::future::pending::<()>().await; // until the leash ends it
}

fn start(database: &TestDatabase, holds: bool) -> Process {
    let mut variables = vec![("CARTWRIGHT_TEST_RELAY".to_owned(), database.url.clone())];
    if holds {
        variables.push(("CARTWRIGHT_TEST_HOLD".to_owned(), "yes".to_owned()));
    }
    let program = std::env::current_exe().expect("this program");
    let name = "events::replicas::a_replica_with_consumers";
    let arguments = |_: &Path| ["--exact", name, "--nocapture"].map(str::to_owned).to_vec();
    Process::start(&program, &variables, arguments)
}

fn with_tables() -> TestDatabase {
    let database = testing::database(&api::OWNERS);
    let conn = &mut database.connect();
    conn.batch_execute(TABLES).expect("tables");
    for name in ["sends", "counts"] {
        consumers::register(conn, name, Start::Beginning).expect("registered");
    }
    database
}

/// Waits until every event is handled by everyone.
fn wait_until_handled(database: &TestDatabase) {
    let conn = &mut database.connect();
    wait_until("everything is handled", || {
        let standings = consumers::list(conn).expect("standings");
        standings.iter().all(|one| one.waiting == 0)
    });
}

/// Each event was sent, in the order of its resource, and had its effect once.
fn assert_delivered(database: &TestDatabase) {
    let conn = &mut database.connect();
    let id = "'evt_' || replace(o.event_id::text, '-', '')";
    for table in ["sent", "effects"] {
        let lost =
            format!("platform.outbox o WHERE {id} NOT IN (SELECT event FROM public.{table})");
        assert_eq!(count(conn, &lost), 0, "lost by {table}");
        let strays =
            format!("public.{table} s WHERE s.event NOT IN (SELECT {id} FROM platform.outbox o)");
        assert_eq!(count(conn, &strays), 0, "made up by {table}");
    }
    let written = count(conn, "platform.outbox");
    assert_eq!(count(conn, "public.effects"), written, "once each");
    let overtaken = "(SELECT sequence, row_number() OVER (PARTITION BY product ORDER BY min(n)) AS place \
                        FROM public.sent GROUP BY event, product, sequence) s WHERE place <> sequence";
    assert_eq!(count(conn, overtaken), 0, "in their order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_froze_with_the_lease_is_replaced_and_does_nothing_late() {
    let _alone = alone().await;
    let database = with_tables();
    let conn = &mut database.connect();
    for sequence in 1..=3 {
        outbox::write(conn, &[product_changed(1, sequence)]).expect("written");
    }
    super::readable(conn, 3);

    let frozen = start(&database, true);
    wait_until("both consumers are in the middle of it", || {
        text(
            conn,
            "(SELECT count(DISTINCT consumer)::text FROM public.marks)",
        ) == "2"
    });
    frozen.signal("STOP");
    let successor = start(&database, false);
    wait_until_handled(&database);
    conn.batch_execute("INSERT INTO public.gate VALUES (true)")
        .expect("open");
    frozen.signal("CONT");
    // It is alive again, and takes part, once it delivers something new.
    drop(successor);
    outbox::write(conn, &[product_changed(1, 4)]).expect("written");
    wait_until_handled(&database);

    assert_delivered(&database);
    let handled = "(SELECT string_agg(handled::text, ' ') FROM platform.consumers)";
    assert_eq!(text(conn, handled), "4 4", "no late advance counted");
    let sent_twice = "(SELECT count(*) FROM public.sent GROUP BY event HAVING count(*) > 1) twice";
    assert_eq!(count(conn, sent_twice), 1, "the one it froze with");
}

/// A few kills by default; `CARTWRIGHT_TEST_KILLS` asks for more.
#[tokio::test(flavor = "multi_thread")]
async fn however_often_replicas_are_killed_no_event_is_lost() {
    let _alone = alone().await;
    let kills: u64 = std::env::var("CARTWRIGHT_TEST_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(6);
    let database = with_tables();
    let mut replicas = [start(&database, false), start(&database, false)];
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (stop, conn) = (Arc::clone(&stop), database.connect());
        move || write_until(conn, &stop)
    });

    for kill in 0..kills {
        let conn = &mut database.connect();
        let before = count(conn, "public.sent");
        // At another moment each time.
        wait_until("something is sent", || {
            count(conn, "public.sent") > before + i64::try_from(kill * 7 % 11).unwrap_or(0)
        });
        let victim = usize::try_from(kill % 2).expect("0 or 1");
        replicas[victim].signal("KILL");
        replicas[victim] = start(&database, false);
    }
    stop.store(true, Ordering::Relaxed);
    let written = writer.join().expect("the writer");
    wait_until_handled(&database);

    assert_eq!(count(&mut database.connect(), "platform.outbox"), written);
    assert_delivered(&database);
}

/// Changes five products in turn, every third time in vain, and returns how many events there are.
fn write_until(mut conn: PgConnection, stop: &AtomicBool) -> i64 {
    let (mut written, mut sequences) = (0, [0_i64; 5]);
    for round in 0_usize.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let index = round % 5;
        let product = i64::try_from(index).unwrap_or(0) + 1;
        let entry = product_changed(product, sequences[index] + 1);
        let kept = conn.transaction(|conn| {
            outbox::write(conn, &[entry])?;
            match round % 3 {
                0 => Err(diesel::result::Error::RollbackTransaction),
                _ => Ok(()),
            }
        });
        if kept.is_ok() {
            (written, sequences[index]) = (written + 1, sequences[index] + 1);
        }
    }
    written
}
