//! Magento's product CSV: the variants of a configurable product come before it as products of their own.

use std::collections::HashMap;
use std::io::Read;

use domain::Currency;

use super::{Profile, paths, plain, slug};
use crate::import::row::{Cells, Refusal, refuse};
use crate::import::table::Table;
use crate::import::{ImportError, Sink};

/// What Magento says of products that are shown only as a part of another one.
const HIDDEN: &str = "Not Visible Individually";

/// A product that may be a variant of one that comes later.
struct Part {
    line: u64,
    cells: Cells,
    fault: Result<(), Refusal>,
}

pub(super) fn read(source: impl Read, currency: Currency, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.require(Profile::Luma, &["sku", "name", "price", "qty"])?;
    let mut parts: HashMap<String, Part> = HashMap::new();
    while let Some(fault) = table.advance()? {
        if !table.cell("store_view_code").is_empty() {
            continue; // a translation
        }
        let line = table.line;
        let cells = row(&table, currency);
        let fault = fault.and_then(|()| sellable(&table));
        if table.cell("product_type") == "configurable" && fault.is_ok() {
            for (sku, options) in variations(table.cell("configurable_variations")) {
                let Some(part) = parts.remove(&sku) else {
                    let missing = Cells {
                        sku,
                        ..Cells::default()
                    };
                    let message = format!("does not come before `{}`", cells.sku);
                    sink(line, missing, Err(refuse("sku", message)))?;
                    continue;
                };
                let variant = Cells {
                    product: cells.sku.clone(),
                    sku: part.cells.sku,
                    price: part.cells.price,
                    on_hand: part.cells.on_hand,
                    options,
                    ..cells.clone()
                };
                sink(part.line, variant, part.fault)?;
            }
        } else if table.cell("visibility") == HIDDEN && !parts.contains_key(&cells.sku) {
            let sku = cells.sku.clone();
            parts.insert(sku, Part { line, cells, fault });
        } else {
            sink(line, cells, fault)?;
        }
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by_key(|part| part.line);
    for part in parts {
        let refusal = refuse(
            "visibility",
            "is hidden, and no product has it as a variant",
        );
        sink(part.line, part.cells, part.fault.and(Err(refusal)))?;
    }
    Ok(())
}

fn row<R: Read>(table: &Table<R>, currency: Currency) -> Cells {
    Cells {
        sku: table.cell("sku").to_owned(),
        name: table.cell("name").to_owned(),
        description: table.cell("description").to_owned(),
        price: plain(table.cell("price")).to_owned(),
        currency: currency.code().to_owned(),
        on_hand: plain(table.cell("qty")).to_owned(),
        description_html: table.cell("description").to_owned(),
        categories: categories(table.cell("categories")),
        slug: slug(table.cell("url_key")),
        seo_title: table.cell("meta_title").to_owned(),
        seo_description: table.cell("meta_description").to_owned(),
        status: match table.cell("product_online") {
            "" | "1" => "active".into(),
            "2" | "0" => "draft".into(),
            other => other.to_owned(),
        },
        ..Cells::default()
    }
}

fn sellable<R: Read>(table: &Table<R>) -> Result<(), Refusal> {
    match table.cell("product_type") {
        "" | "simple" | "virtual" | "configurable" => Ok(()),
        other => {
            let message = format!("`{other:.40}` is not sold here");
            Err(refuse("product_type", message))
        }
    }
}

/// Without the root of the shop, which Magento shows nowhere.
fn categories(cell: &str) -> Vec<Vec<String>> {
    let mut paths = paths(cell, ',', "/");
    for path in &mut paths {
        path.remove(0);
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// SKUs with their options: `sku=MH01-XS-Black,size=XS,color=Black|sku=…`.
fn variations(cell: &str) -> Vec<(String, Vec<(String, String)>)> {
    let variation = |text: &str| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for piece in text.split(',') {
            match (piece.split_once('='), pairs.last_mut()) {
                (Some((name, value)), _) => pairs.push((name.trim().into(), value.trim().into())),
                // A comma within a value is not escaped.
                (None, Some((_, value))) => {
                    value.push(',');
                    value.push_str(piece);
                }
                (None, None) => {}
            }
        }
        let at = pairs.iter().position(|(name, _)| name == "sku")?;
        let (_, sku) = pairs.remove(at);
        Some((sku, pairs))
    };
    cell.split('|').filter_map(variation).collect()
}
