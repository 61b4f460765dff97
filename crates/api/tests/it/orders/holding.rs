//! Orders in place of holds, beside orders of the same variants.

use std::sync::Barrier;
use std::thread;

use api::workflows::placing::{Decision, PlaceError, Placed, Request, place_all, place_from_hold};
use catalog::editing::{self, NewProduct};
use catalog::stock::holds;
use db::testing;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{Currency, Money, UserId, VariantId};

use super::sets::{FORM, request};
use crate::support::number;

#[test]
fn orders_from_holds_and_sets_of_orders_do_not_deadlock_whatever_their_lines() {
    let database = testing::database(&api::OWNERS);
    let conn = &mut database.connect();
    let product = |sku: &str| NewProduct {
        sku: sku.parse().expect("a SKU"),
        name: sku.into(),
        description: String::new(),
        image: String::new(),
        price: Money::new(950, Currency::USD),
        on_hand: 1_000,
    };
    let products = editing::create_all(conn, &[product("A"), product("B")], None).expect("two");
    conn.batch_execute(
        "INSERT INTO accounts.users (name, email, email_normalised, role, is_open) \
         VALUES ('a', 'a@x.example', 'a@x.example', 'customer', true)",
    )
    .expect("a user");
    let user = number(conn, "(SELECT max(id) FROM accounts.users)");
    let user = UserId::try_from(user).expect("an id");
    let variants = [1, 2].map(|n| {
        let id = number(
            conn,
            &format!("(SELECT id FROM catalog.variants ORDER BY id OFFSET {n} - 1 LIMIT 1)"),
        );
        VariantId::try_from(id).expect("an id")
    });
    let start = Barrier::new(12);
    // Half of them hold the second variant and order both, the others order both in sets.
    let worker = |worker: usize| {
        let conn = &mut database.connect();
        start.wait();
        let mut placed = 0;
        for round in 0..10 {
            let mut order: Request = request(user, products[0], 1);
            let second = request(user, products[1], 1).lines;
            if (worker + round).is_multiple_of(2) {
                order.lines.extend(second);
            } else {
                order.lines.splice(0..0, second);
            }
            let done = if worker.is_multiple_of(2) {
                let kept = [(variants[1], 1)];
                let hold = conn.transaction(|conn| holds::create(conn, &kept, 60, None, None));
                let hold = hold.expect("a hold");
                place_from_hold(conn, &order, hold, FORM).expect("a decision")
            } else {
                match place_all(conn, &[&order], FORM).expect("decisions").pop() {
                    Some(Decision::Done(done)) => done,
                    Some(Decision::Alone) | None => Err(PlaceError::Unsteady),
                }
            };
            // On a busy machine some come too late.
            match done {
                Ok(Placed::New(_)) => placed += 1,
                Err(PlaceError::Late | PlaceError::Unsteady) => {}
                other => panic!("{other:?}"),
            }
        }
        placed
    };
    let placed: i64 = thread::scope(|scope| {
        let worker = &worker;
        let workers: Vec<_> = (0..12).map(|n| scope.spawn(move || worker(n))).collect();
        workers
            .into_iter()
            .map(|w| w.join().expect("a worker"))
            .sum()
    });

    assert!(placed > 0);
    let kept = "(SELECT coalesce(sum(units), 0)::bigint FROM catalog.stock_hold_lines WHERE released_at IS NULL)";
    let kept = number(conn, kept);
    let reserved = "(SELECT sum(reserved)::bigint FROM catalog.stock_levels)";
    assert_eq!(number(conn, reserved), 2 * placed + kept);
    let deadlocks = "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())";
    assert_eq!(number(conn, deadlocks), 0);
}
