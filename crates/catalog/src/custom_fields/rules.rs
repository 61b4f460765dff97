//! What a definition can ask of values, and which rules go together.

use std::collections::HashSet;

use chrono::NaiveDate;
use domain::{CustomResource, CustomType as T};
use serde::{Deserialize, Serialize};

use super::values::decimal;
use super::{Fault, Pattern};

/// Most characters of a text, and of rich text once it is sanitised.
pub const MAX_TEXT: u32 = 16_000;
/// Most characters of a text that products are found by.
pub const MAX_FILTER_TEXT: u32 = 200;
/// Most values of a list, and how many it may have where nothing is said.
pub const MAX_ITEMS: u32 = 500;
pub const USUAL_ITEMS: u32 = 100;
const MAX_VALUES: usize = 200;
const MAX_VALUE: usize = 200;

/// What values have to be; what is not there asks nothing. Those of a list are rules of its items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rules {
    /// Whether everything has to have a value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// The lowest and the highest number or date, written as the type is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// The texts that an enum is one of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What a list is a list of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_type: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u32>,
    /// What a reference names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<CustomResource>,
}

/// A stored value that is none: somebody wrote past this crate.
#[derive(Debug, thiserror::Error)]
#[error("rules of a custom field: {0}")]
pub struct InvalidRules(#[from] serde_json::Error);

impl TryFrom<serde_json::Value> for Rules {
    type Error = InvalidRules;

    fn try_from(stored: serde_json::Value) -> Result<Self, Self::Error> {
        Ok(serde_json::from_value(stored)?)
    }
}

impl Rules {
    /// As they are stored.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    /// The type whose rules these are: that of a list's items, or the type itself.
    #[must_use]
    pub fn scalar(&self, of: T) -> T {
        match of {
            T::List => self.item_type.unwrap_or(T::Text),
            other => other,
        }
    }

    /// Says how long a text may be by which products are found, where nothing was said.
    pub(super) fn bound_filter(&mut self, of: T) {
        if self.scalar(of) == T::Text {
            self.max_length.get_or_insert(MAX_FILTER_TEXT);
        }
    }

    /// Whether these rules make sense for values of a type.
    ///
    /// # Errors
    ///
    /// The first rule that does not.
    pub fn check(&self, of: T) -> Result<(), Fault> {
        self.check_list(of)?;
        let scalar = self.scalar(of);
        let is_text = matches!(scalar, T::Text | T::RichText);
        only("minLength", self.min_length.is_some(), is_text, "texts")?;
        only("maxLength", self.max_length.is_some(), is_text, "texts")?;
        let longest = self.max_length.unwrap_or(MAX_TEXT);
        if longest > MAX_TEXT || longest == 0 {
            return Err(fault("maxLength", format!("must be 1 to {MAX_TEXT}")));
        }
        if self.min_length.is_some_and(|shortest| shortest > longest) {
            return Err(fault("minLength", "must not be above maxLength"));
        }
        only(
            "pattern",
            self.pattern.is_some(),
            scalar == T::Text,
            "texts",
        )?;
        if let Some(pattern) = &self.pattern {
            pattern.check().map_err(|rule| fault("pattern", rule))?;
        }
        only(
            "values",
            !self.values.is_empty(),
            scalar == T::Enum,
            "enums",
        )?;
        if scalar == T::Enum {
            self.check_values()?;
        }
        let has_reference = self.references.is_some();
        only(
            "references",
            has_reference,
            scalar == T::Reference,
            "references",
        )?;
        if scalar == T::Reference && !has_reference {
            return Err(fault("references", "must say what is referred to"));
        }
        let is_ordered = matches!(scalar, T::Int | T::Decimal | T::Date);
        let bounds = "whole numbers, decimals and dates";
        only("min", self.min.is_some(), is_ordered, bounds)?;
        only("max", self.max.is_some(), is_ordered, bounds)?;
        self.check_bounds(scalar)
    }

    fn check_list(&self, of: T) -> Result<(), Fault> {
        only("itemType", self.item_type.is_some(), of == T::List, "lists")?;
        only("maxItems", self.max_items.is_some(), of == T::List, "lists")?;
        if of != T::List {
            return Ok(());
        }
        let known = [
            T::Text,
            T::Int,
            T::Decimal,
            T::Date,
            T::Enum,
            T::Reference,
            T::File,
        ];
        if !self.item_type.is_some_and(|item| known.contains(&item)) {
            let known = known.map(T::code).join(", ");
            return Err(fault("itemType", format!("must be one of {known}")));
        }
        if !(1..=MAX_ITEMS).contains(&self.max_items.unwrap_or(USUAL_ITEMS)) {
            return Err(fault("maxItems", format!("must be 1 to {MAX_ITEMS}")));
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), Fault> {
        if !(1..=MAX_VALUES).contains(&self.values.len()) {
            let rule = format!("must have 1 to {MAX_VALUES} values");
            return Err(fault("values", rule));
        }
        let mut seen = HashSet::new();
        for (index, value) in self.values.iter().enumerate() {
            let place = format!("values[{index}]");
            let is_long = !(1..=MAX_VALUE).contains(&value.chars().count());
            if is_long || value.trim() != value || value.chars().any(char::is_control) {
                let rule = format!(
                    "must have 1 to {MAX_VALUE} characters, none of control, and no space at its ends"
                );
                return Err(fault(&place, rule));
            }
            if !seen.insert(value) {
                return Err(fault(&place, "is there twice"));
            }
        }
        Ok(())
    }

    fn check_bounds(&self, scalar: T) -> Result<(), Fault> {
        let read = |name: &str, bound: Option<&String>| {
            let read = bound.map(|text| position(scalar, text).ok_or(()));
            let rule = match scalar {
                T::Int => "must be a whole number",
                T::Decimal => "must be a decimal number such as 1.5",
                _ => "must be a date such as 2026-12-31",
            };
            read.transpose().map_err(|()| fault(name, rule))
        };
        let (min, max) = (
            read("min", self.min.as_ref())?,
            read("max", self.max.as_ref())?,
        );
        match (min, max) {
            (Some(min), Some(max)) if min > max => Err(fault("min", "must not be above max")),
            _ => Ok(()),
        }
    }
}

/// Where a number or a date stands among those of its type.
pub(crate) fn position(of: T, text: &str) -> Option<i128> {
    match of {
        T::Int => int(text).map(i128::from),
        T::Decimal => decimal(text).map(|(units, _)| units),
        T::Date => date(text).map(|date| i128::from(chrono::Datelike::num_days_from_ce(&date))),
        _ => None,
    }
}

/// A whole number in its only spelling.
pub(super) fn int(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A day of the years 1 to 9999 in its only spelling.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let is_known = (1..=9999).contains(&chrono::Datelike::year(&date));
    (is_known && date.format("%Y-%m-%d").to_string() == text).then_some(date)
}

fn only(name: &str, is_there: bool, is_allowed: bool, what: &str) -> Result<(), Fault> {
    if is_there && !is_allowed {
        return Err(fault(name, format!("is only for {what}")));
    }
    Ok(())
}

fn fault(name: &str, message: impl Into<String>) -> Fault {
    Fault::new(format!("validation.{name}"), "invalid", message)
}
