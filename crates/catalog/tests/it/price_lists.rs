//! Prices for some customers, quantities, countries or a while.

use std::time::Duration;

use catalog::prices::Market;
use catalog::prices::lists::editing::{self, ListChanges, ListError};
use catalog::prices::lists::setting::{self, NewListPrice};
use catalog::prices::lists::{self, Terms};
use catalog::prices::lookup::{Winning, look_up};
use catalog::prices::setting::{NewPrice, Outcome, WithdrawError};
use catalog::products;
use chrono::{DateTime, Utc};
use db::testing::count;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::{Country, Money, PageSize, PriceListId, Slug};

use crate::{EUR, USD, conn, create, product, sku};

const ANYONE: Terms = Terms {
    priority: 0,
    is_active: true,
    starts_at: None,
    ends_at: None,
    countries: Vec::new(),
    customer_groups: Vec::new(),
};

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn list(conn: &mut PgConnection, code: &str, terms: Terms) -> PriceListId {
    editing::create(conn, &slug(code), code.to_owned(), terms, None).unwrap()
}

fn price(of: &str, min_quantity: i64, minor: impl Into<Option<i64>>) -> NewListPrice {
    NewListPrice {
        sku: sku(of),
        currency: USD,
        min_quantity,
        amount_minor: minor.into(),
        compare_at_minor: None,
        valid_from: None,
    }
}

fn set(conn: &mut PgConnection, list: PriceListId, prices: &[NewListPrice]) -> Vec<Outcome> {
    setting::set_all(conn, list, prices, None).unwrap()
}

/// Who asks for how many, and for when.
#[derive(Clone, Copy)]
struct Asked<'a> {
    quantity: i64,
    country: Option<&'a str>,
    groups: &'a [&'a str],
    as_of: Option<DateTime<Utc>>,
}

const NOBODY: Asked<'static> = Asked {
    quantity: 1,
    country: None,
    groups: &[],
    as_of: None,
};

fn won(conn: &mut PgConnection, of: &str, asked: &Asked<'_>) -> Option<Winning> {
    let market = Market {
        currency: USD,
        country: asked.country.map(|code| Country::try_from(code).unwrap()),
        locale: None,
    };
    let groups: Vec<Slug> = asked.groups.iter().map(|name| slug(name)).collect();
    let wanted = [(sku(of), asked.quantity)];
    look_up(conn, &wanted, market, &groups, asked.as_of)
        .unwrap()
        .remove(0)
}

/// What a customer pays, and the code of the list.
fn pays(conn: &mut PgConnection, of: &str, asked: &Asked<'_>) -> (i64, String) {
    let won = won(conn, of, asked).unwrap();
    let code = won.list.map_or(String::new(), |(_, code)| code.to_string());
    (won.amount_minor, code)
}

fn clock(conn: &mut PgConnection) -> DateTime<Utc> {
    diesel::select(sql::<Timestamptz>("clock_timestamp()"))
        .get_result(conn)
        .unwrap()
}

#[test]
fn the_highest_priority_that_applies_and_the_greatest_quantity_reached_count() {
    let conn = &mut conn();
    create(conn, product("WIN-1"));
    create(conn, product("WIN-2"));
    let volume = list(conn, "volume", ANYONE);
    let germany = list(
        conn,
        "germany",
        Terms {
            priority: 1,
            countries: vec!["DE".parse().unwrap()],
            ..ANYONE
        },
    );
    let trade = list(
        conn,
        "trade",
        Terms {
            priority: 2,
            customer_groups: vec![slug("trade"), slug("staff")],
            ..ANYONE
        },
    );
    let outcomes = set(
        conn,
        volume,
        &[price("WIN-1", 10, 900), price("WIN-1", 100, 800)],
    );
    assert_eq!(outcomes, [Outcome::Set, Outcome::Set]);
    set(conn, germany, &[price("WIN-1", 1, 850)]);
    set(conn, trade, &[price("WIN-1", 5, 999)]);

    let of = |quantity, country, groups| Asked {
        quantity,
        country,
        groups,
        as_of: None,
    };
    for (asked, amount, code) in [
        (of(1, None, &[][..]), 950, ""),
        (of(9, None, &[]), 950, ""),
        (of(10, None, &[]), 900, "volume"),
        (of(99, Some("FR"), &["others"]), 900, "volume"),
        (of(100, None, &[]), 800, "volume"),
        (of(1_000_000, Some("DE"), &[]), 850, "germany"),
        (of(4, Some("DE"), &["trade"]), 850, "germany"),
        (of(5, Some("DE"), &["others", "staff"]), 999, "trade"),
    ] {
        let expected = (amount, code.to_owned());
        assert_eq!(pays(conn, "WIN-1", &asked), expected, "{}", asked.quantity);
        assert_eq!(pays(conn, "WIN-2", &asked), (950, String::new()));
    }

    // A list that has no price in the currency does not count, and nor does one that was switched off.
    let inactive = ListChanges {
        is_active: Some(false),
        ..ListChanges::default()
    };
    editing::update(conn, germany, inactive, Some(1), None).unwrap();
    let in_euros = NewListPrice {
        currency: EUR,
        ..price("WIN-1", 1, 1)
    };
    set(conn, trade, &[in_euros, price("WIN-1", 5, None)]);
    let asked = of(5, Some("DE"), &["trade"]);
    assert_eq!(pays(conn, "WIN-1", &asked), (950, String::new()));
}

