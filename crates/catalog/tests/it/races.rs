//! Many buyers at once, each on a connection of its own.

use std::sync::Barrier;
use std::thread;

use catalog::stock::{self, Change, StockError, move_all};
use db::testing::TestDatabase;
use diesel::prelude::*;
use domain::{LocationId, VariantId};

use crate::{cause, count, create_variant, database, unexplained};

const BUYERS: usize = 64;

/// Lets buyers buy at once: each takes one unit of each variant of its cart.
fn buy<'c>(
    database: &TestDatabase,
    cart: impl Fn(usize) -> &'c [VariantId] + Sync,
) -> Vec<Result<(), StockError>> {
    let start = Barrier::new(BUYERS);
    let buyer = |number: usize| {
        let conn = &mut database.connect();
        let changes: Vec<Change> = cart(number)
            .iter()
            .map(|variant_id| Change {
                variant_id: *variant_id,
                location_id: LocationId::MAIN,
                on_hand: 0,
                reserved: 1,
            })
            .collect();
        start.wait();
        conn.transaction(|conn| move_all(conn, &changes, &cause("order")))
    };
    thread::scope(|scope| {
        let buyer = &buyer;
        let buyers: Vec<_> = (0..BUYERS).map(|n| scope.spawn(move || buyer(n))).collect();
        buyers.into_iter().map(|b| b.join().unwrap()).collect()
    })
}

/// Counts who bought and who met a shortage; nobody may have met anything else.
fn tally(outcomes: &[Result<(), StockError>]) -> (usize, usize) {
    let bought = outcomes.iter().filter(|o| o.is_ok()).count();
    let short = |o: &&Result<(), StockError>| matches!(o, Err(StockError::Insufficient(_)));
    let refused = outcomes.iter().filter(short).count();
    assert_eq!(bought + refused, outcomes.len(), "{outcomes:?}");
    (bought, refused)
}

fn assert_books_are_right(conn: &mut PgConnection) {
    assert_eq!(unexplained(conn), [""; 0]);
    let deadlocked = "pg_stat_database WHERE datname = current_database() AND deadlocks > 0";
    assert_eq!(count(conn, deadlocked), 0);
}

#[test]
fn fifty_units_go_to_exactly_fifty_of_many_buyers() {
    let database = database();
    let conn = &mut database.connect();
    let hot = [create_variant(conn, "HOT", 50)];

    let outcomes = buy(&database, |_| &hot);

    assert_eq!(tally(&outcomes), (50, BUYERS - 50));
    let level = stock::find_level(conn, hot[0], LocationId::MAIN)
        .unwrap()
        .unwrap();
    assert_eq!((level.on_hand, level.reserved), (50, 50));
    assert_books_are_right(conn);
}

#[test]
fn carts_in_opposite_order_do_not_deadlock() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (
        create_variant(conn, "A", 1_000),
        create_variant(conn, "B", 40),
    );
    let (there, back) = ([a, b], [b, a]);

    for _ in 0..4 {
        let outcomes = buy(&database, |n| if n % 2 == 0 { &there } else { &back });
        tally(&outcomes);
    }

    for variant in [a, b] {
        let level = stock::find_level(conn, variant, LocationId::MAIN)
            .unwrap()
            .unwrap();
        assert_eq!(level.reserved, 40, "all of B, and of A as many");
    }
    assert_books_are_right(conn);
}

#[test]
fn many_counters_of_one_shelf_overwrite_nobody() {
    let database = database();
    let conn = &mut database.connect();
    let variant = create_variant(conn, "A", 10);
    let start = Barrier::new(16);
    let counter = |counted: i64| {
        let conn = &mut database.connect();
        start.wait();
        conn.transaction(|conn| {
            stock::set_on_hand(
                conn,
                (variant, LocationId::MAIN),
                10,
                counted,
                &cause("count"),
            )
        })
    };

    let outcomes: Vec<_> = thread::scope(|scope| {
        let counter = &counter;
        let counters: Vec<_> = (20..36).map(|n| scope.spawn(move || counter(n))).collect();
        counters.into_iter().map(|c| c.join().unwrap()).collect()
    });

    let mut set = outcomes.iter().filter_map(|o| o.as_ref().ok());
    let winner = set.next().unwrap().on_hand;
    assert_eq!(set.next(), None);
    let changed = |o: &&Result<_, StockError>| matches!(o, Err(StockError::Changed { expected: 10, actual }) if *actual == winner);
    assert_eq!(outcomes.iter().filter(changed).count(), 15);
    assert_books_are_right(conn);
}
