//! Counts, held against counting by hand: random catalogues, words and selections.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use catalog::search::facets::{CategoryCount, Count, Facets, STEPS, Step, Stock};
use catalog::search::{Search, Selection};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CategoryId, Currency, Facet, SearchSort};

use super::{everything, find, findings, ids, index_all};
use crate::{EUR, USD, conn};

const PRODUCTS: usize = 70;
const SEARCHES: usize = 150;
/// English leaves them as they are.
const WORDS: [&str; 6] = ["kilo", "mango", "orbit", "tango", "zebra", "polo"];
pub const BRANDS: [&str; 4] = ["", "Acme", "Ölberg", "O'Neill"];
pub const TAGS: [&str; 5] = ["new", "sale", "eco", "a,b", "\"q\""];
const COLOURS: [&str; 4] = ["red", "blue", "dark: green", "{x}"];
const SIZES: [&str; 3] = ["S", "M", "L"];
/// Categories 1 to 7, and what each of them is directly below; 4 and 7 have two parents.
const PARENTS: [&[usize]; 7] = [&[], &[1], &[1], &[2, 3], &[4], &[], &[6, 4]];

/// Small, and the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub fn some<T: Copy>(&mut self, of: &[T], most: usize) -> Vec<T> {
        (0..self.below(most + 1))
            .map(|_| of[self.below(of.len())])
            .collect()
    }
}

/// A product as it was made.
#[derive(Debug)]
pub struct Item {
    pub id: i64,
    words: BTreeSet<&'static str>,
    pub brand: &'static str,
    pub tags: BTreeSet<&'static str>,
    /// With all above them, as numbers of [`PARENTS`].
    pub categories: BTreeSet<usize>,
    options: BTreeSet<(&'static str, &'static str)>,
    pub prices: BTreeMap<&'static str, i64>,
    pub in_stock: bool,
    pub on_sale: bool,
}

