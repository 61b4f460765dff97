//! The NDJSON form: a JSON object for each product.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::ExportError;
use super::reading::{self, Product};
use super::translated::Columns;
use crate::custom_fields::CustomField;
use crate::import::references::{Component, Image, NamedCollection};
use crate::translations::products::Texts;

/// What says nothing is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'p> {
    product: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description_html: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    brand: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'p [String],
    #[serde(skip_serializing_if = "<[Vec<String>]>::is_empty")]
    categories: &'p [Vec<String>],
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<&'p str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    seo_title: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    seo_description: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    publish_at: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unpublish_at: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tax_class: &'p str,
    #[serde(skip_serializing_if = "<[NamedCollection]>::is_empty")]
    collections: &'p [NamedCollection],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    related: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    up_sell: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cross_sell: &'p [String],
    #[serde(skip_serializing_if = "<[Image]>::is_empty")]
    images: &'p [Image],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<&'p str, &'p Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    translations: BTreeMap<&'p str, Translation<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<&'p str>,
    variants: &'p [Variant<'p>],
}

/// What is said in another language.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Translation<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_html: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seo_title: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seo_description: Option<&'p str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<&'p str, &'p Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Variant<'p> {
    sku: &'p str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    choices: BTreeMap<&'p str, &'p str>,
    kind: &'p str,
    #[serde(skip_serializing_if = "<[Component]>::is_empty")]
    components: &'p [Component],
    on_hand: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_grams: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_mm: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width_mm: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height_mm: Option<i64>,
    prices: Vec<Price>,
}

#[derive(Debug, Serialize)]
struct Price {
    currency: &'static str,
    price: String,
}

/// Variants on a line: an import takes lines of 4 MiB, whatever prices in how many currencies they have.
const VARIANTS: usize = 500;

/// Writes a product: a line with all that is said of it, and more lines where it has more variants than fit.
pub(super) fn write(
    file: &mut impl Write,
    product: &Product,
    fields: &[CustomField],
    said: &Columns,
) -> Result<(), ExportError> {
    let kept = fields.iter().map(|field| field.key.as_str());
    let texts = &product.texts;
    let variants = product.variants.iter().zip(&product.components);
    let variants = variants.map(|(one, components)| variant(one, components));
    let variants = variants.collect::<Result<Vec<_>, ExportError>>()?;
    let has = |name: &&String| {
        variants
            .iter()
            .any(|v| v.choices.contains_key(name.as_str()))
    };
    let handle = product.variants.first().map_or("", |v| &v.handle);
    let options: Vec<&str> = texts
        .options
        .iter()
        .filter(has)
        .map(String::as_str)
        .collect();
    let mut whole = Some(Line {
        product: handle,
        name: &texts.name,
        description: &texts.description,
        description_html: &texts.description_html,
        image: &texts.image,
        brand: &texts.brand,
        tags: &texts.tags,
        categories: &product.categories,
        slug: texts.slug.as_deref(),
        seo_title: &texts.seo_title,
        seo_description: &texts.seo_description,
        status: product.status,
        publish_at: &product.publish_at,
        unpublish_at: &product.unpublish_at,
        tax_class: &texts.tax_class,
        collections: &product.beside.collections,
        related: &product.beside.related,
        up_sell: &product.beside.up_sell,
        cross_sell: &product.beside.cross_sell,
        images: &product.beside.images,
        custom_fields: kept
            .filter_map(|key| Some((key, product.fields.get(key)?)))
            .collect(),
        translations: translations(product, said),
        options: options.clone(),
        variants: &[],
    });
    for variants in variants.chunks(VARIANTS) {
        let more = || Line {
            product: handle,
            options: options.clone(),
            ..Line::default()
        };
        let line = Line {
            variants,
            ..whole.take().unwrap_or_else(more)
        };
        serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from)?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn translations<'p>(product: &'p Product, said: &'p Columns) -> BTreeMap<&'p str, Translation<'p>> {
    let text = |text: &'p Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let translation = |(locale, texts): (&'p String, &'p Texts)| {
        let fields = said.fields.iter().map(|field| field.key.as_str());
        let translation = Translation {
            name: text(&texts.name),
            description: text(&texts.description),
            description_html: text(&texts.description_html),
            seo_title: text(&texts.seo_title),
            seo_description: text(&texts.seo_description),
            custom_fields: fields
                .filter_map(|key| Some((key, texts.custom.get(key)?)))
                .collect(),
        };
        (locale.as_str(), translation)
    };
    let all = product.translations.iter().map(translation);
    all.filter(|(_, said)| *said != Translation::default())
        .collect()
}

fn variant<'p>(
    variant: &'p reading::Variant,
    components: &'p [Component],
) -> Result<Variant<'p>, ExportError> {
    let price = |(currency, price)| Price { currency, price };
    let choices = variant.choices.as_object().into_iter().flatten();
    Ok(Variant {
        sku: &variant.sku,
        choices: choices
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect(),
        kind: &variant.kind,
        components,
        on_hand: variant.on_hand,
        barcode: variant.barcode.as_deref(),
        weight_grams: variant.weight_grams,
        length_mm: variant.length_mm,
        width_mm: variant.width_mm,
        height_mm: variant.height_mm,
        prices: variant.decimals()?.into_iter().map(price).collect(),
    })
}
