//! The CSV form: a row for each price of each variant.

use std::io::Write;

use super::ExportError;
use super::reading::{Product, Variant};
use crate::custom_fields::CustomField;
use crate::import::{COLUMNS, CUSTOM, ITEM, OPTION, STEP, cell, escaped};

pub(super) struct Table<W: Write> {
    file: csv::Writer<W>,
    /// Names of those that have a column.
    options: Vec<String>,
    /// The same.
    fields: Vec<CustomField>,
}

impl<W: Write> Table<W> {
    /// Writes the header.
    pub(super) fn begin(
        file: W,
        options: Vec<String>,
        fields: Vec<CustomField>,
    ) -> Result<Self, ExportError> {
        let mut file = csv::Writer::from_writer(file);
        let columns = COLUMNS.iter().map(|column| (*column).to_owned());
        let asked = options.iter().map(|name| format!("{OPTION}{name}"));
        let kept = fields.iter().map(|field| format!("{CUSTOM}{}", field.key));
        file.write_record(columns.chain(asked).chain(kept))?;
        Ok(Self {
            file,
            options,
            fields,
        })
    }

    /// Writes the rows of a product: the first one tells of it, and the first one of each variant of that.
    pub(super) fn write(&mut self, product: &Product) -> Result<(), ExportError> {
        for (place, variant) in product.variants.iter().enumerate() {
            for (number, (currency, price)) in variant.decimals()?.into_iter().enumerate() {
                let told = (place == 0 && number == 0).then_some(product);
                let of_variant = (number == 0).then_some(variant);
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
        variant: Option<&Variant>,
        (currency, price): (&str, String),
    ) -> Result<(), ExportError> {
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
            "price" => price.clone(),
            "currency" => currency.to_owned(),
            "image" => of(|p| p.texts.image.clone()),
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
        self.file.write_record(cells.chain(chosen).chain(kept))?;
        Ok(())
    }

    /// Writes what is still held back.
    pub(super) fn end(mut self) -> Result<(), ExportError> {
        Ok(self.file.flush()?)
    }
}

fn tags(product: &Product) -> String {
    let tags = product.texts.tags.iter();
    let tags: Vec<String> = tags.map(|tag| escaped(tag, &[ITEM])).collect();
    tags.join("|")
}

fn categories(product: &Product) -> String {
    let path = |names: &Vec<String>| {
        let names = names.iter().map(|name| escaped(name, &[ITEM, STEP]));
        names.collect::<Vec<_>>().join(" > ")
    };
    let paths: Vec<String> = product.categories.iter().map(path).collect();
    paths.join("|")
}
