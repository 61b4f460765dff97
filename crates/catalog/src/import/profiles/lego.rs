//! Brickset's LEGO sets: one row per set, with a column of list prices per currency.

use std::collections::HashSet;
use std::io::Read;

use super::Profile;
use crate::import::row::{Cells, refuse};
use crate::import::table::Table;
use crate::import::{ImportError, Sink};

const PRICES: [(&str, &str); 4] = [
    ("USD_MSRP", "USD"),
    ("GBP_MSRP", "GBP"),
    ("EUR_MSRP", "EUR"),
    ("CAD_MSRP", "CAD"),
];

/// What stands where nothing is known.
const UNKNOWN: &str = "NA";

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.require(Profile::Lego, &["Item_Number", "Name"])?;
    table.require(Profile::Lego, &PRICES.map(|(column, _)| column))?;
    let mut numbers = HashSet::new();
    while let Some(fault) = table.advance()? {
        let known = |column| match table.cell(column) {
            UNKNOWN => String::new(),
            text => text.to_owned(),
        };
        let cells = Cells {
            sku: table.cell("Item_Number").to_owned(),
            name: table.cell("Name").to_owned(),
            image: known("Image_URL"),
            categories: themes(&known("Theme"), &known("Subtheme")),
            ..Cells::default()
        };
        let is_new = numbers.insert(cells.sku.clone());
        if fault.is_err() || cells.sku.is_empty() {
            sink(table.line, cells, fault)?;
            continue;
        }
        if !is_new {
            let refusal = refuse("sku", "is the number of another set, too");
            sink(table.line, cells, Err(refusal))?;
            continue;
        }
        let mut priced = PRICES
            .iter()
            .map(|(column, currency)| (known(column), currency))
            .filter(|(price, _)| !price.is_empty())
            .peekable();
        if priced.peek().is_none() {
            let refusal = refuse("price", "is not known in any currency");
            sink(table.line, cells.clone(), Err(refusal))?;
        }
        for (price, currency) in priced {
            let cells = Cells {
                price,
                currency: (*currency).to_owned(),
                ..cells.clone()
            };
            sink(table.line, cells, Ok(()))?;
        }
    }
    Ok(())
}

/// The theme of a set, and the part of it where it has some.
fn themes(theme: &str, part: &str) -> Vec<Vec<String>> {
    let path = [theme, part].into_iter().filter(|name| !name.is_empty());
    let path: Vec<String> = path.map(str::to_owned).collect();
    Some(path)
        .filter(|_| !theme.is_empty())
        .into_iter()
        .collect()
}
