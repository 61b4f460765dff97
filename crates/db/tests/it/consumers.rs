use std::time::Duration;

use db::consumers::{self, AdvanceError, Lease, Start};
use db::outbox::{self, Entry, Recorded, log};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{Event, ProductId};

use crate::{count, text, wait_until};

/// Long enough for any test.
const LONG: Duration = Duration::from_secs(600);
/// Over as soon as it has begun.
const OVER: Duration = Duration::ZERO;

/// Tells of so many changed products, from 1, in a transaction each.
fn tell(conn: &mut PgConnection, products: i64) {
    for id in 1..=products {
        let product_id = ProductId::try_from(id).unwrap();
        let entry = Entry::new(Event::ProductChanged { product_id }, 1, None);
        outbox::write(conn, &[entry]).unwrap();
    }
}

/// Claims a consumer as soon as something waits for it.
fn claim(conn: &mut PgConnection, name: &str, lease: Duration) -> Lease {
    let mut claimed = None;
    wait_until("it can be claimed", || {
        claimed = consumers::claim(conn, name, lease).unwrap();
        claimed.is_some()
    });
    claimed.unwrap()
}

/// The next events of a lease, once so many can be read.
fn next(conn: &mut PgConnection, lease: &Lease, wanted: usize) -> Vec<Recorded> {
    let mut events = Vec::new();
    let limit = i64::try_from(wanted).unwrap();
    wait_until("the events can be read", || {
        events = log::read(conn, lease.position, limit).unwrap();
        events.len() == wanted
    });
    events
}

fn products(events: &[Recorded]) -> Vec<i64> {
    events.iter().map(|event| event.resource_id).collect()
}

/// An effect in the database: the event's id, in a table that does not mind duplicates.
fn note(conn: &mut PgConnection, events: &[Recorded]) -> Result<(), AdvanceError> {
    for event in events {
        let insert = format!(
            "INSERT INTO public.effects VALUES ('{}')",
            event.public_id()
        );
        conn.batch_execute(&insert)?;
    }
    Ok(())
}

fn with_effects() -> (db::testing::TestDatabase, PgConnection) {
    let database = crate::database();
    let mut conn = database.connect();
    conn.batch_execute("CREATE TABLE public.effects (event text)")
        .unwrap();
    (database, conn)
}

#[test]
fn a_new_consumer_starts_where_it_wants_and_a_known_one_where_it_is() {
    let conn = &mut crate::database().connect();
    tell(conn, 2);
    wait_until("both can be read", || {
        log::read(conn, outbox::Position::START, 9).unwrap().len() == 2
    });
    consumers::register(conn, "from the beginning", Start::Beginning).unwrap();
    consumers::register(conn, "from now on", Start::End).unwrap();
    let third = ProductId::try_from(3).unwrap();
    let third = Entry::new(Event::ProductChanged { product_id: third }, 1, None);
    outbox::write(conn, &[third]).unwrap();

    let lease = claim(conn, "from now on", LONG);
    let events = next(conn, &lease, 1);
    assert_eq!(products(&events), [3]);
    consumers::advance(conn, &lease, &events).unwrap();
    consumers::register(conn, "from now on", Start::Beginning).unwrap();

    let done = consumers::claim(conn, "from now on", LONG).unwrap();
    assert!(done.is_none(), "{done:?}");
    let lease = claim(conn, "from the beginning", LONG);
    assert_eq!(products(&next(conn, &lease, 3)), [1, 2, 3]);
    let unknown = consumers::claim(conn, "nobody", LONG).unwrap();
    assert!(unknown.is_none());
}

#[test]
fn one_at_a_time_holds_the_lease() {
    let database = crate::database();
    let (one, two) = (&mut database.connect(), &mut database.connect());
    consumers::register(one, "it", Start::Beginning).unwrap();
    tell(one, 1);
    let lease = claim(one, "it", LONG);

    assert!(consumers::claim(two, "it", LONG).unwrap().is_none());
    consumers::release(one, &lease).unwrap();

    let second = claim(two, "it", LONG);
    assert_eq!(products(&next(two, &second, 1)), [1]);
    assert!(consumers::claim(one, "it", LONG).unwrap().is_none());
}

#[test]
fn a_claim_does_not_wait_for_another_one() {
    let database = crate::database();
    let (one, two) = (&mut database.connect(), &mut database.connect());
    consumers::register(one, "it", Start::Beginning).unwrap();
    tell(one, 1);
    wait_until("it can be read", || {
        !log::read(one, outbox::Position::START, 1)
            .unwrap()
            .is_empty()
    });
    one.batch_execute("BEGIN; SELECT FROM platform.consumers FOR UPDATE")
        .unwrap();

    two.batch_execute("SET lock_timeout = 1").unwrap();

    assert!(consumers::claim(two, "it", LONG).unwrap().is_none());
}

