//! Answers to writes: bytes, so that a repeat can be given the very same ones.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder};
use db::idempotency::{self, RequestKey, StoredAnswer};
use diesel::{PgConnection, QueryResult};
use serde::Serialize;

use super::Problem;

/// Tells a client that this answer was first given to an earlier request with the same key.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A finished answer.
#[derive(Clone, Debug)]
pub struct Answer {
    stored: StoredAnswer,
    replayed: bool,
    /// Not stored: a repeat may be older than what there is by now.
    version: Option<i64>,
}

impl Answer {
    /// 201 with the address of what was made.
    #[must_use]
    pub fn created(location: String, body: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, Some(location), body)
    }

    /// 200.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, None, body)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        let status = StatusCode::NO_CONTENT.as_u16();
        Self {
            stored: StoredAnswer {
                status,
                location: None,
                body: Vec::new(),
            },
            replayed: false,
            version: None,
        }
    }

    /// An error that is remembered, because the request left an effect.
    #[must_use]
    pub fn refusal(problem: &Problem) -> Self {
        let status = actix_web::ResponseError::status_code(problem);
        Self::json(status, None, &problem.to_json())
    }

    /// An answer that is stored already, given for the first time.
    #[must_use]
    pub fn first(stored: StoredAnswer) -> Self {
        Self {
            stored,
            replayed: false,
            version: None,
        }
    }

    /// The answer that was given before.
    #[must_use]
    pub fn replay(stored: StoredAnswer) -> Self {
        Self {
            stored,
            replayed: true,
            version: None,
        }
    }

    /// The same with the ETag of a resource that counts its changes.
    #[must_use]
    pub fn with_version(self, version: i64) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    /// Stores the answer under the request's key; one that is there already is given instead.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn remember(self, conn: &mut PgConnection, key: Option<&RequestKey>) -> QueryResult<Self> {
        let Some(key) = key else { return Ok(self) };
        let earlier = idempotency::store(conn, key, &self.stored)?;
        Ok(earlier.map_or(self, Self::replay))
    }

    fn json(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Self {
        let (status, body) = match serde_json::to_vec(body) {
            Ok(body) => (status, body),
            Err(error) => {
                log::error!(error:% = error; "an answer does not serialise");
                let problem = Problem::internal().to_json().to_string();
                (StatusCode::INTERNAL_SERVER_ERROR, problem.into_bytes())
            }
        };
        let stored = StoredAnswer {
            status: status.as_u16(),
            location,
            body,
        };
        Self {
            stored,
            replayed: false,
            version: None,
        }
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let StoredAnswer {
            status,
            location,
            body,
        } = self.stored;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if !body.is_empty() {
            let is_error = status.is_client_error() || status.is_server_error();
            let kind = if is_error {
                "application/problem+json"
            } else {
                "application/json"
            };
            response.insert_header((CONTENT_TYPE, kind));
        }
        if let Some(location) = location {
            response.insert_header((LOCATION, location));
        }
        if let Some(version) = self.version {
            response.insert_header((ETAG, format!("\"{version}\"")));
        }
        if self.replayed {
            response.insert_header((IDEMPOTENT_REPLAYED, "true"));
        }
        response.body(body)
    }
}