#[test]
fn a_price_is_set_once_unchanged_when_it_is_there_and_taken_off_again() {
    let conn = &mut conn();
    let id = create(conn, product("SET-1"));
    let sale = list(conn, "sale", ANYONE);
    let later = clock(conn) + Duration::from_secs(600);
    let to_come = |minor| NewListPrice {
        valid_from: Some(later),
        ..price("SET-1", 1, minor)
    };
    let past = NewListPrice {
        valid_from: Some(later - Duration::from_secs(1200)),
        ..price("SET-1", 1, 700)
    };
    let prices = [
        price("SET-1", 1, 700),
        price("SET-1", 1, 600),
        price("NOT-THERE", 1, 700),
        to_come(500),
        past,
        price("SET-1", 2, None),
    ];
    assert_eq!(
        set(conn, sale, &prices),
        [
            Outcome::Set,
            Outcome::Repeated,
            Outcome::UnknownSku,
            Outcome::Scheduled,
            Outcome::Past,
            Outcome::Unchanged
        ]
    );
    let version = products::find(conn, id, USD).unwrap().unwrap().version;
    assert_eq!(version, 2);
    assert_eq!(
        set(conn, sale, &[price("SET-1", 1, 700), to_come(400)]),
        [Outcome::Unchanged, Outcome::Scheduled]
    );
    let written = lists::prices(conn, sale, i64::MAX, PageSize::default()).unwrap();
    let amounts: Vec<_> = written
        .iter()
        .map(|price| (price.amount_minor, price.is_to_come))
        .collect();
    assert_eq!(amounts, [(Some(400), true), (Some(700), false)]);

    let refused = setting::withdraw(conn, sale, written[1].id, None);
    assert!(
        matches!(refused, Err(WithdrawError::InForce)),
        "{refused:?}"
    );
    let of_another = list(conn, "another", ANYONE);
    let refused = setting::withdraw(conn, of_another, written[0].id, None);
    assert!(
        matches!(refused, Err(WithdrawError::NotFound)),
        "{refused:?}"
    );
    setting::withdraw(conn, sale, written[0].id, None).unwrap();
    assert_eq!(set(conn, sale, &[to_come(400)]), [Outcome::Scheduled]);

    assert_eq!(set(conn, sale, &[price("SET-1", 1, None)]), [Outcome::Set]);
    assert_eq!(pays(conn, "SET-1", &NOBODY), (950, String::new()));
    let at_last = Asked {
        as_of: Some(later),
        ..NOBODY
    };
    assert_eq!(pays(conn, "SET-1", &at_last), (400, "sale".to_owned()));
}

