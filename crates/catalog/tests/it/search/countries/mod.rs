//! Prices of countries, held against looking up the price of each product: random lists, whatever becomes of them, at any moment.

mod entries;
mod ground;

use std::collections::BTreeMap;

use catalog::collections::editing::{self, NewCollection};
use catalog::collections::rules::{Condition, Match, PriceRange};
use catalog::collections::{self, Collection, Rules, listing};
use catalog::prices::{Market, lookup};
use catalog::search::{Search, Selection, following};
use diesel::prelude::*;
use domain::{Facet, PageSize, ProductOrder, SearchSort, Sku};

use self::ground::{COUNTRIES, amount, change, currencies, let_an_hour_pass, make};
use super::brute_force::{Random, prices_by_hand};
use super::{everything, find, findings, follow};
use crate::database;

const ROUNDS: usize = 5;
const SEARCHES: usize = 12;

/// What each product costs in a market, as `POST /api/prices/lookup` tells it; `None` where it has no price in the currency.
fn looked_up(
    conn: &mut PgConnection,
    skus: &BTreeMap<i64, Sku>,
    market: Market,
) -> BTreeMap<i64, Option<i64>> {
    let wanted: Vec<(Sku, i64)> = skus.values().map(|sku| (sku.clone(), 1)).collect();
    let found = lookup::look_up(conn, &wanted, market, &[], None).unwrap();
    let found = found.into_iter().map(|winning| {
        let winning = winning.filter(|winning| winning.currency == market.currency);
        winning.map(|winning| winning.amount_minor)
    });
    skus.keys().copied().zip(found).collect()
}

fn random_search(random: &mut Random) -> Search {
    let (min, max) = (amount(random), amount(random));
    Search {
        market: Market {
            currency: currencies()[random.below(3)],
            country: (!random.one_in(6)).then(|| COUNTRIES[random.below(4)].parse().unwrap()),
            locale: None,
        },
        selection: Selection {
            min_price: random.one_in(2).then_some(min.min(max)),
            max_price: random.one_in(2).then_some(max.max(min)),
            ..Selection::default()
        },
        sort: [
            SearchSort::Cheapest,
            SearchSort::Dearest,
            SearchSort::Newest,
        ][random.below(3)],
        size: PageSize::try_from(1 + i64::try_from(random.below(15)).unwrap()).unwrap(),
        facets: vec![Facet::Price],
        ..everything()
    }
}

/// The products that are to be found, in their order.
fn by_hand(prices: &BTreeMap<i64, Option<i64>>, search: &Search) -> Vec<i64> {
    let (min, max) = (search.selection.min_price, search.selection.max_price);
    let is_in = |price: Option<i64>| {
        min.is_none() && max.is_none()
            || price
                .is_some_and(|price| (min.unwrap_or(0)..=max.unwrap_or(i64::MAX)).contains(&price))
    };
    let found = prices.iter().filter(|(_, price)| is_in(**price));
    let mut found: Vec<(i64, Option<i64>)> = found.map(|(id, price)| (*id, *price)).collect();
    match search.sort {
        SearchSort::Cheapest => found.sort_by_key(|(id, price)| (price.unwrap_or(i64::MAX), *id)),
        SearchSort::Dearest => {
            found.sort_by_key(|(id, price)| (-price.unwrap_or(-1), -id));
        }
        _ => found.sort_by_key(|(id, _)| -id),
    }
    found.into_iter().map(|(id, _)| id).collect()
}

/// All pages, one after the other; what they show is the price that was looked up.
fn all_pages(
    conn: &mut PgConnection,
    search: &Search,
    prices: &BTreeMap<i64, Option<i64>>,
) -> Vec<i64> {
    let (mut seen, mut page) = (Vec::new(), search.clone());
    loop {
        let found = find(conn, &page).products;
        for shown in found.items {
            let id = shown.id.get();
            let is_of_market = shown.currency == search.market.currency;
            let price = is_of_market.then_some(shown.price_minor());
            assert_eq!(price, prices[&id], "{id}: {search:?}");
            seen.push(id);
        }
        let Some(cursor) = found.next_cursor else {
            return seen;
        };
        page.after = Some(cursor.position());
    }
}

fn collection(conn: &mut PgConnection) -> Collection {
    let new = NewCollection {
        slug: "ruled".parse().unwrap(),
        name: "Ruled".to_owned(),
        description: String::new(),
        image: String::new(),
        product_order: Some(ProductOrder::Newest),
        rules: None,
    };
    let id = editing::create(conn, new, None).unwrap();
    collections::find(conn, id).unwrap().unwrap()
}

/// What a collection has whose rules ask for these prices.
fn ruled(conn: &mut PgConnection, collection: &mut Collection, search: &Search) -> Vec<i64> {
    let range = PriceRange {
        currency: search.market.currency,
        min: search.selection.min_price,
        max: search.selection.max_price,
    };
    collection.rules = Some(Rules {
        matching: Match::All,
        conditions: vec![Condition::Price(range)],
    });
    let page = listing::page(conn, collection, (0, 0), PageSize::MAX, search.market).unwrap();
    page.items.iter().map(|product| product.id.get()).collect()
}

/// Returns how many searches found something else in their country than elsewhere.
fn compare(
    conn: &mut PgConnection,
    random: &mut Random,
    skus: &BTreeMap<i64, Sku>,
    collection: &mut Collection,
) -> usize {
    let mut differing = 0;
    for _ in 0..SEARCHES {
        let search = random_search(random);
        let prices = looked_up(conn, skus, search.market);
        let expected = by_hand(&prices, &search);
        assert_eq!(all_pages(conn, &search, &prices), expected, "{search:?}");
        let facets = find(conn, &search).facets.unwrap();
        assert_eq!(
            facets.total,
            i64::try_from(expected.len()).unwrap(),
            "{search:?}"
        );
        let amounts: Vec<i64> = prices.values().copied().flatten().collect();
        let counted = prices_by_hand(&amounts, search.market.currency);
        assert_eq!(facets.prices, Some(counted), "{search:?}");
        if search.selection != Selection::default() {
            let mut newest = search.clone();
            newest.sort = SearchSort::Newest;
            assert_eq!(
                ruled(conn, collection, &search),
                by_hand(&prices, &newest),
                "{search:?}"
            );
        }
        let elsewhere = looked_up(conn, skus, search.market.currency.into());
        differing += usize::from(by_hand(&elsewhere, &search) != expected);
    }
    differing
}

#[test]
fn what_is_searched_by_is_what_is_looked_up_in_each_country_at_any_moment() {
    for seed in [0x9e37_79b9_7f4a_7c15, 20_261_129] {
        let conn = &mut database().connect();
        let random = &mut Random(seed);
        let (skus, lists) = make(conn, random);
        let mut collection = collection(conn);
        follow(conn);
        let mut differing = compare(conn, random, &skus, &mut collection);
        for _ in 0..ROUNDS {
            change(conn, random, &lists);
            follow(conn);
            differing += compare(conn, random, &skus, &mut collection);
            let_an_hour_pass(conn);
            while following::refresh(conn).unwrap() > 0 {}
            differing += compare(conn, random, &skus, &mut collection);
            assert_eq!(findings(conn), [""; 0], "seed {seed}");
        }
        let searches = SEARCHES * (1 + 2 * ROUNDS);
        assert!(
            differing > searches / 5,
            "{differing} of {searches} differ, seed {seed}"
        );
    }
}
