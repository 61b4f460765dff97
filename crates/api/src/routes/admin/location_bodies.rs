//! Locations as staff sends and sees them.

use catalog::locations::{Location, LocationChanges, MAX_PRIORITY, NewLocation};
use chrono::{DateTime, Utc};
use domain::{Cursor, LocationId, Page, PageSize, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Problem, text};

/// A place where stock is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Location)]
pub struct LocationBody {
    #[schema(value_type = i64, example = 2)]
    id: LocationId,
    #[schema(example = "berlin")]
    code: String,
    #[schema(example = "Berlin, back room")]
    name: String,
    /// Whether orders take from it.
    is_active: bool,
    /// Orders take from the least first, and of two alike from the one with the lower id.
    priority: i64,
    /// Since when orders take nothing from it.
    #[schema(required = true)]
    deactivated_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Location> for LocationBody {
    fn from(location: Location) -> Self {
        Self {
            id: location.id,
            code: location.code.to_string(),
            name: location.name,
            is_active: location.deactivated_at.is_none(),
            priority: location.priority,
            deactivated_at: location.deactivated_at,
            created_at: location.created_at,
            updated_at: location.updated_at,
        }
    }
}

/// A page of locations, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LocationPage)]
pub struct LocationPageBody {
    locations: Vec<LocationBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

impl LocationPageBody {
    pub fn new(rows: Vec<Location>, size: PageSize) -> Self {
        let page = Page::from_overfetched(rows, size, |location: &Location| location.id.get());
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            locations: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// A location to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewLocation)]
pub struct NewLocationBody {
    /// Words of a-z and 0-9 with single hyphens between them.
    #[schema(value_type = String, example = "berlin", min_length = 1, max_length = 80)]
    code: Slug,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// 0 where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    priority: Option<i64>,
    /// True where it is left out.
    is_active: Option<bool>,
}

impl NewLocationBody {
    /// Checks what can be checked without the other locations.
    pub fn checked(self) -> Result<NewLocation, Problem> {
        Ok(NewLocation {
            code: self.code,
            name: text("name", self.name, 1, 200)?,
            priority: checked_priority(self.priority)?.unwrap_or(0),
            is_active: self.is_active.unwrap_or(true),
        })
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LocationChanges)]
pub struct LocationChangesBody {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    code: Option<Slug>,
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    priority: Option<i64>,
    /// Whether orders take from it.
    is_active: Option<bool>,
}

impl LocationChangesBody {
    /// Checks what can be checked without the location.
    pub fn checked(self) -> Result<LocationChanges, Problem> {
        let name = self.name.map(|name| text("name", name, 1, 200));
        Ok(LocationChanges {
            code: self.code,
            name: name.transpose()?,
            priority: checked_priority(self.priority)?,
            is_active: self.is_active,
        })
    }
}

fn checked_priority(priority: Option<i64>) -> Result<Option<i64>, Problem> {
    if priority.is_none_or(|priority| (0..=MAX_PRIORITY).contains(&priority)) {
        return Ok(priority);
    }
    let rule = format!("must be 0 to {MAX_PRIORITY}");
    Err(Problem::invalid("priority", "out_of_range", rule))
}
