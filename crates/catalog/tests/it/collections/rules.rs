//! What rules find, held against looking at each product.

use catalog::collections::editing::{self, CollectionChanges};
use catalog::collections::rules::{Condition, Match, PriceRange};
use catalog::collections::{Rules, listing};
use catalog::search::SearchError;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{CategoryId, Currency, PageSize, ProductOrder};

use super::{all, find, listed, make};
use crate::search::brute_force::{self, BRANDS, Item, Random, TAGS};
use crate::search::index_all;
use crate::{EUR, USD, conn, create, product, statements};

const PRODUCTS: i64 = 70;
const RULES: usize = 150;

/// A product was made so many days ago as its id says, and an hour.
fn age(item: &Item) -> u32 {
    u32::try_from(item.id).unwrap()
}

fn random_condition(random: &mut Random) -> Condition {
    let amount = |random: &mut Random| i64::try_from(random.below(400)).unwrap();
    match random.below(6) {
        0 => {
            let id = [1, 2, 4, 6, 7, 99][random.below(6)];
            Condition::Category(CategoryId::try_from(id).unwrap())
        }
        1 => Condition::Brand(["Nobody", BRANDS[1], BRANDS[2], BRANDS[3]][random.below(4)].into()),
        2 => Condition::Tag(TAGS[random.below(TAGS.len())].into()),
        3 => {
            let currency = if random.one_in(3) { EUR } else { USD };
            let (min, max) = (amount(random), amount(random));
            let (min, max) = (min.min(max), max.max(min));
            Condition::Price(PriceRange {
                currency,
                min: (!random.one_in(3)).then_some(min),
                max: (!random.one_in(3)).then_some(max),
            })
        }
        4 => Condition::InStock(random.one_in(2)),
        _ => Condition::MadeWithinDays(u32::try_from(random.below(80)).unwrap()),
    }
}

fn holds(item: &Item, condition: &Condition) -> bool {
    match condition {
        Condition::Category(id) => item
            .categories
            .contains(&usize::try_from(id.get()).unwrap()),
        Condition::Brand(brand) => item.brand == brand,
        Condition::Tag(tag) => item.tags.contains(&tag[..]),
        Condition::Price(range) => item.prices.get(range.currency.code()).is_some_and(|price| {
            (range.min.unwrap_or(0)..=range.max.unwrap_or(i64::MAX)).contains(price)
        }),
        Condition::InStock(wanted) => item.in_stock == *wanted,
        Condition::MadeWithinDays(days) => age(item) < *days,
    }
}

fn is_in(item: &Item, rules: &Rules) -> bool {
    let mut held = rules
        .conditions
        .iter()
        .map(|condition| holds(item, condition));
    item.on_sale
        && match rules.matching {
            Match::All => held.all(|holds| holds),
            Match::Any => held.any(|holds| holds),
        }
}

fn hold_against_looking_at_each(seed: u64) {
    let conn = &mut conn();
    let random = &mut Random(seed);
    brute_force::make_categories(conn);
    let items: Vec<Item> = (1..=PRODUCTS)
        .map(|id| brute_force::make(conn, random, id))
        .collect();
    conn.batch_execute(
        "UPDATE catalog.products SET created_at = statement_timestamp() - interval '1 day' * id - interval '1 hour'",
    )
    .unwrap();
    index_all(conn);
    let by_name: Vec<i64> =
        sql::<BigInt>("SELECT id FROM catalog.products ORDER BY name COLLATE \"und-x-icu\", id")
            .load(conn)
            .unwrap();
    let newest: Vec<i64> = (1..=PRODUCTS).rev().collect();
    let mut collection = {
        let id = make(conn, "found", all(vec![Condition::InStock(true)]));
        find(conn, id)
    };

    let mut narrowed = 0;
    for _ in 0..RULES {
        let conditions = 1 + random.below(4);
        let rules = Rules {
            matching: if random.one_in(2) {
                Match::All
            } else {
                Match::Any
            },
            conditions: (0..conditions).map(|_| random_condition(random)).collect(),
        };
        collection.rules = Some(rules.clone());
        for (order, ids) in [
            (ProductOrder::Newest, &newest),
            (ProductOrder::Name, &by_name),
        ] {
            collection.product_order = order;
            let found = listed(conn, &collection, 7);
            let found: Vec<i64> = found.iter().map(|id| id.get()).collect();
            let item = |id: &&i64| &items[usize::try_from(**id - 1).unwrap()];
            let expected = ids.iter().filter(|id| is_in(item(id), &rules));
            let expected: Vec<i64> = expected.copied().collect();
            assert_eq!(found, expected, "seed {seed}: {order} {rules:?}");
            narrowed += usize::from(!found.is_empty() && found.len() < 35);
        }
    }
    assert!(narrowed > RULES / 2, "{narrowed} rules found a part");
}

