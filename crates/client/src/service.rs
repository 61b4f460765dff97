//! Whether the server is ready for requests.

use reqwest::Method;
use serde::Deserialize;

use crate::{Answer, Client, Error, Request};

/// What a server says about itself and what it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// `ready`.
    pub status: String,
    /// `up`: without its database a server is not ready.
    pub database: String,
    /// `up`, or `down` or `off`, which makes the server slower.
    pub redis: String,
    /// How long ago the oldest change was made that cannot be found yet; `None` where that is not known.
    pub index_lag_ms: Option<u64>,
}

impl Client {
    /// Asks whether the server takes requests.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 503 while it starts, drains, or has no database.
    pub async fn readyz(&self) -> Result<Answer<Readiness>, Error> {
        self.fetch(Request::new(Method::GET, "/readyz")).await
    }
}
