//! Spree's product CSV: a row that describes a product, one per variant, and these again per currency.

use std::io::Read;

use super::{Profile, measure, paths, slug};
use crate::import::row::{Cells, Refusal, refuse};
use crate::import::table::Table;
use crate::import::{ImportError, Sink};

/// The row that describes a product, held until it is known whether it also sells something.
struct Master {
    line: u64,
    cells: Cells,
    fault: Result<(), Refusal>,
}

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.require(
        Profile::Spree,
        &["slug", "sku", "name", "price", "currency"],
    )?;
    let mut held: Option<Master> = None;
    let mut product = Cells::default();
    // Products that are not on sale there, with the reason.
    let mut withheld: Option<Refusal> = None;
    while let Some(fault) = table.advance()? {
        let (mut cells, unreadable) = row(&table);
        let fault = fault.and(unreadable);
        if let Some(master) = held.take() {
            // With variants of its own, the price of the product itself means nothing.
            if master.cells.product != cells.product || master.cells.sku == cells.sku {
                sink(master.line, master.cells, master.fault)?;
            }
        }
        let describes = !cells.name.is_empty();
        if describes || cells.product != product.product {
            product = cells.clone();
            withheld = withheld_by(table.cell("status"));
        }
        cells = Cells {
            sku: cells.sku,
            name: product.name.clone(),
            price: cells.price,
            currency: cells.currency,
            on_hand: cells.on_hand,
            options: cells.options,
            weight_grams: cells.weight_grams,
            length_mm: cells.length_mm,
            width_mm: cells.width_mm,
            height_mm: cells.height_mm,
            ..product.clone()
        };
        let fault = match &withheld {
            Some(refusal) => fault.and(Err(refusal.clone())),
            None => fault,
        };
        if describes && cells.options.is_empty() {
            let line = table.line;
            held = Some(Master { line, cells, fault });
        } else {
            sink(table.line, cells, fault)?;
        }
    }
    match held {
        Some(master) => sink(master.line, master.cells, master.fault),
        None => Ok(()),
    }
}

fn withheld_by(status: &str) -> Option<Refusal> {
    let is_sold = matches!(status, "" | "active" | "draft");
    (!is_sold).then(|| {
        refuse(
            "status",
            format!("is `{status}`, so the product is not on sale"),
        )
    })
}

/// The row as it stands, and a measure of it that cannot be read.
fn row<R: Read>(table: &Table<R>) -> (Cells, Result<(), Refusal>) {
    let cell = |column: &str| table.cell(column).to_owned();
    let option = |number: u8| {
        let name = cell(&format!("option{number}_name"));
        let value = cell(&format!("option{number}_value"));
        (!value.is_empty()).then_some((name, value))
    };
    let measures = [
        ("weight", "weight_unit"),
        ("depth", "dimensions_unit"),
        ("width", "dimensions_unit"),
        ("height", "dimensions_unit"),
    ]
    .map(|(column, unit)| measure::whole(column, table.cell(column), table.cell(unit)));
    let unreadable = measures.iter().find_map(|m| m.as_ref().err().cloned());
    let [weight_grams, length_mm, width_mm, height_mm] = measures.map(Result::unwrap_or_default);
    let cells = Cells {
        product: cell("slug"),
        sku: cell("sku"),
        name: cell("name"),
        description: cell("description"),
        price: cell("price"),
        currency: cell("currency"),
        image: cell("image1_src"),
        on_hand: cell("inventory_count"),
        options: (1..=3).filter_map(option).collect(),
        slug: slug(table.cell("slug")),
        tags: table.cell("tags").split(',').map(str::to_owned).collect(),
        categories: (1..=3)
            .flat_map(|number| paths(table.cell(&format!("category{number}")), '\n', "->"))
            .collect(),
        status: match table.cell("status") {
            "draft" => "draft".into(),
            _ => "active".into(),
        },
        seo_title: cell("meta_title"),
        seo_description: cell("meta_description"),
        weight_grams,
        length_mm,
        width_mm,
        height_mm,
        ..Cells::default()
    };
    (cells, unreadable.map_or(Ok(()), Err))
}
