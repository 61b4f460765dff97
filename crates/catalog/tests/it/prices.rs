//! Prices that are set together, come by the clock, and are remembered.

use std::time::Duration;

use catalog::prices::setting::{self, NewPrice, Outcome, WithdrawError};
use catalog::prices::{history, in_force};
use catalog::products;
use catalog::quotes::Wanted;
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use domain::{Money, PageSize, ProductId, VariantId};

use crate::{EUR, USD, conn, create, product, quote, sku};

fn new(text: &str, minor: i64, valid_from: Option<DateTime<Utc>>) -> NewPrice {
    NewPrice {
        sku: sku(text),
        price: Money::new(minor, USD),
        valid_from,
    }
}

fn set(conn: &mut PgConnection, prices: &[NewPrice]) -> Vec<Outcome> {
    setting::set_all(conn, prices, None).unwrap()
}

fn made(conn: &mut PgConnection, text: &str) -> (ProductId, VariantId) {
    let id = create(conn, product(text));
    let variant = products::find_default_variant(conn, id).unwrap().unwrap();
    (id, variant)
}

fn clock(conn: &mut PgConnection) -> DateTime<Utc> {
    diesel::select(sql::<Timestamptz>("clock_timestamp()"))
        .get_result(conn)
        .unwrap()
}

fn wait_until(conn: &mut PgConnection, moment: DateTime<Utc>) {
    let left = (moment - clock(conn)).num_microseconds().unwrap().max(0);
    let sleep = format!("SELECT pg_sleep({} / 1e6)", left + 1_000);
    diesel::sql_query(sleep).execute(conn).unwrap();
}

fn minor(conn: &mut PgConnection, id: ProductId) -> i64 {
    products::find(conn, id, USD)
        .unwrap()
        .unwrap()
        .price_minor()
}

#[test]
fn each_price_has_its_outcome_and_each_product_one_change() {
    let conn = &mut conn();
    let (a, _) = made(conn, "SET-A");
    let (b, variant) = made(conn, "SET-B");
    let in_euros = NewPrice {
        price: Money::new(700, EUR),
        ..new("SET-B", 0, None)
    };
    let prices = [
        new("SET-A", 950, None),
        new("SET-B", 800, None),
        in_euros,
        new("SET-B", 801, None),
        new("SET-C", 1, None),
        new("SET-B", 600, Some(Utc::now() - Duration::from_secs(1))),
        new("SET-B", 500, Some(Utc::now() + Duration::from_secs(600))),
    ];
    use Outcome::{Past, Repeated, Scheduled, Set, Unchanged, UnknownSku};
    let outcomes = set(conn, &prices);
    assert_eq!(
        outcomes,
        [Unchanged, Set, Set, Repeated, UnknownSku, Past, Scheduled]
    );

    let versions = [a, b].map(|id| products::find(conn, id, USD).unwrap().unwrap().version);
    assert_eq!(versions, [1, 2]);
    let [euros, dollars] = in_force(conn, variant, None).unwrap().try_into().unwrap();
    assert_eq!((euros.amount_minor, euros.next), (700, None));
    assert_eq!(
        (dollars.amount_minor, dollars.lowest_30d_minor),
        (800, Some(950))
    );
    assert_eq!(dollars.next.map(|(_, minor, _)| minor), Some(500));

    catalog::editing::archive(conn, a, None, None).unwrap();
    assert_eq!(set(conn, &[new("SET-A", 1, None)]), [UnknownSku]);
}

#[test]
fn the_clock_brings_a_price_into_force() {
    let conn = &mut conn();
    let (id, variant) = made(conn, "CLOCK-1");
    let moment = clock(conn) + Duration::from_millis(200);
    let scheduled = [new("CLOCK-1", 500, Some(moment)), new("CLOCK-1", 950, None)];
    assert_eq!(
        set(conn, &scheduled),
        [Outcome::Scheduled, Outcome::Unchanged]
    );
    assert_eq!(minor(conn, id), 950);
    assert!(products::next_change(conn).unwrap().unwrap() <= Duration::from_millis(200));

    wait_until(conn, moment);
    assert_eq!(minor(conn, id), 500);
    let (_, quoted) = quote(conn, &[Wanted::Product(id)], USD).remove(0);
    assert_eq!(quoted.price_minor, 500);
    let now = in_force(conn, variant, None).unwrap().remove(0);
    assert_eq!(
        (now.amount_minor, now.lowest_30d_minor, now.next),
        (500, Some(950), None)
    );
    let found = products::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(found.version, 2);
    assert_eq!(products::next_change(conn), Ok(None));
}

