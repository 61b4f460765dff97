//! Errors as clients see them: RFC 9457, with a stable `code`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use db::DbError;
use domain::Permission;
use serde::Serialize;
use serde_json::{Map, Value};

use super::observe;

/// An error answer. Its `code` is the contract; words may change.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    errors: Vec<FieldError>,
    extra: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    /// Set where the problem is written out on another thread than the request's.
    request_id: Option<String>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where it stands in the request: `lines[3].quantity`.
    pub field: String,
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title,
            detail: None,
            errors: Vec::new(),
            extra: Map::new(),
            retry_after_seconds: None,
            request_id: None,
        }))
    }

    /// 404 for what does not exist, or is not the caller's.
    #[must_use]
    pub fn not_found(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, title)
    }

    /// 422 for one field.
    #[must_use]
    pub fn invalid(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::unprocessable("validation_failed", "A field is not valid").field(field, code, message)
    }

    /// 422 with a code of its own.
    #[must_use]
    pub fn unprocessable(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title)
    }

    /// 400 for a query parameter, a header or malformed JSON.
    #[must_use]
    pub fn bad_request(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }

    /// 409.
    #[must_use]
    pub fn conflict(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A valid token is required",
        )
        .detail("send `Authorization: Bearer <token>`; POST /api/sessions gives one")
    }

    /// 403.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This caller may not do that",
        )
    }

    /// 403 for staff who may do other things.
    #[must_use]
    pub fn lacking(permission: Permission) -> Self {
        Self::forbidden().detail(format!("this needs the permission `{permission}`"))
    }

    /// 502 of a replica that stood still: somebody else may have answered this request by now. The proxy asks another one,
    /// which it does after no 503.
    #[must_use]
    pub fn stood_still() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "stood_still",
            "This replica stood still and leaves the request to another one",
        )
        .retry_after(1)
    }

    /// 503 that asks to come back.
    #[must_use]
    pub fn unavailable(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title).retry_after(2)
    }

    /// What programs decide by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn field(
        mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        self.0.errors.push(FieldError {
            field: field.into(),
            code,
            message: message.into(),
        });
        self
    }

    /// The fields at fault.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// One answer for both: this one, with the other's fields as well.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.errors.extend(other.0.errors);
        self
    }

    /// Names fields by where they stand in the whole request: `variants[3]` makes `variants[3].sku`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        for error in &mut self.0.errors {
            error.field = format!("{place}.{}", error.field);
        }
        self
    }

    /// Adds a member of its own to the problem object.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(member.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Names the request it answers, for when it is written out on another thread.
    #[must_use]
    pub fn in_request(mut self, id: String) -> Self {
        self.0.request_id = Some(id);
        self
    }

    /// The problem object, with the id of the request that is being answered.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = self.0.extra.clone();
        object.insert(
            "type".into(),
            format!("/problems/{}", self.0.code.replace('_', "-")).into(),
        );
        object.insert("title".into(), self.0.title.into());
        object.insert("status".into(), self.0.status.as_u16().into());
        object.insert("code".into(), self.0.code.into());
        if let Some(detail) = &self.0.detail {
            object.insert("detail".into(), detail.clone().into());
        }
        if !self.0.errors.is_empty() {
            object.insert("errors".into(), serde_json::json!(self.0.errors));
        }
        let request_id = self
            .0
            .request_id
            .clone()
            .unwrap_or_else(observe::current_request_id);
        object.insert("requestId".into(), request_id.into());
        Value::Object(object)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.0.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Some(id) = &self.0.request_id {
            response.insert_header((observe::X_REQUEST_ID, id.as_str()));
        }
        response.body(self.to_json().to_string())
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => {
                log::error!(error:% = error; "database unavailable");
                Self::unavailable("database_unavailable", "The database is not available")
            }
            DbError::Busy(_) => {
                log::warn!(error:% = error; "database busy");
                Self::unavailable("busy", "Too much is going on right now").retry_after(1)
            }
            DbError::Query(_) | DbError::Panicked => {
                log::error!(error:% = error; "database task failed");
                Self::internal()
            }
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Problem {
    /// 500. The cause is logged where it was met, and never sent.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong here",
        )
    }
}