/// A category with all that are above it.
fn above(category: usize) -> BTreeSet<usize> {
    let parents = PARENTS[category - 1].iter();
    let above = parents.flat_map(|parent| above(*parent));
    above.chain([category]).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Makes a product, and says what it is.
pub fn make(conn: &mut PgConnection, random: &mut Random, id: i64) -> Item {
    let name = random.some(&WORDS, 2);
    let texts = random.some(&WORDS, 3);
    let (brand, tags) = (BRANDS[random.below(BRANDS.len())], random.some(&TAGS, 3));
    let assigned: BTreeSet<usize> = random.some(&[1, 2, 3, 4, 5, 6, 7], 2).into_iter().collect();
    let (archived, published) = match random.below(10) {
        0 => ("now()", "'-infinity'"),
        1 => ("NULL", "'infinity'"),
        2 => ("NULL", "now() + interval '1 day'"),
        _ => ("NULL", "'-infinity'"),
    };
    let tags: BTreeSet<&str> = tags.into_iter().collect();
    let listed: Vec<String> = tags.iter().map(|tag| quoted(tag)).collect();
    let mut sql = format!(
        "INSERT INTO catalog.products (id, name, description, brand, tags, archived_at, published_at) OVERRIDING SYSTEM VALUE \
         VALUES ({id}, {}, {}, {}, ARRAY[{}]::text[], {archived}, {published});",
        quoted(&format!("Thing {}", name.join(" "))),
        quoted(&texts.join(" ")),
        quoted(brand),
        listed.join(",")
    );
    for category in &assigned {
        let _ = write!(
            sql,
            "INSERT INTO catalog.category_products VALUES ({category}, {id}, 1, 'x');"
        );
    }
    let mut prices = BTreeMap::new();
    for currency in ["USD", "EUR"] {
        if !random.one_in(4) {
            let amount = i64::try_from(random.below(400)).unwrap();
            prices.insert(currency, amount);
        }
    }
    let (mut options, mut in_stock) = (BTreeSet::new(), false);
    let variants = random.below(3);
    for (number, size) in SIZES.into_iter().enumerate().take(variants + 1) {
        let variant = id * 10 + i64::try_from(number).unwrap();
        let colour = COLOURS[random.below(4)];
        let is_archived = number > 0 && random.one_in(4);
        let (on_hand, reserved) = (random.below(3), 0);
        if !is_archived {
            options.extend([("Colour", colour), ("Size", size)]);
            in_stock |= on_hand > 0;
        }
        let choices = serde_json::json!({"Colour": colour, "Size": size}).to_string();
        let archived = if is_archived { "now()" } else { "NULL" };
        let _ = write!(
            sql,
            "INSERT INTO catalog.variants (id, product_id, sku, is_default, choices, archived_at) OVERRIDING SYSTEM VALUE \
             VALUES ({variant}, {id}, 'BF-{variant}', {}, {}, {archived}); \
             INSERT INTO catalog.stock_levels (variant_id, on_hand, reserved) VALUES ({variant}, {on_hand}, {reserved});",
            number == 0,
            quoted(&choices)
        );
    }
    for (currency, amount) in &prices {
        let _ = write!(
            sql,
            "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) VALUES \
             ({0}, '{currency}', 99999, now() - interval '2 days'), ({0}, '{currency}', {amount}, now() - interval '1 day'), \
             ({0}, '{currency}', 1, now() + interval '1 day');",
            id * 10
        );
    }
    conn.batch_execute(&sql).unwrap();
    Item {
        id,
        words: name.into_iter().chain(texts).collect(),
        brand,
        tags,
        categories: assigned.into_iter().flat_map(above).collect(),
        options,
        on_sale: (archived, published) == ("NULL", "'-infinity'") && !prices.is_empty(),
        prices,
        in_stock,
    }
}

pub fn make_categories(conn: &mut PgConnection) {
    for (id, parents) in (1..).zip(PARENTS) {
        let root = if parents.is_empty() { "1" } else { "NULL" };
        let mut sql = format!(
            "INSERT INTO catalog.categories (id, slug, name, root_position) OVERRIDING SYSTEM VALUE \
             VALUES ({id}, 'bf-{id}', 'Category {id}', {root});"
        );
        for (rank, parent) in parents.iter().enumerate() {
            let _ = write!(
                sql,
                "INSERT INTO catalog.category_parents VALUES ({id}, {parent}, 1, {rank});"
            );
        }
        conn.batch_execute(&sql).unwrap();
    }
}

fn random_search(random: &mut Random) -> Search {
    let owned = |values: Vec<&str>| {
        let values: BTreeSet<String> = values.into_iter().map(str::to_owned).collect();
        values.into_iter().collect::<Vec<_>>()
    };
    let words = random.some(&WORDS, 2);
    let mut options = Vec::new();
    if random.one_in(3) {
        options.extend(
            random
                .some(&COLOURS, 2)
                .into_iter()
                .map(|c| ("Colour".to_owned(), c.to_owned())),
        );
    }
    if random.one_in(3) {
        options.extend(
            random
                .some(&SIZES, 2)
                .into_iter()
                .map(|s| ("Size".to_owned(), s.to_owned())),
        );
    }
    let categories = random.some(&[1, 2, 4, 6, 7, 99], 2).into_iter();
    let limit = |random: &mut Random| i64::try_from(random.below(400)).unwrap();
    Search {
        text: (!words.is_empty() && random.one_in(2)).then(|| words.join(" ")),
        market: if random.one_in(3) { EUR } else { USD }.into(),
        selection: Selection {
            fields: Vec::new(),
            brands: if random.one_in(3) {
                owned(random.some(&["Acme", "O'Neill", "Nobody"], 2))
            } else {
                Vec::new()
            },
            tags: if random.one_in(3) {
                owned(random.some(&TAGS, 2))
            } else {
                Vec::new()
            },
            categories: if random.one_in(3) {
                categories
                    .map(|id: i64| CategoryId::try_from(id).unwrap())
                    .collect()
            } else {
                Vec::new()
            },
            options,
            in_stock: random.one_in(4).then(|| random.one_in(2)),
            min_price: random.one_in(4).then(|| limit(random)),
            max_price: random.one_in(4).then(|| limit(random)),
        },
        sort: SearchSort::ALL[random.below(6)],
        facets: Facet::ALL.to_vec(),
        ..everything()
    }
}

/// Whether a product is found, apart from the selection of one facet; options of one name are a facet.
fn matches(item: &Item, search: &Search, apart: &str) -> bool {
    let selection = &search.selection;
    let any = |facet: &str, wanted: usize, holds: bool| apart == facet || wanted == 0 || holds;
    let price = item.prices.get(search.market.currency.code()).copied();
    let narrowed = selection.min_price.is_some() || selection.max_price.is_some();
    let is_priced = price.is_some_and(|price| {
        price >= selection.min_price.unwrap_or(0)
            && price <= selection.max_price.unwrap_or(i64::MAX)
    });
    let of_option = |name: &str| {
        let wanted = selection.options.iter().filter(|(n, _)| n == name);
        let mut wanted = wanted.peekable();
        apart == name
            || wanted.peek().is_none()
            || wanted.any(|(n, value)| item.options.contains(&(n.as_str(), value.as_str())))
    };
    let text = search.text.as_deref().unwrap_or_default();
    let category = |id: &CategoryId| {
        item.categories
            .contains(&usize::try_from(id.get()).unwrap())
    };
    item.on_sale
        && text
            .split_whitespace()
            .all(|word| item.words.contains(word))
        && any(
            "brand",
            selection.brands.len(),
            selection.brands.iter().any(|b| b == item.brand),
        )
        && any(
            "tag",
            selection.tags.len(),
            selection
                .tags
                .iter()
                .any(|t| item.tags.contains(t.as_str())),
        )
        && any(
            "category",
            selection.categories.len(),
            selection.categories.iter().any(category),
        )
        && of_option("Colour")
        && of_option("Size")
        && (apart == "inStock"
            || selection
                .in_stock
                .is_none_or(|wanted| wanted == item.in_stock))
        && (apart == "price" || !narrowed || is_priced)
}

/// Counts values, the commonest first.
fn tally(values: impl Iterator<Item = String>) -> Vec<Count> {
    let mut counts = BTreeMap::<String, i64>::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<Count> = counts
        .into_iter()
        .map(|(value, count)| Count { value, count })
        .collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
    counts
}

fn by_hand(items: &[Item], search: &Search) -> Facets {
    let of = |apart: &'static str| {
        items
            .iter()
            .filter(move |item| matches(item, search, apart))
    };
    let count = |items: usize| i64::try_from(items).unwrap();
    let categories =
        tally(of("category").flat_map(|item| item.categories.iter().map(ToString::to_string)));
    let mut options = BTreeMap::new();
    for name in ["Colour", "Size"] {
        let values = of(name).flat_map(|item| item.options.iter().filter(|(n, _)| *n == name));
        let counts = tally(values.map(|(_, value)| (*value).to_owned()));
        if !counts.is_empty() {
            options.insert(name.to_owned(), counts);
        }
    }
    let amounts: Vec<i64> = of("price")
        .filter_map(|item| item.prices.get(search.market.currency.code()).copied())
        .collect();
    Facets {
        total: count(of("").count()),
        brands: Some(tally(
            of("brand")
                .map(|item| item.brand.to_owned())
                .filter(|b| !b.is_empty()),
        )),
        tags: Some(tally(
            of("tag").flat_map(|item| item.tags.iter().map(|tag| (*tag).to_owned())),
        )),
        categories: Some(
            categories
                .into_iter()
                .map(|counted| CategoryCount {
                    id: counted.value.parse().unwrap(),
                    name: format!("Category {}", counted.value),
                    count: counted.count,
                })
                .collect(),
        ),
        options: Some(options),
        fields: Some(BTreeMap::new()), // see crate::custom_fields::filters
        prices: Some(prices_by_hand(&amounts, search.market.currency)),
        stock: Some(Stock {
            available: count(of("inStock").filter(|item| item.in_stock).count()),
            sold_out: count(of("inStock").filter(|item| !item.in_stock).count()),
        }),
    }
}

