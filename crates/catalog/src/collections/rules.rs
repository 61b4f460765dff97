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

impl Rules {
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

impl FromSql<Jsonb, Pg> for Rules {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let stored = <Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(serde_json::from_value(stored)?)
    }
}
