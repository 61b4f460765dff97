//! The shop's own form of file: `docs/import-format.md`.

use std::io::Read;

use super::custom::{CUSTOM, Cell};
use super::lists;
use super::references::Image;
use super::row::{Cells, Refusal};
use super::table::Table;
use super::translated::{self, Column, Columns, Of};
use super::{ImportError, Sink};

/// In the order in which an export writes them.
pub(crate) const COLUMNS: [&str; 31] = [
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
    "tax_class",
    "collections",
    "related",
    "up_sell",
    "cross_sell",
    "images",
    "kind",
    "components",
];
const REQUIRED: [&str; 4] = ["sku", "name", "price", "currency"];

/// What a column that names an option begins with.
pub(crate) const OPTION: &str = "option:";

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    let (options, fields, said) = columns(&table.header)?;
    let (of_images, texts): (Columns, Columns) = said
        .into_iter()
        .partition(|(_, said)| said.of == Of::Images);
    if let Some(missing) = REQUIRED.into_iter().find(|name| !table.has(name)) {
        return Err(ImportError::MissingColumn(missing));
    }
    while let Some(mut fault) = table.advance()? {
        let mut images = images(table.cell("images"));
        for (column, cell) in translated::cells(&of_images, |place| table.at(place)) {
            fault = fault.and_then(|()| say(&mut images, &column, &cell));
        }
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
            translations: translated::cells(&texts, |place| table.at(place)),
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
            tax_class: cell("tax_class"),
            kind: cell("kind"),
            components: pairs(table.cell("components")),
            related: lists::items(table.cell("related")),
            up_sell: lists::items(table.cell("up_sell")),
            cross_sell: lists::items(table.cell("cross_sell")),
            collections: pairs(table.cell("collections")),
            images,
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

/// The first step of each path, and what is behind it; empty where nothing is.
pub(super) fn pairs(cell: &str) -> Vec<(String, String)> {
    let pair = |path: Vec<String>| {
        let mut steps = path.into_iter();
        let first = steps.next().unwrap_or_default();
        (first, steps.collect::<Vec<_>>().join(" > "))
    };
    lists::paths(cell).into_iter().map(pair).collect()
}

/// Where each is, what is said of it, and SKUs of what it shows.
fn images(cell: &str) -> Vec<Image> {
    let image = |path: Vec<String>| {
        let mut steps = path.into_iter();
        let mut step = || steps.next().unwrap_or_default();
        Image {
            src: step(),
            alt: step(),
            skus: steps.collect(),
            ..Image::default()
        }
    };
    lists::paths(cell).into_iter().map(image).collect()
}

/// Has the pictures of a row say what a cell says of them in another language.
fn say(images: &mut [Image], column: &Column, cell: &Cell) -> Result<(), Refusal> {
    let Cell::Text(cell) = cell else {
        return Ok(()); // which only a JSON file has
    };
    for (src, alt) in pairs(cell) {
        let named = images.iter_mut().find(|image| image.src == src);
        let unnamed = || column.refuse(format!("`{src:.200}` is not among the images of the row"));
        let image = named.ok_or_else(unnamed)?;
        image.alts.insert(column.locale.clone(), alt);
    }
    Ok(())
}

/// Places and names of columns.
type Named = Vec<(usize, String)>;

/// The options, the custom fields and the texts in other languages that have a column.
fn columns(header: &[String]) -> Result<(Named, Named, Columns), ImportError> {
    let (mut options, mut fields): (Named, Named) = (Vec::new(), Vec::new());
    let of = [&Of::PRODUCT[..], &[Of::Images]].concat();
    let texts = translated::columns(header, &of, true)?;
    let places = translated::places(&texts);
    for (place, column) in header.iter().enumerate() {
        if COLUMNS.contains(&column.as_str()) || places.contains(&place) {
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
    Ok((options, fields, texts))
}
