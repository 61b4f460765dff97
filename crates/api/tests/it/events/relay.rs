//! The relay with consumers of a test's own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::relay::{Consumer, Effect, Failure, Reading, Relay};
use db::consumers::{self, Start};
use db::outbox::{self, Recorded};
use db::testing::{self, TestDatabase};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use tokio::sync::Notify;

use super::product_changed;
use crate::support::{PATIENCE, count, eventually, text};

type Seen = Arc<Mutex<Vec<(i64, i64)>>>;

fn consumer(name: &'static str, effect: Effect) -> Consumer {
    Consumer {
        name,
        start: Start::Beginning,
        passes_over: &[],
        lease: Duration::from_secs(5),
        reading: Reading::default(),
        effect,
    }
}

/// Calls `handle` for each event.
fn per_event<F>(handle: impl Fn(Recorded) -> F + Send + Sync + 'static) -> Effect
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Effect::PerEvent(Arc::new(move |event| Box::pin(handle(event))))
}

/// Notes the product and the sequence of each event.
fn noting(seen: &Seen) -> Effect {
    let seen = Arc::clone(seen);
    per_event(move |event| {
        note(&seen, &event);
        std::future::ready(Ok(()))
    })
}

fn note(seen: &Seen, event: &Recorded) {
    let sequence = event.sequence.expect("a sequence");
    let mut seen = seen.lock().expect("not poisoned");
    seen.push((event.resource_id, sequence));
}

fn noted(seen: &Seen) -> Vec<(i64, i64)> {
    seen.lock().expect("not poisoned").clone()
}

fn write(conn: &mut PgConnection, product: i64, sequence: i64) {
    outbox::write(conn, &[product_changed(product, sequence)]).expect("written");
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    eventually(what, PATIENCE, || std::future::ready(holds())).await;
}

