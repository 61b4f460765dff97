//! Places where stock is kept. Staff.

use chrono::{DateTime, Utc};
use domain::{LocationId, Slug};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

/// A place where stock is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Names the location; [`LocationId::MAIN`] is the one that every shop has.
    pub id: LocationId,
    /// The merchant's own name for it.
    pub code: Slug,
    /// What it is called.
    pub name: String,
    /// Whether orders take from it.
    pub is_active: bool,
    /// Orders take from the least first, and of two alike from the one with the lower id.
    pub priority: i64,
    /// Since when orders take nothing from it.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Some locations.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationPage {
    /// At most `limit` locations.
    pub locations: Vec<Location>,
    /// How many locations a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// A location to be made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewLocation {
    /// The merchant's own name for it.
    pub code: Slug,
    /// What it is called.
    pub name: String,
    /// 0 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Active when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

/// What to change in a location; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationChanges {
    /// The merchant's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Slug>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Orders take from the least first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Whether orders take from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

impl Client {
    /// Lists locations, oldest first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] for a cursor that is none.
    pub async fn list_locations(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<LocationPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/locations")
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Makes a location. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `location_code_taken`.
    pub async fn create_location(&self, new: &NewLocation) -> Result<Answer<Location>, Error> {
        self.fetch(Request::new(Method::POST, "/api/admin/locations").json(new)?)
            .await
    }

    /// Reads a location; the answer's `etag` is for [`Client::patch_location`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_location(&self, id: LocationId) -> Result<Answer<Location>, Error> {
        let path = format!("/api/admin/locations/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Changes a location, when `etag` is given only if it still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster, and with the code `main_location` for one that
    /// cannot be deactivated.
    pub async fn patch_location(
        &self,
        id: LocationId,
        changes: &LocationChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Location>, Error> {
        let path = format!("/api/admin/locations/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Deletes a location at which nothing ever was. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `location_in_use` for another one, which can be deactivated.
    pub async fn delete_location(&self, id: LocationId) -> Result<(), Error> {
        let path = format!("/api/admin/locations/{id}");
        self.accept(Request::new(Method::DELETE, path)).await?;
        Ok(())
    }
}
