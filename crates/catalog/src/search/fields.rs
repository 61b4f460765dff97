//! Custom fields as a search asks for them: what is a range and what a value depends on what the field is.

use std::collections::BTreeMap;

use diesel::prelude::*;
use domain::CustomType;
use serde_json::{Value, json};

use super::SearchError;
use super::facets::Count;
use crate::custom_fields::rules::position;
use crate::custom_fields::{CustomField, filters, values};

/// Parts the two ends of a range.
const TO: &str = "..";
/// Most ranges of one search: each is held against all values that the field has in any product.
pub const MAX_RANGES: usize = 10;

/// Writes into a request what is asked for of each field.
pub(super) fn narrow(
    conn: &mut PgConnection,
    wanted: &[(String, String)],
    request: &mut Value,
) -> Result<(), SearchError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let keys = wanted.iter().map(|(key, _)| key.clone()).collect();
    let known = filters(conn, keys)?;
    let (mut fields, mut ranges) = (Vec::new(), Vec::new());
    for (key, value) in wanted {
        let field = known.iter().find(|field| field.key == *key);
        let field = field.ok_or_else(|| SearchError::UnknownField(key.clone()))?;
        match range(field, value)? {
            Some(range) => ranges.push(range),
            None => fields.push(json!({"name": key, "value": spelt(field, value)})),
        }
    }
    if ranges.len() > MAX_RANGES {
        return Err(SearchError::TooManyRanges);
    }
    request["fields"] = fields.into();
    request["ranges"] = ranges.into();
    Ok(())
}

/// Leaves what is counted of fields that are filters: one that was made private a moment ago is none, though documents are yet
/// to be written anew.
pub(super) fn retain_filters(
    conn: &mut PgConnection,
    counted: &mut BTreeMap<String, Vec<Count>>,
) -> QueryResult<()> {
    if counted.is_empty() {
        return Ok(());
    }
    let known = filters(conn, counted.keys().cloned().collect())?;
    counted.retain(|key, _| known.iter().any(|field| field.key == *key));
    Ok(())
}

/// `None` for a value by itself.
fn range(field: &CustomField, value: &str) -> Result<Option<Value>, SearchError> {
    let of = field.rules.scalar(field.of);
    let is_ordered = matches!(of, CustomType::Int | CustomType::Decimal | CustomType::Date);
    let Some((min, max)) = value.split_once(TO).filter(|_| is_ordered) else {
        return Ok(None);
    };
    let wrong = |rule| SearchError::InvalidRange(field.key.clone(), rule);
    let end = |text: &str| {
        let read = Some(text).filter(|text| !text.is_empty());
        let read = read.map(|text| {
            position(of, text).ok_or_else(|| wrong("has an end that is none of its values"))
        });
        read.transpose()
    };
    match (end(min)?, end(max)?) {
        (None, None) => return Err(wrong("has no end")),
        (Some(min), Some(max)) if min > max => return Err(wrong("ends before it begins")),
        _ => {}
    }
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (min, max) = (given(min), given(max));
    Ok(Some(
        json!({"name": field.key, "of": of.code(), "min": min, "max": max}),
    ))
}

/// A decimal number as it is kept, however it is written.
fn spelt(field: &CustomField, value: &str) -> String {
    if field.rules.scalar(field.of) != CustomType::Decimal {
        return value.to_owned();
    }
    values::decimal(value).map_or_else(|| value.to_owned(), |(_, kept)| kept)
}
