//! Several who write at once, each on a connection of its own.

use std::sync::Barrier;
use std::thread;

use catalog::categories::CategoryError;
use catalog::categories::assigning::assign;
use catalog::editing::{self as products, ProductChanges};
use db::testing::TestDatabase;
use diesel::prelude::*;

use super::{add, at, findings, listed, place, root};
use crate::{count, create, database, product};

/// Runs both at once, each in a transaction of its own.
fn at_once<T: Send>(
    database: &TestDatabase,
    one: impl FnOnce(&mut PgConnection) -> T + Send,
    other: impl FnOnce(&mut PgConnection) -> T + Send,
) -> [T; 2] {
    let start = Barrier::new(2);
    let run = |work: &mut dyn FnMut(&mut PgConnection)| {
        let conn = &mut database.connect();
        start.wait();
        work(conn);
    };
    let (mut one, mut other) = (Some(one), Some(other));
    let (mut first, mut second) = (None, None);
    thread::scope(|scope| {
        let run = &run;
        let first = &mut first;
        scope.spawn(move || {
            run(&mut |conn| *first = one.take().map(|one| one(conn)));
        });
        run(&mut |conn| second = other.take().map(|other| other(conn)));
    });
    [first.unwrap(), second.unwrap()]
}

fn deadlocks(conn: &mut PgConnection) -> i64 {
    let deadlocked = "pg_stat_database WHERE datname = current_database() AND deadlocks > 0";
    count(conn, deadlocked)
}

#[test]
fn two_who_would_close_a_cycle_together_are_told_apart() {
    let database = database();
    let conn = &mut database.connect();
    for round in 0..20 {
        let a = root(conn, &format!("a-{round}"));
        let b = root(conn, &format!("b-{round}"));

        let outcomes = at_once(
            &database,
            |conn| conn.transaction(|conn| place(conn, a, &[b])),
            |conn| conn.transaction(|conn| place(conn, b, &[a])),
        );

        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let closing = |outcome: &&Result<_, _>| matches!(outcome, Err(CategoryError::Cycle(0)));
        let refused = outcomes.iter().filter(closing).count();
        assert_eq!((done, refused), (1, 1), "{outcomes:?}");
    }
    assert_eq!((findings(conn), deadlocks(conn)), (Vec::new(), 0));
}

#[test]
fn lists_of_the_same_products_in_opposite_order_do_not_deadlock() {
    let database = database();
    let conn = &mut database.connect();
    let (one, other) = (root(conn, "one"), root(conn, "other"));
    let all: Vec<_> = (0..40)
        .map(|n| create(conn, product(&format!("P-{n}"))))
        .collect();
    let back: Vec<_> = all.iter().rev().copied().collect();
    for _ in 0..5 {
        let outcomes = at_once(
            &database,
            |conn| conn.transaction(|conn| Ok::<_, CategoryError>(add(conn, one, &all))),
            |conn| conn.transaction(|conn| Ok(add(conn, other, &back))),
        );
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        for id in [one, other] {
            assert_eq!(listed(conn, id, false).len(), 40);
            assign(conn, id, &[], &all, None, None).unwrap();
        }
    }
    assert_eq!((findings(conn), deadlocks(conn)), (Vec::new(), 0));
}

#[test]
fn a_product_that_is_renamed_while_it_is_put_into_a_category_is_sorted_by_its_name() {
    let database = database();
    let conn = &mut database.connect();
    let id = root(conn, "tees");
    for round in 0..20 {
        let tee = create(conn, product(&format!("TEE-{round}")));
        let renamed = ProductChanges {
            name: Some(format!("Zebra {round}")),
            ..ProductChanges::default()
        };
        at_once(
            &database,
            |conn| {
                let added =
                    conn.transaction(|conn| assign(conn, id, &[at(tee, None)], &[], None, None));
                added.unwrap();
            },
            |conn| {
                let done =
                    conn.transaction(|conn| products::update(conn, tee, renamed, None, None));
                done.unwrap();
            },
        );
    }
    assert_eq!((findings(conn), deadlocks(conn)), (Vec::new(), 0));
}