#[test]
fn what_is_to_come_can_be_replaced_and_taken_back_and_what_was_cannot() {
    let conn = &mut conn();
    let (id, variant) = made(conn, "BACK-1");
    let (other, stranger) = made(conn, "BACK-2");
    let moment = Utc::now() + Duration::from_secs(600);
    set(conn, &[new("BACK-1", 500, Some(moment))]);
    set(conn, &[new("BACK-1", 600, Some(moment))]);
    let size = PageSize::default();
    let all = history(conn, variant, None, i64::MAX, size).unwrap();
    let seen: Vec<_> = all
        .iter()
        .map(|price| (price.amount_minor, price.is_to_come))
        .collect();
    assert_eq!(seen, [(600, true), (950, false)]);

    let mut withdraw =
        |ids, text: &str, price| setting::withdraw(conn, ids, text.into(), price, None);
    let not_its = withdraw((other, stranger), "BACK-2", all[0].id);
    assert!(
        matches!(not_its, Err(WithdrawError::NotFound)),
        "{not_its:?}"
    );
    withdraw((id, variant), "BACK-1", all[0].id).unwrap();
    let again = withdraw((id, variant), "BACK-1", all[0].id);
    assert!(matches!(again, Err(WithdrawError::NotFound)), "{again:?}");
    let in_force = withdraw((id, variant), "BACK-1", all[1].id);
    assert!(
        matches!(in_force, Err(WithdrawError::InForce)),
        "{in_force:?}"
    );
    let version = products::find(conn, id, USD).unwrap().unwrap().version;
    assert_eq!(version, 4);
}

#[test]
fn the_lowest_price_is_that_of_thirty_days_before_the_one_in_force() {
    let conn = &mut conn();
    let (_, variant) = made(conn, "LOWEST-1");
    let write = |conn: &mut PgConnection, minor: i64, days: i64| {
        let insert = format!(
            "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
             VALUES ({variant}, 'USD', {minor}, now() - interval '{days} days')"
        );
        diesel::sql_query(insert).execute(conn).unwrap();
    };
    let lowest = |conn: &mut PgConnection, days_ago: i64| {
        let moment = Utc::now() - Duration::from_secs(86_400 * days_ago.unsigned_abs());
        let found = in_force(conn, variant, Some(moment)).unwrap();
        found.first().and_then(|price| price.lowest_30d_minor)
    };
    diesel::sql_query(format!(
        "DELETE FROM catalog.prices WHERE variant_id = {variant}"
    ))
    .execute(conn)
    .unwrap();
    // 300 was over before the thirty days of the last reduction, 600 was in force when they began.
    for (minor, days) in [(300, 90), (600, 50), (900, 30), (800, 20), (700, 10)] {
        write(conn, minor, days);
    }

    assert_eq!(lowest(conn, 100), None);
    assert_eq!(lowest(conn, 80), None);
    assert_eq!(lowest(conn, 40), Some(300));
    assert_eq!(lowest(conn, 15), Some(600));
    assert_eq!(lowest(conn, 0), Some(600));

    // The same amount once more is no other price: it goes on since forty days ago.
    diesel::sql_query("DELETE FROM catalog.prices")
        .execute(conn)
        .unwrap();
    for (minor, days) in [(1_000, 60), (800, 40), (800, 5), (800, 0)] {
        write(conn, minor, days);
    }
    assert_eq!(lowest(conn, 0), Some(1_000));
    assert_eq!(lowest(conn, 39), Some(1_000));
}

/// What staff is told of a moment later is what customers were shown at that moment.
#[test]
fn the_past_is_as_it_was() {
    let conn = &mut conn();
    let (id, variant) = made(conn, "PAST-1");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut captured = Vec::new();
    for _ in 0..150 {
        let moment = clock(conn) + Duration::from_millis(1 + next(20));
        let valid_from = (next(3) > 0).then_some(moment);
        let price = new("PAST-1", i64::try_from(next(1_000)).unwrap(), valid_from);
        set(conn, &[price]);
        let before = clock(conn);
        let shown = minor(conn, id);
        let after = clock(conn);
        captured.push((before, shown, after));
    }
    wait_until(conn, Utc::now() + Duration::from_millis(25));

    let mut compared = 0;
    for (before, shown, after) in captured {
        let found = [before, after].map(|at| in_force(conn, variant, Some(at)).unwrap().remove(0));
        if found[0].id == found[1].id {
            assert_eq!(found[0].amount_minor, shown);
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}