fn database() -> TestDatabase {
    testing::database(&api::OWNERS)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_resource_wait_for_each_other_and_others_do_not() {
    let (database, seen) = (database(), Seen::default());
    let conn = &mut database.connect();
    for sequence in 1..=5 {
        write(conn, 1, sequence);
        write(conn, 2, sequence);
    }
    super::readable(conn, 10);
    let gate = Arc::new(Notify::new());
    let effect = per_event({
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        move |event| {
            let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
            async move {
                if (event.resource_id, event.sequence) == (1, Some(1)) {
                    gate.notified().await;
                }
                note(&seen, &event);
                Ok(())
            }
        }
    });

    let relay = Relay::start(&database.pool(4), vec![consumer("it", effect)]);
    until("the other one is done", || noted(&seen).len() == 5).await;
    assert!(noted(&seen).iter().all(|(product, _)| *product == 2));
    gate.notify_one();
    until("both are done", || noted(&seen).len() == 10).await;
    relay.stop().await;

    for product in [1, 2] {
        let of_one: Vec<i64> = noted(&seen)
            .into_iter()
            .filter_map(|(id, sequence)| (id == product).then_some(sequence))
            .collect();
        assert_eq!(of_one, [1, 2, 3, 4, 5]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_handled_waits_and_stops_nobody_else() {
    let (database, seen, others) = (database(), Seen::default(), Seen::default());
    let conn = &mut database.connect();
    for product in 1..=9 {
        write(conn, product, 1);
    }
    super::readable(conn, 9);
    let is_healed = Arc::new(AtomicBool::new(false));
    let effect = per_event({
        let (seen, is_healed) = (Arc::clone(&seen), Arc::clone(&is_healed));
        move |event| {
            let is_poison = event.resource_id == 4 && !is_healed.load(Ordering::Relaxed);
            if !is_poison {
                note(&seen, &event);
            }
            std::future::ready(if is_poison {
                Err("no such thing".into())
            } else {
                Ok(())
            })
        }
    });
    let all = vec![consumer("stuck", effect), consumer("fine", noting(&others))];
    consumers::register(conn, "stuck", Start::Beginning).expect("registered");

    let relay = Relay::start(&database.pool(4), all);
    let standing = || {
        let standings = consumers::list(&mut database.connect()).expect("standings");
        standings
            .into_iter()
            .find(|one| one.name == "stuck")
            .expect("it")
    };
    until("the failure is written down", || standing().failures > 0).await;
    until("the other consumer has all", || noted(&others).len() == 9).await;
    let stuck = standing();
    let id = text(
        conn,
        "(SELECT 'evt_' || replace(event_id::text, '-', '') FROM platform.outbox WHERE resource_id = 4)",
    );
    assert_eq!(stuck.last_error, Some(format!("{id}: no such thing")));
    assert_eq!((stuck.handled, stuck.waiting), (3, 6));
    is_healed.store(true, Ordering::Relaxed);
    until("everything is handled", || standing().waiting == 0).await;
    relay.stop().await;

    let mut products: Vec<i64> = noted(&seen).into_iter().map(|(id, _)| id).collect();
    products.sort_unstable();
    products.dedup();
    assert_eq!(products, (1..=9).collect::<Vec<_>>());
    assert_eq!((standing().failures, standing().last_error), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_an_effect_that_takes_too_long_are_failures() {
    let database = database();
    write(&mut database.connect(), 1, 1);
    let panicking = per_event(|_| async { panic!("on purpose") });
    let endless = per_event(|_| std::future::pending());
    let in_transaction = Effect::InTransaction(Arc::new(|_, _| panic!("on purpose")));
    let all = vec![
        consumer("panicking", panicking),
        Consumer {
            lease: Duration::from_millis(100),
            reading: Reading::default(),
            ..consumer("endless", endless)
        },
        consumer("in transaction", in_transaction),
    ];

    let relay = Relay::start(&database.pool(4), all);
    let errors = || {
        let standings = consumers::list(&mut database.connect()).expect("standings");
        let errors = standings.into_iter().filter_map(|one| one.last_error);
        let words = errors.map(|error| error.split(": ").nth(1).map(str::to_owned));
        words.collect::<Option<Vec<_>>>().unwrap_or_default()
    };
    until("all have failed", || errors().len() == 3).await;
    relay.stop().await;

    assert_eq!(errors(), ["it took too long", "it panicked", "it panicked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_have_each_effect_once_and_in_order() {
    let database = database();
    let conn = &mut database.connect();
    conn.batch_execute(
        "CREATE TABLE public.effects (n bigint GENERATED ALWAYS AS IDENTITY, event uuid, product bigint, sequence bigint)",
    )
    .expect("a table");
    let failures = Arc::new(AtomicUsize::new(0));
    let effect = || {
        let failures = Arc::clone(&failures);
        Effect::InTransaction(Arc::new(
            move |conn: &mut PgConnection, events: &[Recorded]| {
                for event in events {
                    diesel::sql_query(format!(
                    "INSERT INTO public.effects (event, product, sequence) VALUES ('{}', {}, {})",
                    event.event_id,
                    event.resource_id,
                    event.sequence.unwrap_or_default()
                ))
                .execute(conn)?;
                }
                // Now and then it fails with everything written.
                match failures.fetch_add(1, Ordering::Relaxed) % 5 {
                    3 if events.len() > 1 => Err("not this time".into()),
                    _ => Ok(()),
                }
            },
        ))
    };
    let relays: Vec<Relay> = (0..3)
        .map(|_| Relay::start(&database.pool(4), vec![consumer("it", effect())]))
        .collect();

    for sequence in 1..=100 {
        for product in 1..=4 {
            write(conn, product, sequence);
        }
        let undone = conn.transaction(|conn| {
            outbox::write(conn, &[product_changed(1, 1_000)])?;
            Err::<(), _>(diesel::result::Error::RollbackTransaction)
        });
        assert!(undone.is_err());
    }
    let done = || count(&mut database.connect(), "public.effects");
    until("all are handled", || done() >= 400).await;
    for relay in relays {
        relay.stop().await;
    }

    assert_eq!(done(), 400);
    let strays = "public.effects WHERE event NOT IN (SELECT event_id FROM platform.outbox)";
    assert_eq!(
        count(conn, strays),
        0,
        "nothing is told of what was rolled back"
    );
    let overtaken = "(SELECT sequence, row_number() OVER (PARTITION BY product ORDER BY n) AS place \
                        FROM public.effects) e WHERE place <> sequence";
    assert_eq!(count(conn, overtaken), 0);
    let held = "platform.consumers WHERE lease_until > now()";
    assert_eq!(count(conn, held), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_worked_off_without_a_pause() {
    let (database, seen) = (database(), Seen::default());
    let conn = &mut database.connect();
    let many = 20 * i64::try_from(Reading::default().batch).expect("a number");
    conn.batch_execute(&format!(
        "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence) \
         SELECT 'product.changed', 'product', n, '{{}}', 1 FROM generate_series(1, {many}) n"
    ))
    .expect("written");
    super::readable(conn, 10_000);
    let batches = Arc::new(AtomicUsize::new(0));
    let effect = Effect::PerBatch(Arc::new({
        let (seen, batches) = (Arc::clone(&seen), Arc::clone(&batches));
        move |events| {
            batches.fetch_add(1, Ordering::Relaxed);
            events.iter().for_each(|event| note(&seen, event));
            Box::pin(std::future::ready(Ok(())))
        }
    }));

    let started = std::time::Instant::now();
    let relay = Relay::start(&database.pool(2), vec![consumer("it", effect)]);
    let wanted = usize::try_from(many).expect("a number");
    until("all are handled", || noted(&seen).len() == wanted).await;
    let took = started.elapsed();
    relay.stop().await;

    assert!(noted(&seen).is_sorted());
    assert_eq!(batches.load(Ordering::Relaxed), 20);
    // Twenty pauses alone would take four seconds.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// The world outside takes longer for all of them than the lease lasts.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_gets_on_and_is_told_nothing_twice() {
    let (database, seen) = (database(), Seen::default());
    let conn = &mut database.connect();
    for sequence in 1..=30 {
        write(conn, 1, sequence);
    }
    super::readable(conn, 30);
    let effect = per_event({
        let seen = Arc::clone(&seen);
        move |event| {
            let seen = Arc::clone(&seen);
            async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                note(&seen, &event);
                Ok(())
            }
        }
    });
    let slow = Consumer {
        lease: Duration::from_secs(1),
        reading: Reading::default(),
        ..consumer("it", effect)
    };

    let relay = Relay::start(&database.pool(2), vec![slow]);
    until("all are handled", || noted(&seen).len() >= 30).await;
    relay.stop().await;

    let expected: Vec<(i64, i64)> = (1..=30).map(|sequence| (1, sequence)).collect();
    assert_eq!(noted(&seen), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_waits_for_a_database_that_is_not_there_yet() {
    let (database, seen) = (database(), Seen::default());
    let conn = &mut database.connect();
    conn.batch_execute("ALTER TABLE platform.consumers RENAME TO later")
        .expect("renamed");
    write(conn, 1, 1);

    let relay = Relay::start(&database.pool(2), vec![consumer("it", noting(&seen))]);
    conn.batch_execute("ALTER TABLE platform.later RENAME TO consumers")
        .expect("renamed");

    until("it is handled", || noted(&seen) == [(1, 1)]).await;
    relay.stop().await;
}
