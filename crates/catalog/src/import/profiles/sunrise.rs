//! commercetools' product CSV: a product begins where its type stands, and a cell has all prices.

use std::io::Read;

use domain::{Currency, Money};

use super::{Profile, paths, slug};
use crate::import::row::{Cells, Refusal, refuse};
use crate::import::table::Table;
use crate::import::{ImportError, Sink};

/// The attributes by which variants are told apart, and what they are called here.
const OPTIONS: [(&str, &str); 2] = [("size", "Size"), ("color", "Colour")];

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.require(Profile::Sunrise, &["productType", "sku", "prices"])?;
    let mut product = Cells::default();
    while let Some(fault) = table.advance()? {
        if !table.cell("productType").is_empty() {
            let sku = table.cell("sku");
            let its_slug = localised(&table, "slug");
            let text = |field| localised(&table, field).unwrap_or_default().to_owned();
            product = Cells {
                product: its_slug.unwrap_or(sku).to_owned(),
                slug: slug(its_slug.unwrap_or_default()),
                brand: table.cell("designer").to_owned(),
                categories: paths(table.cell("categories"), ';', ">"),
                seo_title: text("metaTitle"),
                seo_description: text("metaDescription"),
                name: text("name"),
                description: text("description"),
                image: first_image(&table).to_owned(),
                ..Cells::default()
            };
        }
        let options =
            OPTIONS.map(|(column, name)| (name.to_owned(), table.cell(column).to_owned()));
        let cells = Cells {
            sku: table.cell("sku").to_owned(),
            options: options.to_vec(),
            ..product.clone()
        };
        match fault.and_then(|()| prices(table.cell("prices"))) {
            Err(refusal) => sink(table.line, cells, Err(refusal))?,
            Ok(prices) => {
                for price in prices {
                    let cells = Cells {
                        price: price.to_decimal(),
                        currency: price.currency().code().to_owned(),
                        ..cells.clone()
                    };
                    sink(table.line, cells, Ok(()))?;
                }
            }
        }
    }
    Ok(())
}

/// The price in each currency: the one for everyone (`EUR 18750`), or else that of the only country
/// that has one (`US-USD 18750`).
///
/// Those for a group of customers (`EUR 12295 b2b`) or a shop (`EUR 19125#berlin`) are left out.
fn prices(cell: &str) -> Result<Vec<Money>, Refusal> {
    let (mut for_all, mut for_countries) = (Vec::new(), Vec::new());
    for text in cell.split(';').map(str::trim) {
        let no_price = || refuse("prices", format!("`{text:.40}` is no price"));
        let (place, cents) = text.split_once(' ').ok_or_else(no_price)?;
        if cents.contains([' ', '#']) {
            continue;
        }
        let (prices, currency) = match place.split_once('-') {
            Some((_, currency)) => (&mut for_countries, currency),
            None => (&mut for_all, place),
        };
        let currency =
            Currency::try_from(currency).map_err(|error| refuse("prices", error.to_string()))?;
        let are_digits = cents.bytes().all(|b| b.is_ascii_digit());
        let minor = cents.parse().ok().filter(|_| are_digits);
        prices.push(Money::new(minor.ok_or_else(no_price)?, currency));
    }
    let is_only = |price: &&Money| {
        let has_currency = |other: &&Money| other.currency() == price.currency();
        !for_all.iter().any(|other| has_currency(&other))
            && for_countries.iter().filter(has_currency).count() == 1
    };
    let only: Vec<Money> = for_countries.iter().filter(is_only).copied().collect();
    if for_all.is_empty() && only.is_empty() {
        return Err(refuse("prices", "has none for everyone"));
    }
    for_all.extend(only);
    Ok(for_all)
}

/// In English, or else in the language that comes first.
fn localised<'t, R: Read>(table: &'t Table<R>, field: &str) -> Option<&'t str> {
    let is_of = |column: &&String| {
        let language = column.strip_prefix(field);
        language.is_some_and(|language| language.starts_with('.'))
    };
    let english = format!("{field}.en");
    let others = table.header.iter().filter(is_of);
    std::iter::once(&english)
        .chain(others)
        .map(|column| table.cell(column))
        .find(|text| !text.is_empty())
}

fn first_image<R: Read>(table: &Table<R>) -> &str {
    table
        .cell("images")
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}
