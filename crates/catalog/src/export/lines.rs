//! The NDJSON form: a JSON object for each product.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::ExportError;
use super::reading::{self, Product};
use crate::custom_fields::CustomField;
use crate::import::references::{Component, Image, NamedCollection};

/// What says nothing is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'p> {
    product: &'p str,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<&'p str>,
    variants: Vec<Variant<'p>>,
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

pub(super) fn write(
    file: &mut impl Write,
    product: &Product,
    fields: &[CustomField],
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
    let line = Line {
        product: product.variants.first().map_or("", |v| &v.handle),
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
        options: texts
            .options
            .iter()
            .filter(has)
            .map(String::as_str)
            .collect(),
        variants,
    };
    serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from)?;
    Ok(file.write_all(b"\n")?)
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
