//! The CSV form: a row for each price of each variant.

use std::io::Write;

use super::ExportError;
use super::reading::{Product, Variant};
use super::translated::Columns;
use crate::custom_fields::CustomField;
use crate::import::references::{Component, Image, NamedCollection};
use crate::import::{COLUMNS, CUSTOM, ITEM, OPTION, STEP, cell, escaped};

pub(super) struct Table<'c, W: Write> {
    file: csv::Writer<W>,
    /// Names of those that have a column.
    options: Vec<String>,
    /// The same.
    fields: Vec<CustomField>,
    said: &'c Columns,
}

impl<'c, W: Write> Table<'c, W> {
    /// Writes the header.
    pub(super) fn begin(
        file: W,
        options: Vec<String>,
        fields: Vec<CustomField>,
        said: &'c Columns,
    ) -> Result<Self, ExportError> {
        let mut file = csv::Writer::from_writer(file);
        let columns = COLUMNS.iter().map(|column| (*column).to_owned());
        let asked = options.iter().map(|name| format!("{OPTION}{name}"));
        let kept = fields.iter().map(|field| format!("{CUSTOM}{}", field.key));
        file.write_record(columns.chain(asked).chain(kept).chain(said.names()))?;
        Ok(Self {
            file,
            options,
            fields,
            said,
        })
    }

    /// Writes the rows of a product: the first one tells of it, and the first one of each variant of that.
    pub(super) fn write(&mut self, product: &Product) -> Result<(), ExportError> {
        for (place, variant) in product.variants.iter().enumerate() {
            for (number, (currency, price)) in variant.decimals()?.into_iter().enumerate() {
                let told = (place == 0 && number == 0).then_some(product);
                let components = product.components.get(place).map_or(&[][..], Vec::as_slice);
                let of_variant = (number == 0).then_some((variant, components));
                let handle = (variant.handle.as_str(), variant.sku.as_str());
                self.row(handle, told, of_variant, (currency, price))?;
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        (handle, sku): (&str, &str),
        product: Option<&Product>,
        variant: Option<(&Variant, &[Component])>,
        (currency, price): (&str, String),
    ) -> Result<(), ExportError> {
        let (variant, components) = variant.unzip();
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        let of = |field: fn(&Product) -> String| product.map(field).unwrap_or_default();
        let cells = COLUMNS.iter().map(|column| match *column {
            "product" => handle.to_owned(),
            "sku" => sku.to_owned(),
            "name" => of(|p| p.texts.name.clone()),
            "description" => of(|p| p.texts.description.clone()),
            "description_html" => of(|p| p.texts.description_html.clone()),
            "brand" => of(|p| p.texts.brand.clone()),
            "tags" => of(tags),
            "categories" => of(categories),
            "slug" => of(|p| p.texts.slug.clone().unwrap_or_default()),
            "seo_title" => of(|p| p.texts.seo_title.clone()),
            "seo_description" => of(|p| p.texts.seo_description.clone()),
            "status" => of(|p| p.status.to_owned()),
            "publish_at" => of(|p| p.publish_at.clone()),
            "unpublish_at" => of(|p| p.unpublish_at.clone()),
            "tax_class" => of(|p| p.texts.tax_class.clone()),
            "collections" => of(|p| list(&p.beside.collections, collection)),
            "related" => of(|p| skus(&p.beside.related)),
            "up_sell" => of(|p| skus(&p.beside.up_sell)),
            "cross_sell" => of(|p| skus(&p.beside.cross_sell)),
            "price" => price.clone(),
            "currency" => currency.to_owned(),
            "image" => of(|p| p.texts.image.clone()),
            "images" => of(|p| list(&p.beside.images, image)),
            "kind" => variant.map(|v| v.kind.clone()).unwrap_or_default(),
            "components" => list(components.unwrap_or_default(), component),
            "on_hand" => number(variant.map(|v| v.on_hand)),
            "barcode" => variant.and_then(|v| v.barcode.clone()).unwrap_or_default(),
            "weight_grams" => number(variant.and_then(|v| v.weight_grams)),
            "length_mm" => number(variant.and_then(|v| v.length_mm)),
            "width_mm" => number(variant.and_then(|v| v.width_mm)),
            "height_mm" => number(variant.and_then(|v| v.height_mm)),
            _ => String::new(),
        });
        let chosen = self.options.iter().map(|name| {
            let value = variant.and_then(|v| v.choices.get(name)?.as_str());
            value.unwrap_or_default().to_owned()
        });
        let kept = self.fields.iter().map(|field| {
            let value = product.and_then(|p| p.fields.get(&field.key));
            value.map(|value| cell(field, value)).unwrap_or_default()
        });
        let said = self.said.cells(product);
        self.file
            .write_record(cells.chain(chosen).chain(kept).chain(said))?;
        Ok(())
    }

    /// Writes what is still held back.
    pub(super) fn end(mut self) -> Result<(), ExportError> {
        Ok(self.file.flush()?)
    }
}

fn tags(product: &Product) -> String {
    list(&product.texts.tags, |tag| escaped(tag, &[ITEM]))
}

fn categories(product: &Product) -> String {
    list(&product.categories, |names| {
        path(names.iter().map(String::as_str))
    })
}

fn skus(skus: &[String]) -> String {
    list(skus, |sku| escaped(sku, &[ITEM]))
}

fn collection(collection: &NamedCollection) -> String {
    path([collection.slug.as_str(), &collection.name])
}

/// Of one there is nothing more to be said.
fn component(component: &Component) -> String {
    let quantity = component.quantity.to_string();
    let steps = [component.sku.as_str(), &quantity];
    path(
        steps
            .into_iter()
            .take(if component.quantity == 1 { 1 } else { 2 }),
    )
}

fn image(image: &Image) -> String {
    let skus = image.skus.iter().map(String::as_str);
    let says_more = !image.alt.is_empty() || !image.skus.is_empty();
    let alt = says_more.then_some(image.alt.as_str());
    path([image.src.as_str()].into_iter().chain(alt).chain(skus))
}

/// What is said of pictures in another language; those of which nothing is are left out.
pub(super) fn alts(images: &[Image], locale: &str) -> String {
    let said = images.iter().filter_map(|image| {
        let alt = image.alts.get(locale)?;
        Some(path([image.src.as_str(), alt]))
    });
    said.collect::<Vec<_>>().join("|")
}

fn list<T>(items: &[T], item: impl Fn(&T) -> String) -> String {
    items.iter().map(item).collect::<Vec<_>>().join("|")
}

fn path<'s>(steps: impl IntoIterator<Item = &'s str>) -> String {
    let steps = steps.into_iter().map(|step| escaped(step, &[ITEM, STEP]));
    steps.collect::<Vec<_>>().join(" > ")
}