#[test]
fn a_list_starts_and_ends_by_the_clock_wherever_a_price_is_read() {
    let conn = &mut conn();
    let id = create(conn, product("TIME-1"));
    let starts_at = clock(conn) + Duration::from_millis(200);
    let ends_at = starts_at + Duration::from_millis(200);
    let sale = list(
        conn,
        "flash",
        Terms {
            starts_at: Some(starts_at),
            ends_at: Some(ends_at),
            ..ANYONE
        },
    );
    set(conn, sale, &[price("TIME-1", 1, 500)]);
    let shown = |conn: &mut PgConnection| {
        let found = products::find(conn, id, USD).unwrap().unwrap();
        let now = pays(conn, "TIME-1", &NOBODY).0;
        assert_eq!(found.price_minor(), now);
        (now, found.compare_at_minor(), found.lowest_30d_minor())
    };
    let wait_until = |conn: &mut PgConnection, moment: DateTime<Utc>| {
        let left = (moment - clock(conn)).num_microseconds().unwrap().max(0);
        let sleep = format!("SELECT pg_sleep({} / 1e6)", left + 1_000);
        diesel::sql_query(sleep).execute(conn).unwrap();
    };

    assert_eq!(shown(conn), (950, None, None));
    let next = products::next_change(conn).unwrap().unwrap();
    assert!(next <= Duration::from_millis(200), "{next:?}");
    wait_until(conn, starts_at);
    assert_eq!(shown(conn), (500, Some(950), Some(950)));
    let next = products::next_change(conn).unwrap().unwrap();
    assert!(next <= Duration::from_millis(200), "{next:?}");
    wait_until(conn, ends_at);
    assert_eq!(shown(conn), (950, None, None));
    assert_eq!(products::next_change(conn), Ok(None));
}

#[test]
fn a_reduction_is_compared_with_the_lowest_price_of_the_thirty_days_before() {
    let conn = &mut conn();
    let id = create(conn, product("LOW-1"));
    let variant = products::find_default_variant(conn, id).unwrap().unwrap();
    // 9.50 from forty days ago, 9.00 for a week until ten days ago, and a sale for three days before that.
    diesel::sql_query(format!(
        "UPDATE catalog.prices SET valid_from = now() - interval '40 days' WHERE variant_id = {variant}"
    ))
    .execute(conn)
    .unwrap();
    diesel::sql_query(format!(
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) VALUES \
         ({variant}, 'USD', 900, now() - interval '17 days'), ({variant}, 'USD', 950, now() - interval '10 days')"
    ))
    .execute(conn)
    .unwrap();
    let sale = list(conn, "sale", ANYONE);
    set(conn, sale, &[price("LOW-1", 1, 800)]);
    let lowest = |conn: &mut PgConnection| {
        let won = won(conn, "LOW-1", &NOBODY).unwrap();
        (won.amount_minor, won.compare_at_minor, won.lowest_30d_minor)
    };
    assert_eq!(lowest(conn), (800, Some(950), Some(900)));

    // Another list had it for less; that was for some customers only, and says nothing to the others.
    let friends = list(
        conn,
        "friends",
        Terms {
            priority: 9,
            customer_groups: vec![slug("friends")],
            ..ANYONE
        },
    );
    set(conn, friends, &[price("LOW-1", 1, 100)]);
    assert_eq!(lowest(conn), (800, Some(950), Some(900)));

    // What it is shown as reduced from can be said, and a price that is no reduction is shown as none.
    let said = NewListPrice {
        compare_at_minor: Some(1_200),
        ..price("LOW-1", 1, 800)
    };
    assert_eq!(set(conn, sale, &[said]), [Outcome::Set]);
    assert_eq!(lowest(conn), (800, Some(1_200), Some(900)));
    set(conn, sale, &[price("LOW-1", 1, 1_000)]);
    assert_eq!(lowest(conn), (1_000, None, None));
}

#[test]
fn lists_are_named_once_and_changed_only_as_they_were_read() {
    let conn = &mut conn();
    let id = list(conn, "once", ANYONE);
    conn.transaction(|conn| {
        let again = editing::create(conn, &slug("once"), "Again".into(), ANYONE, None);
        assert!(matches!(again, Err(ListError::CodeTaken)), "{again:?}");
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    })
    .unwrap_err();
    let later = Utc::now();
    let backwards = ListChanges {
        starts_at: Some(Some(later)),
        ends_at: Some(Some(later)),
        ..ListChanges::default()
    };
    let refused = editing::update(conn, id, backwards, None, None);
    assert!(
        matches!(refused, Err(ListError::EndsBeforeStart)),
        "{refused:?}"
    );
    let renamed = ListChanges {
        name: Some("Renamed".into()),
        ..ListChanges::default()
    };
    let as_it_is = ListChanges {
        priority: Some(0),
        ..ListChanges::default()
    };
    editing::update(conn, id, as_it_is, Some(1), None).unwrap();
    editing::update(conn, id, renamed.clone(), Some(1), None).unwrap();
    let stale = editing::update(conn, id, renamed, Some(1), None);
    assert!(matches!(stale, Err(ListError::Stale(2))), "{stale:?}");
    let events = "platform.outbox WHERE kind = 'priceList.changed'";
    assert_eq!(count(conn, events), 2);
}

