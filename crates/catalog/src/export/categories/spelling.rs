//! How the files spell categories.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Columns, Told};
use crate::custom_fields::CustomField;
use crate::export::translated;
use crate::import::translated::Of;
use crate::import::{ITEM, STEP, escaped};
use crate::translations::categories::Texts;

/// A row of the CSV form.
pub(super) fn row(told: &Told, columns: &Columns) -> Vec<String> {
    let category = &told.category;
    let parents = category.parents.iter().zip(&category.positions);
    let parents = parents.map(|(slug, position)| {
        let slug = escaped(slug, &[ITEM, STEP]);
        format!("{slug} > {position}")
    });
    let position = category.root_position;
    let mut cells = vec![
        category.slug.clone(),
        category.name.trim().to_owned(),
        category.description.trim().to_owned(),
        category.image.trim().to_owned(),
        category.product_order.clone(),
        parents.collect::<Vec<_>>().join("|"),
        position.map(|at| at.to_string()).unwrap_or_default(),
    ];
    let fields = &columns.fields;
    let value =
        |field: &CustomField| translated::value(fields, &field.key, told.values.get(&field.key));
    cells.extend(fields.iter().map(value));
    cells.extend(columns.texts.iter().map(|(of, locale)| {
        let texts = told.translations.get(locale);
        let said = |text: Option<&String>| text.map(|text| text.trim().to_owned());
        let text = match of {
            Of::Name => said(texts.and_then(|texts| texts.name.as_ref())),
            Of::Custom(key) => {
                let value = texts.and_then(|texts| texts.custom.get(key));
                Some(translated::value(&columns.translatable, key, value))
            }
            _ => said(texts.and_then(|texts| texts.description.as_ref())),
        };
        text.unwrap_or_default()
    }));
    cells
}

/// An object of the NDJSON form; what says nothing is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'c> {
    slug: &'c str,
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image: &'c str,
    product_order: &'c str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<Parent<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<&'c str, &'c Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    translations: BTreeMap<&'c str, Translation<'c>>,
}

#[derive(Serialize)]
struct Parent<'c> {
    slug: &'c str,
    position: i64,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Translation<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<&'c str, &'c Value>,
}

/// The line of a category.
pub(super) fn line<'c>(told: &'c Told, columns: &'c Columns) -> Line<'c> {
    let category = &told.category;
    let parents = category.parents.iter().zip(&category.positions);
    let parent = |(slug, position): (&'c String, &'c i64)| Parent {
        slug,
        position: *position,
    };
    let said = |text: &'c Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let values = |fields: &'c [CustomField], values: &'c Map<String, Value>| {
        let keys = fields.iter().map(|field| field.key.as_str());
        keys.filter_map(|key| Some((key, values.get(key)?)))
            .collect()
    };
    let translation = |(locale, texts): (&'c String, &'c Texts)| {
        let translation = Translation {
            name: said(&texts.name),
            description: said(&texts.description),
            custom_fields: values(&columns.translatable, &texts.custom),
        };
        (locale.as_str(), translation)
    };
    let translations = told.translations.iter().map(translation);
    Line {
        slug: &category.slug,
        name: category.name.trim(),
        description: category.description.trim(),
        image: category.image.trim(),
        product_order: &category.product_order,
        parents: parents.map(parent).collect(),
        position: category.root_position,
        custom_fields: values(&columns.fields, &told.values),
        translations: translations
            .filter(|(_, said)| *said != Translation::default())
            .collect(),
    }
}