/// Dies between the effect and the advance: the effect may be there twice, the id is the same.
#[test]
fn what_was_not_advanced_over_comes_again_under_the_same_id() {
    let database = crate::database();
    let (dies, lives) = (&mut database.connect(), &mut database.connect());
    consumers::register(dies, "it", Start::Beginning).unwrap();
    tell(dies, 3);
    let first = claim(dies, "it", OVER);
    let seen = next(dies, &first, 3);
    drop(first);

    let second = claim(lives, "it", LONG);
    let again = next(lives, &second, 3);

    assert_eq!(seen, again);
    consumers::advance(lives, &second, &again).unwrap();
    assert!(consumers::claim(lives, "it", LONG).unwrap().is_none());
}

#[test]
fn whoever_lost_the_lease_moves_nothing() {
    let (database, mut conn) = with_effects();
    let (frozen, successor) = (&mut conn, &mut database.connect());
    consumers::register(frozen, "it", Start::Beginning).unwrap();
    tell(frozen, 2);
    let lost = claim(frozen, "it", OVER);
    let events = next(frozen, &lost, 2);
    let held = claim(successor, "it", LONG);
    consumers::advance_with(successor, &held, &events[..1], note).unwrap();

    let late = consumers::advance(frozen, &lost, &events);
    let late_effect = consumers::advance_with(frozen, &lost, &events, note);
    consumers::fail(frozen, &lost, "too late").unwrap();
    consumers::release(frozen, &lost).unwrap();

    assert!(matches!(late, Err(AdvanceError::Fenced)), "{late:?}");
    assert!(matches!(late_effect, Err(AdvanceError::Fenced)));
    assert_eq!(count(frozen, "public.effects"), 1);
    let standing = consumers::list(frozen).unwrap().remove(0);
    assert_eq!((standing.handled, standing.failures), (1, 0));
    let next_lease = claim(successor, "it", LONG);
    assert_eq!(products(&next(successor, &next_lease, 1)), [2]);
}

#[test]
fn an_effect_and_its_position_commit_together_or_not_at_all() {
    let (_database, mut conn) = with_effects();
    let conn = &mut conn;
    consumers::register(conn, "it", Start::Beginning).unwrap();
    tell(conn, 2);
    let lease = claim(conn, "it", LONG);
    let events = next(conn, &lease, 2);

    let undone = consumers::advance_with(conn, &lease, &events, |conn, events| {
        note(conn, events)?;
        Err(AdvanceError::Db(diesel::result::Error::RollbackTransaction))
    });
    assert!(undone.is_err());
    assert_eq!(count(conn, "public.effects"), 0);
    consumers::advance_with(conn, &lease, &events, note).unwrap();

    assert_eq!(count(conn, "public.effects"), 2);
    assert!(consumers::claim(conn, "it", LONG).unwrap().is_none());
}

#[test]
fn a_failure_is_remembered_put_off_and_forgotten_after_a_success() {
    let conn = &mut crate::database().connect();
    consumers::register(conn, "it", Start::Beginning).unwrap();
    tell(conn, 1);
    let lease = claim(conn, "it", LONG);
    let events = next(conn, &lease, 1);

    for (error, seconds) in [("first", 1), ("second\0", 2), ("third", 4)] {
        let lease = if error == "first" {
            &lease
        } else {
            &claim(conn, "it", LONG)
        };
        consumers::fail(conn, lease, error).unwrap();
        assert!(consumers::claim(conn, "it", LONG).unwrap().is_none());
        let wait = "platform.consumers WHERE retry_at - now() BETWEEN interval '1 second' * \
                    ({} - 1) AND interval '1 second' * {}";
        assert_eq!(count(conn, &wait.replace("{}", &seconds.to_string())), 1);
        conn.batch_execute("UPDATE platform.consumers SET retry_at = now()")
            .unwrap();
    }
    let failing = consumers::list(conn).unwrap().remove(0);
    assert_eq!((failing.failures, failing.waiting), (3, 1));
    assert_eq!(failing.last_error.as_deref(), Some("third"));
    assert!(failing.failing_since.is_some() && failing.oldest_seconds.unwrap() > 0.0);

    let lease = claim(conn, "it", LONG);
    assert_eq!(lease.failures, 3);
    consumers::advance(conn, &lease, &events).unwrap();

    let fine = consumers::list(conn).unwrap().remove(0);
    assert_eq!(
        (fine.failures, fine.failing_since, fine.last_error),
        (0, None, None)
    );
    assert_eq!(
        (fine.waiting, fine.oldest_seconds, fine.handled),
        (0, None, 1)
    );
    // The wait stays bounded, however often it fails.
    conn.batch_execute(
        "UPDATE platform.consumers SET failures = 100000, failing_since = now(), xid = '0'",
    )
    .unwrap();
    let lease = claim(conn, "it", LONG);
    consumers::fail(conn, &lease, "again").unwrap();
    let bounded = "platform.consumers WHERE retry_at < now() + interval '65 seconds'";
    assert_eq!(count(conn, bounded), 1);
}

