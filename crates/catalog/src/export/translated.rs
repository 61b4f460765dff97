//! What exported products say in other languages.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use domain::CustomResource;
use serde_json::Value;

use super::reading::{Product, is_exported};
use super::{Scope, table};
use crate::custom_fields::{self, CustomField};
use crate::import::translated::{IN, Of};
use crate::import::{cell, is_portable};
use crate::translations::products::{self, Texts};

/// What a product says, by the languages.
pub(super) type Translations = BTreeMap<String, Texts>;

db::statement! {
    /// Which texts there are in each language, of products that are exported.
    struct ListTexts { on_sale_only: bool => Bool } -> (Text, Bool, Bool, Bool, Bool, Bool) =
    concat!(
        "SELECT t.locale, coalesce(bool_or(t.name ~ '\\S'), false), coalesce(bool_or(t.description ~ '\\S'), false), \
                coalesce(bool_or(t.description_html ~ '\\S'), false), coalesce(bool_or(t.seo_title ~ '\\S'), false), \
                coalesce(bool_or(t.seo_description ~ '\\S'), false) \
           FROM catalog.product_translations t JOIN catalog.products p ON p.id = t.product_id AND ", is_exported!(), " \
          WHERE EXISTS (SELECT FROM catalog.variants v JOIN catalog.prices c ON c.variant_id = v.id AND c.valid_from <= now() \
                         WHERE v.product_id = p.id AND v.archived_at IS NULL) \
          GROUP BY t.locale")
}

db::statement! {
    struct ListKeys { on_sale_only: bool => Bool } -> (Text, Text) =
    concat!(
        "SELECT DISTINCT k.key, t.locale FROM catalog.custom_translations t \
           JOIN catalog.products p ON p.id = t.resource_id AND ", is_exported!(), " \
          CROSS JOIN LATERAL jsonb_object_keys(t.texts) AS k (key) \
          WHERE t.resource = 'product' \
            AND EXISTS (SELECT FROM catalog.variants v JOIN catalog.prices c ON c.variant_id = v.id AND c.valid_from <= now() \
                         WHERE v.product_id = p.id AND v.archived_at IS NULL)")
}

db::statement! {
    struct ListPictured { on_sale_only: bool => Bool } -> Text =
    concat!(
        "SELECT DISTINCT a.locale FROM catalog.product_media m \
           JOIN catalog.products p ON p.id = m.product_id AND ", is_exported!(), " \
          CROSS JOIN LATERAL jsonb_each_text(m.alts) AS a (locale, alt) \
          WHERE m.alts <> '{}' AND a.alt ~ '\\S' \
            AND EXISTS (SELECT FROM catalog.variants v JOIN catalog.prices c ON c.variant_id = v.id AND c.valid_from <= now() \
                         WHERE v.product_id = p.id AND v.archived_at IS NULL)")
}

/// Texts in other languages that have a column, in the order of these.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<(Of, String)>,
    /// Of those that are values of custom fields.
    pub fields: Vec<CustomField>,
}

impl Columns {
    /// Those that exported products have any text in.
    pub(super) fn of_products(conn: &mut PgConnection, scope: Scope) -> QueryResult<Self> {
        let on_sale_only = scope == Scope::OnSale;
        let mut columns: Vec<(Of, String)> = Vec::new();
        type Row = (String, bool, bool, bool, bool, bool);
        let rows: Vec<Row> = ListTexts { on_sale_only }.load(conn)?;
        for (locale, name, description, html, title, seo) in rows {
            let there = Of::PRODUCT
                .into_iter()
                .zip([name, description, html, title, seo]);
            let there = there.filter(|(_, is_there)| *is_there);
            columns.extend(there.map(|(of, _)| (of, locale.clone())));
        }
        let keys: Vec<(String, String)> = ListKeys { on_sale_only }.load(conn)?;
        let fields = translatable(conn, CustomResource::Product, &keys)?;
        columns.extend(kept(keys, &fields));
        let pictured: Vec<String> = ListPictured { on_sale_only }.load(conn)?;
        columns.extend(pictured.into_iter().map(|locale| (Of::Images, locale)));
        columns.sort();
        Ok(Self { columns, fields })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// What they are called.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let name = |(of, locale): &(Of, String)| format!("{}{IN}{locale}", of.column());
        self.columns.iter().map(name)
    }

    /// The cells of a product; those of a row that tells of none are empty.
    pub(super) fn cells(&self, product: Option<&Product>) -> impl Iterator<Item = String> {
        let cell = move |(of, locale): &(Of, String)| {
            let product = product?;
            if *of == Of::Images {
                return Some(table::alts(&product.beside.images, locale));
            }
            let texts = product.translations.get(locale)?;
            Some(text(of, texts, &self.fields))
        };
        self.columns
            .iter()
            .map(move |column| cell(column).unwrap_or_default())
    }

    /// What products say in these columns; nothing is read where there is none.
    pub(super) fn read(
        &self,
        conn: &mut PgConnection,
        ids: Vec<i64>,
    ) -> QueryResult<HashMap<i64, Translations>> {
        if self.is_empty() {
            return Ok(HashMap::new());
        }
        products::list_all(conn, ids)
    }
}

/// The definitions of translatable fields that files have a place for, and anything says a value of.
pub(super) fn translatable(
    conn: &mut PgConnection,
    resource: CustomResource,
    keys: &[(String, String)],
) -> QueryResult<Vec<CustomField>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut fields = custom_fields::all_of(conn, resource)?;
    let is_said = |field: &CustomField| keys.iter().any(|(key, _)| *key == field.key);
    fields.retain(|field| field.is_translatable && is_portable(field) && is_said(field));
    Ok(fields)
}

/// The columns of those keys that have a field.
pub(super) fn kept(
    keys: Vec<(String, String)>,
    fields: &[CustomField],
) -> impl Iterator<Item = (Of, String)> {
    let is_kept = |key: &String| fields.iter().any(|field| field.key == *key);
    let kept = keys.into_iter().filter(move |(key, _)| is_kept(key));
    kept.map(|(key, locale)| (Of::Custom(key), locale))
}

fn text(of: &Of, texts: &Texts, fields: &[CustomField]) -> String {
    let said = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    match of {
        Of::Name => said(&texts.name),
        Of::Description => said(&texts.description),
        Of::DescriptionHtml => said(&texts.description_html),
        Of::SeoTitle => said(&texts.seo_title),
        Of::SeoDescription => said(&texts.seo_description),
        Of::Custom(key) => value(fields, key, texts.custom.get(key)),
        Of::Images | Of::Label => String::new(),
    }
}

/// A cell of a value.
pub(super) fn value(fields: &[CustomField], key: &str, value: Option<&Value>) -> String {
    let field = fields.iter().find(|field| field.key == *key);
    field
        .zip(value)
        .map(|(field, value)| cell(field, value))
        .unwrap_or_default()
}
