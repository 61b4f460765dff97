//! What is counted of what is found.
//!
//! The counts of a facet obey the words and all other facets, but not its own selection: they say what choosing another
//! value of it would find.

use std::collections::BTreeMap;

use domain::{CategoryId, Currency, Facet};
use serde_json::Value;

/// How many steps prices are counted in at most.
pub const STEPS: i64 = 10;

/// The counts that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// How many products there are.
    pub total: i64,
    pub brands: Option<Vec<Count>>,
    pub tags: Option<Vec<Count>>,
    pub categories: Option<Vec<CategoryCount>>,
    /// By the names of options.
    pub options: Option<BTreeMap<String, Vec<Count>>>,
    /// By the keys of custom fields.
    pub fields: Option<BTreeMap<String, Vec<Count>>>,
    pub prices: Option<Prices>,
    pub stock: Option<Stock>,
}

/// How many products have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub value: String,
    pub count: i64,
}

/// How many products are in a category or below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryCount {
    pub id: CategoryId,
    pub name: String,
    pub count: i64,
}

/// How many products there are in each part of their range of prices, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    pub currency: Currency,
    /// The lowest and the highest price; `None` where no product has one in the currency.
    pub range: Option<(i64, i64)>,
    /// In their order, all equally wide but the last one.
    pub steps: Vec<Step>,
}

/// Prices from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: i64,
    pub to: i64,
    pub count: i64,
}

/// How many products can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    pub available: i64,
    pub sold_out: i64,
}

impl Facets {
    /// As `catalog.search` writes them.
    pub(super) fn new(stats: &Value, currency: Currency) -> Self {
        let of = |facet: Facet| stats.get(facet.code());
        Self {
            total: number(&stats["total"]),
            brands: of(Facet::Brand).map(counts),
            tags: of(Facet::Tag).map(counts),
            categories: of(Facet::Category).map(|list| {
                let list = list.as_array().into_iter().flatten();
                list.filter_map(category).collect()
            }),
            options: of(Facet::Options).map(|_| by_name(stats, Facet::Options, "option:")),
            fields: of(Facet::Fields).map(|_| by_name(stats, Facet::Fields, "field:")),
            prices: of(Facet::Price).map(|prices| Prices::new(prices, currency)),
            stock: of(Facet::InStock).map(|stock| Stock {
                available: number(&stock["in"]),
                sold_out: number(&stock["out"]),
            }),
        }
    }
}

impl Prices {
    fn new(prices: &Value, currency: Currency) -> Self {
        let range = prices["min"].as_i64().zip(prices["max"].as_i64());
        let Some((low, high)) = range else {
            return Self {
                currency,
                range: None,
                steps: Vec::new(),
            };
        };
        let width = number(&prices["width"]).max(1);
        let step = |place: i64| {
            let from = low + place * width;
            Step {
                from,
                to: from.saturating_add(width - 1).min(high),
                count: number(&prices["counts"][place.to_string()]),
            }
        };
        Self {
            currency,
            range,
            steps: (0..=(high - low) / width).map(step).collect(),
        }
    }
}

/// Those that have a selection are counted one by one, and all others together.
fn by_name(stats: &Value, all: Facet, one: &str) -> BTreeMap<String, Vec<Count>> {
    let lists = stats.as_object().into_iter().flatten();
    let lists = lists.filter(|(name, _)| *name == all.code() || name.starts_with(one));
    let mut counted = BTreeMap::<String, Vec<Count>>::new();
    for value in lists.flat_map(|(_, list)| list.as_array()).flatten() {
        counted
            .entry(text(&value["name"]))
            .or_default()
            .push(count(value));
    }
    counted
}

fn counts(list: &Value) -> Vec<Count> {
    list.as_array().into_iter().flatten().map(count).collect()
}

fn count(value: &Value) -> Count {
    Count {
        value: text(&value["value"]),
        count: number(&value["count"]),
    }
}

/// `None` for one that is archived by now, whose products are about to be written anew.
fn category(value: &Value) -> Option<CategoryCount> {
    Some(CategoryCount {
        id: value["value"].as_str()?.parse().ok()?,
        name: value["label"].as_str()?.to_owned(),
        count: number(&value["count"]),
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
