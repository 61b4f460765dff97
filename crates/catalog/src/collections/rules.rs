//! What a product has to be to be in a collection.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Jsonb;
use domain::{CategoryId, Currency};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most conditions of one collection.
pub const MAX_CONDITIONS: usize = 20;
/// Most days of [`Condition::MadeWithinDays`]: ten years.
pub const MAX_DAYS: u32 = 3_650;

/// Conditions as they are stored, and as `catalog.list_by_rules` reads them. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromSqlRow)]
pub struct Rules {
    #[serde(rename = "match")]
    pub matching: Match,
    pub conditions: Vec<Condition>,
}

/// How many of the conditions have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Match {
    All,
    Any,
}

/// Something that a product is or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// It is in this category, or in one below it.
    Category(CategoryId),
    /// Letter by letter.
    Brand(String),
    /// It has this tag, among others.
    Tag(String),
    /// The price of its default variant is in a range, in the country for which the collection is read.
    Price(PriceRange),
    /// Whether any is left.
    InStock(bool),
    /// It was made so many days ago at most.
    MadeWithinDays(u32),
}

/// Minor units of a currency, both ends included; `None` is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRange {
    pub currency: Currency,
    pub min: Option<i64>,
    pub max: Option<i64>,
}

/// What is wrong with rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// Where, such as `conditions[0].brand`.
    pub place: String,
    pub code: &'static str,
    pub message: String,
}

/// Most characters of a brand and of a tag.
const MAX_VALUE: usize = 100;

impl Rules {
    /// Some that find something in any shop.
    pub(crate) fn any_stock() -> Self {
        Self {
            matching: Match::All,
            conditions: vec![Condition::InStock(true)],
        }
    }

    /// Checks what can be checked without the catalogue.
    ///
    /// # Errors
    ///
    /// [`RuleFault`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), RuleFault> {
        if !(1..=MAX_CONDITIONS).contains(&self.conditions.len()) {
            let rule = format!("must have 1 to {MAX_CONDITIONS} conditions");
            return Err(fault("conditions", "length", rule));
        }
        let mut all = self.conditions.iter().enumerate();
        all.try_for_each(|(index, condition)| condition.check(&format!("conditions[{index}]")))
    }

    /// The categories it names, with the places of their conditions.
    pub(super) fn categories(&self) -> impl Iterator<Item = (usize, i64)> {
        let conditions = self.conditions.iter().enumerate();
        conditions.filter_map(|(index, condition)| match condition {
            Condition::Category(id) => Some((index, id.get())),
            _ => None,
        })
    }

    /// As they are stored.
    pub(super) fn to_json(&self) -> Value {
        serde_json::json!(self)
    }
}

fn fault(place: impl Into<String>, code: &'static str, message: impl Into<String>) -> RuleFault {
    RuleFault {
        place: place.into(),
        code,
        message: message.into(),
    }
}

impl Condition {
    fn check(&self, place: &str) -> Result<(), RuleFault> {
        match self {
            Self::Brand(brand) => check_value(format!("{place}.brand"), brand),
            Self::Tag(tag) => check_value(format!("{place}.tag"), tag),
            Self::MadeWithinDays(days) if !(1..=MAX_DAYS).contains(days) => {
                let rule = format!("must be 1 to {MAX_DAYS}");
                Err(fault(
                    format!("{place}.madeWithinDays"),
                    "out_of_range",
                    rule,
                ))
            }
            Self::Price(range) => range.check(&format!("{place}.price")),
            Self::Category(_) | Self::InStock(_) | Self::MadeWithinDays(_) => Ok(()),
        }
    }
}

impl PriceRange {
    fn check(&self, place: &str) -> Result<(), RuleFault> {
        for (name, amount) in [("min", self.min), ("max", self.max)] {
            if amount.is_some_and(|amount| amount < 0) {
                let rule = "must not be negative";
                return Err(fault(format!("{place}.{name}"), "out_of_range", rule));
            }
        }
        if self.min.is_none() && self.max.is_none() {
            return Err(fault(place, "missing", "must have min, max or both"));
        }
        if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
            let rule = "must not be above max";
            return Err(fault(format!("{place}.min"), "out_of_range", rule));
        }
        Ok(())
    }
}

fn check_value(place: String, value: &str) -> Result<(), RuleFault> {
    if !(1..=MAX_VALUE).contains(&value.trim().chars().count()) || value.chars().count() > MAX_VALUE
    {
        let rule = format!("must have 1 to {MAX_VALUE} characters");
        return Err(fault(place, "length", rule));
    }
    if value.chars().any(char::is_control) {
        let rule = "must not contain control characters";
        return Err(fault(place, "characters", rule));
    }
    Ok(())
}

impl FromSql<Jsonb, Pg> for Rules {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let stored = <Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(serde_json::from_value(stored)?)
    }
}
