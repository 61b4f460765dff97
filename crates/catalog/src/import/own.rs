//! The shop's own form of file: `docs/import-format.md`.

use std::io::Read;

use super::custom::{CUSTOM, Cell};
use super::lists;
use super::row::Cells;
use super::table::Table;
use super::{ImportError, Sink};

/// In the order in which an export writes them.
pub(crate) const COLUMNS: [&str; 23] = [
    "product",
    "sku",
    "name",
    "description",
    "description_html",
    "brand",
    "tags",
    "categories",
    "slug",
    "seo_title",
    "seo_description",
    "status",
    "publish_at",
    "unpublish_at",
    "price",
    "currency",
    "image",
    "on_hand",
    "barcode",
    "weight_grams",
    "length_mm",
    "width_mm",
    "height_mm",
];
const REQUIRED: [&str; 4] = ["sku", "name", "price", "currency"];

/// What a column that names an option begins with.
pub(crate) const OPTION: &str = "option:";

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    let (options, fields) = columns(&table.header)?;
    if let Some(missing) = REQUIRED.into_iter().find(|name| !table.has(name)) {
        return Err(ImportError::MissingColumn(missing));
    }
    while let Some(fault) = table.advance()? {
        let cell = |column| table.cell(column).to_owned();
        let chosen = options.iter().map(|(place, name)| {
            let value = table.at(*place).to_owned();
            (name.clone(), value)
        });
        let custom = fields.iter().map(|(place, key)| {
            let value = table.at(*place).to_owned();
            (key.clone(), Cell::Text(value))
        });
        let cells = Cells {
            product: cell("product"),
            sku: cell("sku"),
            name: cell("name"),
            description: cell("description"),
            price: cell("price"),
            currency: cell("currency"),
            image: cell("image"),
            on_hand: cell("on_hand"),
            barcode: cell("barcode"),
            weight_grams: cell("weight_grams"),
            length_mm: cell("length_mm"),
            width_mm: cell("width_mm"),
            height_mm: cell("height_mm"),
            options: chosen.collect(),
            custom: custom.collect(),
            slug: cell("slug"),
            brand: cell("brand"),
            tags: lists::items(table.cell("tags")),
            categories: lists::paths(table.cell("categories")),
            status: cell("status"),
            publish_at: cell("publish_at"),
            unpublish_at: cell("unpublish_at"),
            description_html: cell("description_html"),
            seo_title: cell("seo_title"),
            seo_description: cell("seo_description"),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

/// Places and names of columns.
type Named = Vec<(usize, String)>;

/// The options and the custom fields that have a column.
fn columns(header: &[String]) -> Result<(Named, Named), ImportError> {
    let (mut options, mut fields): (Named, Named) = (Vec::new(), Vec::new());
    for (place, column) in header.iter().enumerate() {
        if COLUMNS.contains(&column.as_str()) {
            continue;
        }
        // A column that is there twice was refused before.
        if let Some(key) = column.strip_prefix(CUSTOM).filter(|key| !key.is_empty()) {
            fields.push((place, key.to_owned()));
            continue;
        }
        let name = column.strip_prefix(OPTION).map(str::trim);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(ImportError::UnknownColumn(column.clone()));
        };
        if options.iter().any(|(_, known)| known == name) {
            return Err(ImportError::RepeatedColumn(column.clone()));
        }
        options.push((place, name.to_owned()));
    }
    Ok((options, fields))
}
