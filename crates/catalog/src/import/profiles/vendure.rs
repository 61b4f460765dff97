//! Vendure's product CSV: a product begins where a name stands, and its variants follow.

use std::io::Read;

use domain::Currency;

use super::{Profile, slug};
use crate::import::row::{Cells, Refusal, refuse};
use crate::import::table::Table;
use crate::import::{ImportError, Sink};

/// What a product's first row says for all of them.
#[derive(Default)]
struct Product {
    slug: String,
    name: String,
    description: String,
    option_groups: Vec<String>,
    /// Each with its value, such as `brand:Apple`.
    facets: Vec<(String, String)>,
}

pub(super) fn read(source: impl Read, currency: Currency, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.require(
        Profile::Vendure,
        &[
            "name",
            "slug",
            "optionGroups",
            "optionValues",
            "sku",
            "price",
        ],
    )?;
    let mut product = Product::default();
    while let Some(fault) = table.advance()? {
        let cell = |column| table.cell(column).to_owned();
        if !table.cell("name").is_empty() {
            product = Product {
                slug: cell("slug"),
                name: cell("name"),
                description: cell("description"),
                option_groups: list(table.cell("optionGroups")),
                facets: facets(table.cell("facets")),
            };
        }
        let options = options(&product, table.cell("optionValues"));
        let (options, fault) = match (options, fault) {
            (Ok(options), fault) => (options, fault),
            (Err(refusal), fault) => (Vec::new(), fault.and(Err(refusal))),
        };
        let cells = Cells {
            product: product.slug.clone(),
            sku: cell("sku"),
            name: product.name.clone(),
            description: product.description.clone(),
            price: cell("price"),
            currency: currency.code().to_owned(),
            on_hand: cell("stockOnHand"),
            options,
            slug: slug(&product.slug),
            brand: product.values("brand").next().unwrap_or_default(),
            categories: product.values("category").map(|name| vec![name]).collect(),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

fn options(product: &Product, values: &str) -> Result<Vec<(String, String)>, Refusal> {
    let values = list(values);
    let groups = &product.option_groups;
    if values.len() != groups.len() {
        let message = format!("has {} values for {} options", values.len(), groups.len());
        return Err(refuse("optionValues", message));
    }
    Ok(groups.iter().cloned().zip(values).collect())
}

impl Product {
    /// The values of a facet.
    fn values(&self, facet: &str) -> impl Iterator<Item = String> {
        let of = self.facets.iter().filter(move |(name, _)| name == facet);
        of.map(|(_, value)| value.clone())
    }
}

fn facets(cell: &str) -> Vec<(String, String)> {
    let facet = |item: String| {
        let (name, value) = item.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    list(cell).into_iter().filter_map(facet).collect()
}

fn list(cell: &str) -> Vec<String> {
    if cell.is_empty() {
        return Vec::new();
    }
    cell.split('|').map(|item| item.trim().to_owned()).collect()
}
