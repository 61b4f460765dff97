//! Vendure's product CSV: a product begins where a name stands, and its variants follow.

use std::io::Read;

use domain::Currency;

use super::Profile;
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

fn list(cell: &str) -> Vec<String> {
    if cell.is_empty() {
        return Vec::new();
    }
    cell.split('|').map(|item| item.trim().to_owned()).collect()
}
