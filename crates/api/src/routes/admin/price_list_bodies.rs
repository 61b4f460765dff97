//! Price lists as staff sends and sees them.

use catalog::prices::lists::editing::ListChanges;
use catalog::prices::lists::{PriceList, Terms};
use chrono::{DateTime, Utc};
use domain::{Country, Cursor, PriceListId, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_details::moment;
use crate::http::body::given;
use crate::http::{Problem, text};

/// Most countries and most customer groups of a list.
const MAX_CONDITIONS: usize = 300;

/// A price list to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPriceList)]
pub struct NewPriceListBody {
    /// Names it; no other list may have it. a-z, 0-9 and single hyphens.
    #[schema(value_type = String, example = "summer-sale")]
    pub code: Slug,
    #[schema(min_length = 1, max_length = 300)]
    name: String,
    /// Of several lists that apply the one with the greatest counts.
    #[serde(default)]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: i32,
    /// Whether it applies at all; true where it is left out.
    is_active: Option<bool>,
    /// In force from then on; always where it is left out.
    starts_at: Option<DateTime<Utc>>,
    /// Not in force any more from then on; never where it is left out.
    ends_at: Option<DateTime<Utc>>,
    /// Where the order is to go (ISO 3166-1); empty for everywhere.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 300)]
    countries: Vec<Country>,
    /// Of which the customer has one; empty for everybody.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 300)]
    customer_groups: Vec<Slug>,
}

impl NewPriceListBody {
    /// Checks what can be checked without the other lists.
    pub fn checked(self) -> Result<(Slug, String, Terms), Problem> {
        let time = |field, given: Option<_>| given.map(|time| moment(field, time)).transpose();
        let terms = Terms {
            priority: in_range(self.priority)?,
            is_active: self.is_active.unwrap_or(true),
            starts_at: time("startsAt", self.starts_at)?,
            ends_at: time("endsAt", self.ends_at)?,
            countries: each_once("countries", self.countries)?,
            customer_groups: each_once("customerGroups", self.customer_groups)?,
        };
        Ok((self.code, text("name", self.name, 1, 300)?, terms))
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PriceListChanges)]
pub struct PriceListChangesBody {
    #[schema(min_length = 1, max_length = 300)]
    name: Option<String>,
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
    is_active: Option<bool>,
    /// Null for always.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    starts_at: Option<Option<DateTime<Utc>>>,
    /// Null for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    ends_at: Option<Option<DateTime<Utc>>>,
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    countries: Option<Vec<Country>>,
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    customer_groups: Option<Vec<Slug>>,
}

impl PriceListChangesBody {
    /// Checks what can be checked without the list.
    pub fn checked(self) -> Result<ListChanges, Problem> {
        let time = |field, given: Option<Option<_>>| {
            let checked = |given: Option<_>| given.map(|time| moment(field, time)).transpose();
            given.map(checked).transpose()
        };
        let groups = self.customer_groups;
        Ok(ListChanges {
            name: self
                .name
                .map(|name| text("name", name, 1, 300))
                .transpose()?,
            priority: self.priority.map(in_range).transpose()?,
            is_active: self.is_active,
            starts_at: time("startsAt", self.starts_at)?,
            ends_at: time("endsAt", self.ends_at)?,
            countries: self
                .countries
                .map(|countries| each_once("countries", countries))
                .transpose()?,
            customer_groups: groups
                .map(|groups| each_once("customerGroups", groups))
                .transpose()?,
        })
    }
}

fn in_range(priority: i32) -> Result<i32, Problem> {
    if (-1_000_000..=1_000_000).contains(&priority) {
        return Ok(priority);
    }
    let rule = "must be -1000000 to 1000000";
    Err(Problem::invalid("priority", "out_of_range", rule))
}

fn each_once<T: Ord>(field: &'static str, mut all: Vec<T>) -> Result<Vec<T>, Problem> {
    if all.len() > MAX_CONDITIONS {
        let rule = format!("must be at most {MAX_CONDITIONS}");
        return Err(Problem::invalid(field, "length", rule));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// A price list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PriceList)]
pub struct PriceListBody {
    #[schema(value_type = i64)]
    id: PriceListId,
    #[schema(value_type = String)]
    code: Slug,
    name: String,
    priority: i32,
    is_active: bool,
    #[schema(required = true)]
    starts_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    ends_at: Option<DateTime<Utc>>,
    #[schema(value_type = Vec<String>)]
    countries: Vec<Country>,
    #[schema(value_type = Vec<String>)]
    customer_groups: Vec<Slug>,
    /// Whether it applies to anybody now.
    is_in_force: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<PriceList> for PriceListBody {
    fn from(list: PriceList) -> Self {
        Self {
            id: list.id,
            code: list.code,
            name: list.name,
            priority: list.terms.priority,
            is_active: list.terms.is_active,
            starts_at: list.terms.starts_at,
            ends_at: list.terms.ends_at,
            countries: list.terms.countries,
            customer_groups: list.terms.customer_groups,
            is_in_force: list.is_in_force,
            created_at: list.created_at,
            updated_at: list.updated_at,
        }
    }
}

/// A page of price lists, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PriceListPage)]
pub struct PriceListPageBody {
    pub price_lists: Vec<PriceListBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}
