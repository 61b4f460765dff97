//! What somebody else does to a product while we wait for its lock.

use std::thread;

use catalog::editing::{self as products, ProductChanges};
use catalog::variants::editing::{self, VariantChanges};
use catalog::variants::{adding, find_default};
use db::testing::TestDatabase;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use domain::Money;

use super::{list, tee, variant};
use crate::{USD, count, database};

/// Runs `first` in a transaction, and `second` beside it, which waits for a lock of `first` until that commits.
pub(crate) fn one_after_the_other<T: Send>(
    database: &TestDatabase,
    first: impl FnOnce(&mut PgConnection),
    second: impl FnOnce(&mut PgConnection) -> T + Send,
) -> T {
    let conn = &mut database.connect();
    let waiting = "pg_locks WHERE NOT granted AND pid IN \
                   (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    thread::scope(|scope| {
        let mut second = Some(second);
        let other = conn.transaction(|conn| {
            first(conn);
            let second = second.take().unwrap();
            let other = scope.spawn(move || second(&mut database.connect()));
            while count(conn, waiting) == 0 {
                thread::yield_now();
            }
            Ok::<_, DieselError>(other)
        });
        other.unwrap().join().unwrap()
    })
}

#[test]
fn a_variant_that_is_added_while_its_product_is_archived_goes_with_it() {
    let database = database();
    let id = tee(&mut database.connect());

    let archived = one_after_the_other(
        &database,
        |conn| {
            adding::create_all(conn, id, &[variant("S", "S")], None).unwrap();
        },
        |conn| conn.transaction(|conn| products::archive(conn, id, None, None)),
    );

    archived.unwrap();
    let live = "catalog.variants WHERE archived_at IS NULL";
    assert_eq!(count(&mut database.connect(), live), 0);
}

#[test]
fn a_price_of_a_product_is_that_of_the_variant_that_stands_for_it_by_then() {
    let database = database();
    let conn = &mut database.connect();
    let id = tee(conn);
    let small = adding::create_all(conn, id, &[variant("S", "S")], None).unwrap()[0];

    let priced = one_after_the_other(
        &database,
        |conn| {
            let takes_over = VariantChanges {
                is_default: Some(true),
                ..VariantChanges::default()
            };
            editing::update(conn, (id, small), takes_over, None, None).unwrap();
        },
        |conn| {
            let price = ProductChanges {
                price: Some(Money::new(700, USD)),
                ..ProductChanges::default()
            };
            conn.transaction(|conn| products::update(conn, id, price, None, None))
        },
    );

    priced.unwrap();
    let prices: Vec<i64> = list(conn, id).iter().map(|v| v.price_minor).collect();
    assert_eq!(prices, [950, 700]);
    let default = find_default(conn, id, USD).unwrap().unwrap();
    assert_eq!((default.id, default.price_minor), (small, 700));
}
