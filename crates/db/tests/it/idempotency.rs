use std::thread;

use db::idempotency::{Claim, RequestKey, StoredAnswer, claim, store, store_unanswered};
use db::testing::TestDatabase;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;

use crate::{count, wait_until};

fn request(scope: &str, fingerprint: u8) -> RequestKey {
    RequestKey {
        scope: scope.into(),
        key: "7f3b6c1e-double-click".into(),
        fingerprint: [fingerprint; 32],
    }
}

fn answer(status: u16, body: &[u8]) -> StoredAnswer {
    StoredAnswer {
        status,
        location: Some("/api/orders/17".into()),
        body: body.to_vec(),
    }
}

/// A connection that waits for a lock as long as `milliseconds`.
fn connect(database: &TestDatabase, milliseconds: u32) -> PgConnection {
    let mut conn = database.connect();
    conn.batch_execute(&format!("SET lock_timeout = {milliseconds}"))
        .unwrap();
    conn
}

#[test]
fn a_repeat_gets_the_same_bytes() {
    let conn = &mut crate::database().connect();
    let (request, given) = (
        request("ann POST /orders", 1),
        answer(201, b"{\"id\":17}\0\xff"),
    );

    let first = conn.transaction(|conn| {
        let first = claim(conn, &request)?;
        store(conn, &request, &given)?;
        Ok::<_, Error>(first)
    });

    assert_eq!(first, Ok(Claim::Fresh));
    for _ in 0..2 {
        assert_eq!(claim(conn, &request), Ok(Claim::Answered(given.clone())));
    }
}

#[test]
fn an_answer_may_have_no_location_and_no_body() {
    let conn = &mut crate::database().connect();
    let request = request("ann DELETE /products", 1);
    let empty = StoredAnswer {
        status: 204,
        location: None,
        body: Vec::new(),
    };

    store(conn, &request, &empty).unwrap();

    assert_eq!(claim(conn, &request), Ok(Claim::Answered(empty)));
}

#[test]
fn a_key_that_comes_with_another_request_is_reused() {
    let conn = &mut crate::database().connect();
    store(conn, &request("ann", 1), &answer(201, b"")).unwrap();
    store_unanswered(conn, &request("bob", 1), 5).unwrap();

    assert_eq!(claim(conn, &request("ann", 2)), Ok(Claim::Reused));
    assert_eq!(claim(conn, &request("bob", 2)), Ok(Claim::Reused));
}

#[test]
fn scopes_do_not_see_each_other() {
    let database = crate::database();
    let (ann, bob) = (&mut connect(&database, 20), &mut connect(&database, 20));
    ann.batch_execute("BEGIN").unwrap();

    assert_eq!(claim(ann, &request("ann", 1)), Ok(Claim::Fresh));
    store(ann, &request("ann", 1), &answer(201, b"")).unwrap();
    assert_eq!(claim(bob, &request("bob", 2)), Ok(Claim::Fresh));
    ann.batch_execute("COMMIT").unwrap();
    assert_eq!(claim(bob, &request("bob", 2)), Ok(Claim::Fresh));
}

#[test]
fn a_key_that_is_being_worked_on_is_busy_and_the_transaction_lives_on() {
    let database = crate::database();
    let (first, second) = (&mut connect(&database, 20), &mut connect(&database, 20));
    first.batch_execute("BEGIN").unwrap();
    assert_eq!(claim(first, &request("ann", 1)), Ok(Claim::Fresh));

    let (seen, alive) = second
        .transaction(|conn| {
            Ok::<_, Error>((
                claim(conn, &request("ann", 1))?,
                count(conn, "platform.outbox"),
            ))
        })
        .unwrap();

    assert_eq!((seen, alive), (Claim::Busy, 0));
    first.batch_execute("ROLLBACK").unwrap();
    assert_eq!(claim(second, &request("ann", 1)), Ok(Claim::Fresh));
}

#[test]
fn a_double_click_waits_for_the_first_answer() {
    let database = crate::database();
    let first = &mut database.connect();
    first.batch_execute("BEGIN").unwrap();
    claim(first, &request("ann", 1)).unwrap();

    let second = thread::spawn({
        let mut conn = connect(&database, 20_000);
        move || claim(&mut conn, &request("ann", 1))
    });
    wait_until("the second request waits for the lock", || {
        count(
            first,
            "pg_locks WHERE locktype = 'advisory' AND NOT granted",
        ) == 1
    });
    store(first, &request("ann", 1), &answer(201, b"17")).unwrap();
    first.batch_execute("COMMIT").unwrap();

    let replayed = Claim::Answered(answer(201, b"17"));
    assert_eq!(second.join().unwrap(), Ok(replayed));
}

