//! Products, and lists that are for some countries, of which anything may become.

use std::collections::BTreeMap;

use catalog::prices::lists::Terms;
use catalog::prices::lists::editing::{self, ListChanges};
use catalog::prices::lists::setting::{self, NewListPrice};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{Currency, PriceListId, Sku};

use crate::search::brute_force::Random;
use crate::{EUR, USD, create, product, sku};

const PRODUCTS: usize = 40;
const LISTS: usize = 7;
/// No list is for the last one.
pub const COUNTRIES: [&str; 4] = ["AT", "CH", "DE", "FR"];

pub fn currencies() -> [Currency; 3] {
    [USD, EUR, "GBP".parse().unwrap()]
}

/// Half past an hour, so that none begins while the test runs.
fn half_past(hours: usize) -> DateTime<Utc> {
    Utc::now() + TimeDelta::minutes(60 * (i64::try_from(hours).unwrap() - 2) + 30)
}

pub fn amount(random: &mut Random) -> i64 {
    i64::try_from(random.below(400)).unwrap()
}

fn random_terms(random: &mut Random) -> Terms {
    let (starts, hours) = (random.below(6), 1 + random.below(4));
    let countries = random.some(&COUNTRIES[..3], 3).into_iter();
    Terms {
        priority: i32::try_from(random.below(3)).unwrap(),
        is_active: !random.one_in(6),
        starts_at: random.one_in(2).then(|| half_past(starts)),
        ends_at: random.one_in(2).then(|| half_past(starts + hours)),
        countries: countries.map(|code| code.parse().unwrap()).collect(),
        customer_groups: if random.one_in(6) {
            vec!["trade".parse().unwrap()]
        } else {
            Vec::new()
        },
    }
}

/// Of variants that stand for their products, and of others.
fn random_prices(random: &mut Random) -> Vec<NewListPrice> {
    let price = |_| {
        let beside = if random.one_in(6) { "-B" } else { "" };
        NewListPrice {
            sku: sku(&format!("C-{}{beside}", random.below(PRODUCTS))),
            currency: currencies()[random.below(3)],
            min_quantity: if random.one_in(5) { 2 } else { 1 },
            amount_minor: (!random.one_in(6)).then(|| amount(random)),
            compare_at_minor: None,
            valid_from: random.one_in(3).then(|| half_past(2 + random.below(4))),
        }
    };
    (0..PRODUCTS).map(price).collect()
}

/// Products with prices in some currencies, now and later, and lists; returns the SKUs of the products by their ids.
pub fn make(
    conn: &mut PgConnection,
    random: &mut Random,
) -> (BTreeMap<i64, Sku>, Vec<PriceListId>) {
    let mut skus = BTreeMap::new();
    for number in 0..PRODUCTS {
        let name = format!("C-{number}");
        let id = create(conn, product(&name)).get();
        skus.insert(id, sku(&name));
        conn.batch_execute(&format!(
            "INSERT INTO catalog.variants (product_id, sku, is_default) VALUES ({id}, '{name}-B', false); \
             UPDATE catalog.prices SET currency = 'GBP' WHERE variant_id IN (SELECT id FROM catalog.variants WHERE sku = '{name}')"
        ))
        .unwrap();
        for currency in ["USD", "EUR"] {
            for moment in [half_past(0), half_past(2 + random.below(6))] {
                if random.one_in(4) {
                    continue;
                }
                conn.batch_execute(&format!(
                    "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
                     SELECT id, '{currency}', {}, '{moment}' FROM catalog.variants WHERE product_id = {id}",
                    amount(random)
                ))
                .unwrap();
            }
        }
    }
    let list = |number| {
        let code = format!("list-{number}").parse().unwrap();
        let terms = Terms {
            ends_at: None,
            ..random_terms(random)
        };
        let prices = random_prices(random);
        conn.transaction(|conn| {
            let id = editing::create(conn, &code, "A list".to_owned(), terms, None).unwrap();
            setting::set_all(conn, id, &prices, None)?;
            QueryResult::Ok(id)
        })
        .unwrap()
    };
    let lists = (0..LISTS).map(list).collect();
    (skus, lists)
}

/// Something becomes of a list, or of prices in it.
pub fn change(conn: &mut PgConnection, random: &mut Random, lists: &[PriceListId]) {
    let list = lists[random.below(lists.len())];
    if random.one_in(3) {
        let prices = random_prices(random);
        conn.transaction(|conn| setting::set_all(conn, list, &prices, None))
            .unwrap();
        return;
    }
    let terms = random_terms(random);
    let moves = random.one_in(2);
    let changes = ListChanges {
        name: None,
        priority: random.one_in(2).then_some(terms.priority),
        is_active: random.one_in(2).then_some(terms.is_active),
        starts_at: moves.then_some(terms.starts_at),
        ends_at: moves.then_some(terms.ends_at),
        countries: random.one_in(2).then_some(terms.countries),
        customer_groups: random.one_in(4).then_some(terms.customer_groups),
    };
    conn.transaction(|conn| editing::update(conn, list, changes, None, None))
        .unwrap();
}

/// Lets an hour pass: all moments there are lie that much further back.
pub fn let_an_hour_pass(conn: &mut PgConnection) {
    for (table, columns) in [
        ("prices", &["valid_from"][..]),
        ("list_prices", &["valid_from"]),
        ("price_lists", &["starts_at", "ends_at"]),
        ("price_list_terms", &["starts_at", "ends_at", "said_from"]),
        ("search_documents_0", &["changes_at"]),
    ] {
        for column in columns {
            let passed =
                format!("UPDATE catalog.{table} SET {column} = {column} - interval '1 hour'");
            conn.batch_execute(&passed).unwrap();
        }
    }
}
