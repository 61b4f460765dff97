//! Files of collections: a row for each product, or an object with some of them.

use std::borrow::Cow;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use crate::import::custom::Cell;
use crate::import::row::Cells;
use crate::import::table::Table;
use crate::import::{ImportError, Sink, lines};

/// In the order in which an export writes them.
pub(crate) const COLUMNS: [&str; 8] = [
    "slug",
    "name",
    "description",
    "image",
    "product_order",
    "rules",
    "product",
    "position",
];

pub(in crate::import) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.check_columns(&COLUMNS, &COLUMNS[..1])?;
    while let Some(fault) = table.advance()? {
        let cell = |column| table.cell(column).to_owned();
        let cells = Cells {
            sku: cell("slug"),
            slug: cell("slug"),
            name: cell("name"),
            description: cell("description"),
            image: cell("image"),
            product_order: cell("product_order"),
            rules: Some(Cell::Text(cell("rules"))),
            member: cell("product"),
            position: cell("position"),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    slug: String,
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    product_order: Option<String>,
    rules: Option<Value>,
    products: Option<Vec<Member>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    sku: String,
    position: Option<u64>,
}

pub(in crate::import) fn read_lines(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    lines::each(source, sink, tell)
}

/// A row for each product, the first one of which tells of the collection too.
fn tell(number: u64, line: Line, sink: Sink) -> Result<(), ImportError> {
    let text = Option::unwrap_or_default;
    let mut cells = Cells {
        sku: line.slug.clone(),
        slug: line.slug.clone(),
        name: text(line.name),
        description: text(line.description),
        image: text(line.image),
        product_order: text(line.product_order),
        rules: line.rules.map(Cell::Json),
        ..Cells::default()
    };
    let members = line.products.unwrap_or_default();
    if members.is_empty() {
        return sink(number, cells, Ok(()));
    }
    for Member { sku, position } in members {
        cells.member = sku;
        cells.position = position.map(|n| n.to_string()).unwrap_or_default();
        sink(number, cells, Ok(()))?;
        cells = Cells {
            sku: line.slug.clone(),
            slug: line.slug.clone(),
            ..Cells::default()
        };
    }
    Ok(())
}

/// What a column is called in an object.
pub(in crate::import) fn member(column: Cow<'static, str>) -> Cow<'static, str> {
    match column.as_ref() {
        "product_order" => "productOrder".into(),
        "product" | "position" => "products".into(),
        _ => column,
    }
}