/// A generator that is the same for the same seed (Numerical Recipes' constants).
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

#[test]
fn what_was_to_be_paid_at_any_moment_is_what_was_captured_then() {
    let conn = &mut conn();
    create(conn, product("PAST-1"));
    let all: Vec<PriceListId> = (0..3)
        .map(|n| list(conn, &format!("list-{n}"), ANYONE))
        .collect();
    let seed = &mut 20_261_128;
    let groups = [&[][..], &["a"], &["b"], &["a", "b"]];
    let countries = [None, Some("DE"), Some("FR")];
    let mut captured = Vec::new();
    let (mut shown_before, mut reductions) = (vec![950], 0);
    for _ in 0..100 {
        let (list, minor) = (
            all[usize::try_from(random(seed, 3)).unwrap()],
            100 + random(seed, 900).cast_signed(),
        );
        match random(seed, 4) {
            0 => {
                let new = NewPrice {
                    sku: sku("PAST-1"),
                    price: Money::new(minor + 500, USD),
                    valid_from: None,
                };
                catalog::prices::setting::set_all(conn, &[new], None).unwrap();
            }
            1 => {
                let changes = ListChanges {
                    priority: Some(i32::try_from(random(seed, 3)).unwrap()),
                    is_active: Some(random(seed, 4) > 0),
                    countries: Some(match random(seed, 3) {
                        0 | 1 => Vec::new(),
                        _ => vec!["DE".parse().unwrap()],
                    }),
                    customer_groups: Some(match random(seed, 3) {
                        0 | 1 => Vec::new(),
                        _ => vec![slug("a")],
                    }),
                    ends_at: Some((random(seed, 5) == 0).then(Utc::now)),
                    ..ListChanges::default()
                };
                editing::update(conn, list, changes, None, None).unwrap();
            }
            quantity => {
                let amount = (random(seed, 4) > 0).then_some(minor);
                let tier = price("PAST-1", quantity.cast_signed() - 1, amount);
                set(conn, list, &[tier]);
            }
        }
        let asked = Asked {
            quantity: 1 + random(seed, 3).cast_signed(),
            country: countries[usize::try_from(random(seed, 3)).unwrap()],
            groups: groups[usize::try_from(random(seed, 4)).unwrap()],
            as_of: None,
        };
        // All of it lies within thirty days: the lowest price is that of all before the present one.
        let shown = won(conn, "PAST-1", &NOBODY).unwrap();
        if shown_before.last() != Some(&shown.amount_minor) {
            shown_before.push(shown.amount_minor);
        }
        let before = &shown_before[..shown_before.len() - 1];
        let lowest = before.iter().min().copied();
        let is_reduced = shown.compare_at_minor.is_some();
        assert_eq!(shown.lowest_30d_minor, lowest.filter(|_| is_reduced));
        reductions += usize::from(is_reduced);

        let moment = clock(conn);
        let charged = charged(conn, "PAST-1", &asked);
        assert_eq!(pays(conn, "PAST-1", &asked), charged);
        let then = Asked {
            as_of: Some(moment),
            ..asked
        };
        captured.push((then, charged));
    }
    assert!(reductions > 10, "{reductions}");
    for (asked, charged) in captured {
        assert_eq!(pays(conn, "PAST-1", &asked), charged, "{:?}", asked.as_of);
    }
}

db::statement! {
    /// As an order reads it.
    struct Charged {
        sku: String => Text,
        pieces: i64 => BigInt,
        country: Option<String> => Nullable<Text>,
        groups: Vec<String> => Array<Text>,
    } -> (BigInt, Text) =
    "SELECT coalesce(w.amount_minor, q.price_minor), coalesce((SELECT code FROM catalog.price_lists WHERE id = w.list_id), '') \
       FROM catalog.quote(NULL, $1, 'USD') q \
       LEFT JOIN LATERAL catalog.list_price(q.variant_id, q.currency, $2, $4, $3) w ON true"
}

fn charged(conn: &mut PgConnection, of: &str, asked: &Asked<'_>) -> (i64, String) {
    let charged = Charged {
        sku: of.to_owned(),
        pieces: asked.quantity,
        country: asked.country.map(str::to_owned),
        groups: asked.groups.iter().map(ToString::to_string).collect(),
    };
    charged.get_result(conn).unwrap()
}