/// Ten thousand crashes between commit and send: at any point of a turn, in any mixture.
#[test]
fn however_often_a_reader_dies_nothing_is_lost_and_duplicates_have_the_same_id() {
    let rounds: u32 = std::env::var("CARTWRIGHT_TEST_CRASHES")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(400);
    let (database, mut conn) = with_effects();
    let conn = &mut conn;
    conn.batch_execute("CREATE TABLE public.sent (event text, resource bigint, sequence bigint)")
        .unwrap();
    let writer = &mut database.connect();
    for name in ["sends", "once"] {
        consumers::register(conn, name, Start::Beginning).unwrap();
    }
    let mut chance = 0x2545_f491_4f6c_dd1d_u64; // xorshift: the same run every time
    let mut dice = |sides: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % sides
    };
    let (mut written, mut sequences) = (0, [0_i64; 8]);
    for round in 0..rounds {
        let product = usize::try_from(dice(8)).unwrap();
        sequences[product] += 1;
        let id = ProductId::try_from(i64::try_from(product).unwrap() + 1).unwrap();
        let entry = Entry::new(
            Event::ProductChanged { product_id: id },
            sequences[product],
            None,
        );
        let kept = writer.transaction(|conn| {
            outbox::write(conn, std::slice::from_ref(&entry))?;
            match dice(4) {
                0 => Err(diesel::result::Error::RollbackTransaction),
                _ => Ok(()),
            }
        });
        match kept {
            Ok(()) => written += 1,
            Err(_) => sequences[product] -= 1,
        }
        let name = if round % 2 == 0 { "sends" } else { "once" };
        if waiting(conn, name) == 0 {
            continue;
        }
        let lease = claim(conn, name, OVER);
        let events = log::read(conn, lease.position, 3).unwrap();
        let survives = dice(3) == 0;
        if name == "sends" {
            send(conn, &events);
            if survives {
                consumers::advance(conn, &lease, &events).unwrap();
            }
        } else {
            let _ = consumers::advance_with(conn, &lease, &events, |conn, events| {
                note(conn, events)?;
                match survives {
                    true => Ok(()),
                    false => Err(AdvanceError::Db(diesel::result::Error::RollbackTransaction)),
                }
            });
        }
    }
    for name in ["sends", "once"] {
        wait_until("everything is handled", || {
            let claimed = consumers::claim(conn, name, OVER).unwrap();
            if let Some(lease) = claimed {
                let events = log::read(conn, lease.position, 500).unwrap();
                if name == "sends" {
                    send(conn, &events);
                    consumers::advance(conn, &lease, &events).unwrap();
                } else {
                    consumers::advance_with(conn, &lease, &events, note).unwrap();
                }
            }
            waiting(conn, name) == 0
        });
    }

    assert_eq!(count(conn, "platform.outbox"), written);
    let events = "'evt_' || replace(o.event_id::text, '-', '')";
    for table in ["sent", "effects"] {
        let lost =
            format!("platform.outbox o WHERE {events} NOT IN (SELECT event FROM public.{table})");
        assert_eq!(count(conn, &lost), 0, "{table}");
        let invented = format!(
            "public.{table} s WHERE s.event NOT IN (SELECT {events} FROM platform.outbox o)"
        );
        assert_eq!(count(conn, &invented), 0, "{table}");
    }
    assert_eq!(count(conn, "public.effects"), written, "once each");
    let duplicates = "(SELECT (count(*) - count(DISTINCT event))::text FROM public.sent)";
    assert_ne!(text(conn, duplicates), "0", "some were sent again");
    let gaps =
        "(SELECT resource, count(*), max(sequence) FROM platform_order GROUP BY resource) g \
                WHERE count <> max"
            .replace(
                "platform_order",
                "(SELECT DISTINCT event, resource, sequence FROM public.sent) d",
            );
    assert_eq!(count(conn, &gaps), 0, "sequences have no gaps");
}

fn waiting(conn: &mut PgConnection, name: &str) -> i64 {
    let mut standings = consumers::list(conn).unwrap().into_iter();
    standings.find(|one| one.name == name).unwrap().waiting
}

/// Tells the world; whoever dies afterwards tells it again.
fn send(conn: &mut PgConnection, events: &[Recorded]) {
    for event in events {
        conn.batch_execute(&format!(
            "INSERT INTO public.sent VALUES ('{}', {}, {})",
            event.public_id(),
            event.resource_id,
            event.sequence.unwrap()
        ))
        .unwrap();
    }
}
