//! Values of custom fields, as files spell them.

use domain::{Currency, CustomType as T, Money};
use serde_json::{Map, Value, json};

use super::lists::{self, ITEM};
use super::row::{Refusal, refuse};
use crate::custom_fields::attributes::MAX_ALL_BYTES;
use crate::custom_fields::{CustomField, values};

/// What a column begins with that has values of a custom field.
pub(crate) const CUSTOM: &str = "custom.";

/// A value as a file spells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Of a table.
    Text(String),
    /// Of an object.
    Json(Value),
}

impl Cell {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(value) => values::size(value),
        }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Json(value) => value.is_null(),
        }
    }
}

/// Sets a value among those of a thing, where a file says one.
pub(super) fn set(
    kept: &mut Map<String, Value>,
    fields: &[CustomField],
    key: &str,
    cell: &Cell,
) -> Result<(), Refusal> {
    let Some((_, value)) = value(fields, key, cell)? else {
        return Ok(());
    };
    kept.insert(key.to_owned(), value);
    if values::size(&Value::Object(kept.clone())) > MAX_ALL_BYTES {
        let rule = format!("`{key}` makes them more than {MAX_ALL_BYTES} bytes together");
        return Err(refuse("custom", rule));
    }
    Ok(())
}

/// The value of a field, as it is kept, where a file says one.
pub(super) fn value<'f>(
    fields: &'f [CustomField],
    key: &str,
    cell: &Cell,
) -> Result<Option<(&'f CustomField, Value)>, Refusal> {
    if cell.is_empty() {
        return Ok(None);
    }
    let wrong = |message: String| refuse("custom", format!("`{key:.80}` {message}"));
    let field = fields.iter().find(|field| field.key == key);
    let field = field.ok_or_else(|| wrong("is no such custom field".into()))?;
    if !is_portable(field) {
        return Err(wrong(
            "refers to something by an id, which files do not".into(),
        ));
    }
    let written = match cell {
        Cell::Text(text) => read(field, text),
        Cell::Json(value) => value.clone(),
    };
    let value = values::check(field, &written).map_err(|(_, _, message)| wrong(message))?;
    Ok(Some((field, value)))
}

/// Whether a value says the same in another shop.
pub(crate) fn is_portable(field: &CustomField) -> bool {
    !matches!(field.rules.scalar(field.of), T::Reference | T::File)
}

/// What a cell says; one that says nothing of the type is a text, which is refused then.
fn read(field: &CustomField, text: &str) -> Value {
    if field.of == T::List {
        let items = lists::items(text).into_iter();
        let of = field.rules.scalar(T::List);
        return items.map(|item| scalar(of, &item)).collect();
    }
    scalar(field.of, text)
}

fn scalar(of: T, text: &str) -> Value {
    let read: Option<Value> = match of {
        T::Int => text.parse::<i64>().ok().map(Value::from),
        T::Bool => text.parse::<bool>().ok().map(Value::from),
        T::Money => money(text),
        T::Json => serde_json::from_str(text).ok(),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

fn money(text: &str) -> Option<Value> {
    let (amount, currency) = text.split_once(' ')?;
    let currency: Currency = currency.parse().ok()?;
    let amount = Money::parse_decimal(amount, currency).ok()?;
    Some(json!({"amount": amount.minor(), "currency": currency.code()}))
}

/// Writes what [`set`] reads.
pub(crate) fn spelt(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The same of a value of a field.
pub(crate) fn cell(field: &CustomField, value: &Value) -> String {
    match (field.of, value) {
        (T::Json, value) => value.to_string(),
        (T::List, Value::Array(items)) => {
            let items = items
                .iter()
                .map(|item| lists::escaped(&spelt(item), &[ITEM]));
            items.collect::<Vec<_>>().join("|")
        }
        (T::Money, value) => {
            let currency = value["currency"]
                .as_str()
                .and_then(|code| code.parse().ok());
            let amount = value["amount"].as_i64().zip(currency);
            let written = amount.map(|(minor, currency)| Money::new(minor, currency));
            written.map_or_else(String::new, |money| {
                format!("{} {}", money.to_decimal(), money.currency())
            })
        }
        (_, value) => spelt(value),
    }
}