#[test]
fn of_many_clicks_at_once_one_has_the_effect() {
    let database = crate::database();
    database
        .connect()
        .batch_execute("CREATE TABLE effects (id bigint)")
        .unwrap();
    let click = || {
        connect(&database, 20_000).transaction(|conn| {
            let seen = claim(conn, &request("ann", 1))?;
            if seen == Claim::Fresh {
                conn.batch_execute("INSERT INTO effects VALUES (1)")?;
                store(conn, &request("ann", 1), &answer(201, b"17"))?;
            }
            Ok::<_, Error>(seen)
        })
    };

    let seen: Vec<Claim> = thread::scope(|scope| {
        let clicks: Vec<_> = (0..32).map(|_| scope.spawn(click)).collect();
        clicks
            .into_iter()
            .map(|c| c.join().unwrap().unwrap())
            .collect()
    });

    let replays = seen
        .iter()
        .filter(|s| **s == Claim::Answered(answer(201, b"17")));
    assert_eq!(replays.count(), 31);
    assert_eq!(count(&mut database.connect(), "effects"), 1);
}

#[test]
fn an_unanswered_key_is_completed_once_and_the_first_answer_counts() {
    let conn = &mut crate::database().connect();
    let request = request("ann", 1);

    store_unanswered(conn, &request, 17).unwrap();
    assert_eq!(
        claim(conn, &request),
        Ok(Claim::Unanswered { resource_id: 17 })
    );
    store(conn, &request, &answer(201, b"first")).unwrap();
    store(conn, &request, &answer(500, b"second")).unwrap();
    store_unanswered(conn, &request, 18).unwrap();

    assert_eq!(
        claim(conn, &request),
        Ok(Claim::Answered(answer(201, b"first")))
    );
}

#[test]
fn an_unanswered_key_is_not_completed_by_another_request() {
    let conn = &mut crate::database().connect();
    store_unanswered(conn, &request("ann", 1), 17).unwrap();

    store(conn, &request("ann", 2), &answer(201, b"other")).unwrap();

    let seen = claim(conn, &request("ann", 1));
    assert_eq!(seen, Ok(Claim::Unanswered { resource_id: 17 }));
}

#[test]
fn an_expired_key_is_fresh_and_its_row_is_replaced() {
    let conn = &mut crate::database().connect();
    store(conn, &request("ann", 1), &answer(201, b"old")).unwrap();
    conn.batch_execute("UPDATE platform.idempotency_keys SET expires_at = now() - interval '1 s'")
        .unwrap();

    assert_eq!(claim(conn, &request("ann", 2)), Ok(Claim::Fresh));
    store(conn, &request("ann", 2), &answer(201, b"new")).unwrap();

    let seen = claim(conn, &request("ann", 2));
    assert_eq!(seen, Ok(Claim::Answered(answer(201, b"new"))));
    let alive = "platform.idempotency_keys WHERE expires_at > now() + interval '71 hours'";
    assert_eq!(count(conn, alive), 1);
}

#[test]
fn a_rollback_leaves_neither_key_nor_lock() {
    let database = crate::database();
    let (first, second) = (&mut database.connect(), &mut connect(&database, 20));

    let undone = first.transaction(|conn| {
        claim(conn, &request("ann", 1))?;
        store(conn, &request("ann", 1), &answer(201, b""))?;
        Err::<(), _>(Error::RollbackTransaction)
    });

    assert_eq!(undone, Err(Error::RollbackTransaction));
    assert_eq!(count(second, "platform.idempotency_keys"), 0);
    assert_eq!(claim(second, &request("ann", 1)), Ok(Claim::Fresh));
}

#[test]
fn a_client_that_dies_frees_its_key_at_once() {
    let database = crate::database();
    let (mut first, second) = (database.connect(), &mut connect(&database, 20_000));
    first.batch_execute("BEGIN").unwrap();
    claim(&mut first, &request("ann", 1)).unwrap();

    drop(first);

    assert_eq!(claim(second, &request("ann", 1)), Ok(Claim::Fresh));
}