pub fn prices_by_hand(amounts: &[i64], currency: Currency) -> catalog::search::facets::Prices {
    let range = amounts
        .iter()
        .min()
        .copied()
        .zip(amounts.iter().max().copied());
    let mut steps = Vec::new();
    if let Some((low, high)) = range {
        let width = (high - low) / STEPS + 1;
        let mut from = low;
        while from <= high {
            let to = (from + width - 1).min(high);
            let count = amounts.iter().filter(|amount| (from..=to).contains(amount));
            steps.push(Step {
                from,
                to,
                count: i64::try_from(count.count()).unwrap(),
            });
            from += width;
        }
    }
    catalog::search::facets::Prices {
        currency,
        range,
        steps,
    }
}

fn hold_against_counting_by_hand(seed: u64) {
    let conn = &mut conn();
    let random = &mut Random(seed);
    make_categories(conn);
    let items: Vec<Item> = (1..=i64::try_from(PRODUCTS).unwrap())
        .map(|id| make(conn, random, id))
        .collect();
    index_all(conn);
    // What is not narrowed is counted in advance, and holds after documents were others for a while.
    for change in [
        "CREATE TEMPORARY TABLE kept AS SELECT id, brand, tags FROM catalog.products; \
         UPDATE catalog.products SET brand = 'Old', tags = '{old}'",
        "UPDATE catalog.products p SET brand = k.brand, tags = k.tags FROM kept k WHERE k.id = p.id; DROP TABLE kept",
    ] {
        conn.batch_execute(change).unwrap();
        index_all(conn);
        assert_eq!(findings(conn), [""; 0], "seed {seed}");
    }
    let mut narrowed = 0;
    for _ in 0..SEARCHES {
        let search = random_search(random);
        let found = find(conn, &search).facets.unwrap();
        assert_eq!(found, by_hand(&items, &search), "seed {seed}: {search:?}");
        let listed: BTreeSet<i64> = ids(conn, &search).into_iter().collect();
        let expected = items.iter().filter(|item| matches(item, &search, ""));
        assert_eq!(
            listed,
            expected.map(|item| item.id).collect(),
            "seed {seed}: {search:?}"
        );
        narrowed += usize::from(!listed.is_empty() && listed.len() < PRODUCTS / 2);
    }
    assert!(narrowed > SEARCHES / 5, "{narrowed} searches found a part");
}

#[test]
fn counts_and_hits_are_those_of_counting_by_hand() {
    for seed in [0x9e37_79b9_7f4a_7c15, 7, 20_261_124, u64::MAX / 3] {
        hold_against_counting_by_hand(seed);
    }
}