#[test]
fn what_rules_find_is_what_looking_at_each_product_finds() {
    for seed in [0x9e37_79b9_7f4a_7c15, 7, 20_261_129] {
        hold_against_looking_at_each(seed);
    }
}

#[test]
fn a_product_is_in_a_collection_as_soon_as_it_is_found_and_no_longer_than_it_is_sold() {
    let conn = &mut conn();
    let id = make(conn, "cheap", all(vec![price(USD, None, Some(1_000))]));
    let cheap = find(conn, id);
    let tee = create(conn, product("TEE"));
    assert_eq!(listed(conn, &cheap, 2), []);
    index_all(conn);
    assert_eq!(listed(conn, &cheap, 2), [tee]);
    let changes = CollectionChanges {
        rules: all(vec![price(USD, Some(951), None)]),
        ..CollectionChanges::default()
    };
    editing::update(conn, id, changes, Some(1), None).unwrap();
    let dear = find(conn, id);
    assert_eq!(listed(conn, &dear, 2), []);
    // Not written anew yet, and not shown.
    catalog::editing::archive(conn, tee, None, None).unwrap();
    assert_eq!(listed(conn, &cheap, 2), []);
}

#[test]
fn what_looks_like_sql_is_a_value_and_what_is_open_is_open() {
    let conn = &mut conn();
    let tee = create(conn, product("TEE"));
    let nasty = "x' OR true) --{}\\";
    diesel::sql_query("UPDATE catalog.products SET brand = $1, tags = ARRAY[$1]")
        .bind::<diesel::sql_types::Text, _>(nasty)
        .execute(conn)
        .unwrap();
    index_all(conn);
    let cases = [
        (Condition::Brand(nasty.into()), true),
        (Condition::Tag(nasty.into()), true),
        (Condition::Brand("x' OR true OR 'x".into()), false),
        (Condition::Tag("{}".into()), false),
        (price(USD, Some(950), Some(950)), true),
        (price(USD, Some(950), Some(i64::MAX)), true),
        // What has no price in a currency is in no range of it.
        (price(EUR, Some(0), None), false),
        (price(EUR, Some(0), Some(i64::MAX)), false),
    ];
    for (condition, is_found) in cases {
        let said = format!("{condition:?}");
        let id = make(conn, &format!("c-{}", said.len()), all(vec![condition]));
        let collection = find(conn, id);
        let found = listed(conn, &collection, 2);
        assert_eq!(found == [tee], is_found, "{said}");
        editing::archive(conn, id, None, None).unwrap();
        let slug = format!("UPDATE catalog.collections SET slug = 'gone-{id}' WHERE id = {id}");
        conn.batch_execute(&slug).unwrap();
    }
}

#[test]
fn rules_take_two_statements_and_wait_for_the_index() {
    let conn = &mut conn();
    let id = make(conn, "all", all(vec![Condition::InStock(true)]));
    let collection = find(conn, id);
    for n in 0..30 {
        create(conn, product(&format!("P-{n}")));
    }
    index_all(conn);
    let read = statements(conn, |conn| {
        assert_eq!(listed(conn, &collection, 100).len(), 30);
    });
    assert_eq!(read, 2);
    conn.batch_execute("UPDATE catalog.search_index SET built_at = NULL")
        .unwrap();
    let early = listing::page(conn, &collection, (0, 0), PageSize::MAX, USD);
    assert!(matches!(early, Err(SearchError::NotBuilt)));
}

fn price(currency: Currency, min: Option<i64>, max: Option<i64>) -> Condition {
    Condition::Price(PriceRange { currency, min, max })
}
