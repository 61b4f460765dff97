//! What can go wrong, sorted by what the caller may conclude from it.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::IdempotencyKey;

/// Says why a call brought no answer of the expected kind.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused the request; it had no effect.
    #[error("{0}")]
    Api(Box<Problem>),
    /// A write that may or may not have happened: no attempt brought an answer that decides it.
    ///
    /// Sending the same request with the same key again is safe and finds out.
    #[error("the outcome of the write with key {key} is not known after {tries} tries: {last}")]
    Unknown {
        /// The key that all tries carried.
        key: IdempotencyKey,
        /// How many tries were made.
        tries: u32,
        /// What the last of them met.
        last: Box<Error>,
    },
    /// No answer to a read, or no connection for a write: nothing has happened.
    #[error("no answer from the server: {}", Causes(.0))]
    Transport(#[source] reqwest::Error),
    /// The answer is not what the documentation says; a write has happened nevertheless.
    #[error("cannot read the answer to {request}: {source}")]
    Decode {
        /// Method and path of the request.
        request: String,
        /// What the parser met.
        source: serde_json::Error,
    },
    /// The server does not know of dry runs: what was only to be tried has happened.
    #[error("{request} was to be tried, and the server did it")]
    NotDry {
        /// Method and path of the request.
        request: String,
    },
    /// The request cannot be written as JSON; nothing was sent.
    #[error("cannot write the request: {0}")]
    Encode(#[source] serde_json::Error),
    /// The address of the server, a header or another setting is not valid; nothing was sent.
    #[error("cannot use {0}")]
    Invalid(&'static str),
    /// The text is not an `Idempotency-Key`; nothing was sent.
    #[error("an Idempotency-Key has 16 to 255 visible ASCII characters")]
    InvalidKey,
    /// The system gave no random bytes for a key; nothing was sent.
    #[error("no random bytes for an Idempotency-Key: {0}")]
    Random(getrandom::Error),
}

impl Error {
    /// Returns the refusal, also the one that left the outcome of a write open.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Api(problem) => Some(problem),
            Self::Unknown { last, .. } => last.problem(),
            _ => None,
        }
    }

    /// Returns the status of the refusal, 0 when there was none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.problem().map_or(0, |problem| problem.status)
    }
}

/// A refusal in the form of RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What programs compare: `out_of_stock`, `unknown_product` and so on.
    pub code: String,
    /// What the code means, for people.
    pub title: String,
    /// What was wrong with this request.
    pub detail: Option<String>,
    /// Where to look in the server's log.
    pub request_id: Option<String>,
    /// The fields at fault.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// Everything else: `type`, and what belongs to the code, such as `allowed` or `orderId`.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldError {
    /// Where: `lines[3].sku`.
    pub field: String,
    /// What programs compare.
    pub code: String,
    /// What people read.
    pub message: String,
}

impl Problem {
    /// Reads the body of a refusal; one that a proxy wrote becomes the code `http_502` and so on.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let problem = serde_json::from_slice(body).unwrap_or_else(|_| Self {
            status,
            code: format!("http_{status}"),
            title: "An answer that is not from the API".to_owned(),
            detail: None,
            request_id: None,
            errors: Vec::new(),
            more: Map::new(),
        });
        Self { status, ..problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        for error in &self.errors {
            write!(f, "; {}: {}", error.field, error.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Writes an error with its causes: reqwest's own text says only which URL failed.
struct Causes<'a>(&'a reqwest::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_code_field_and_request() {
        let body = br#"{"type":"/problems/unknown-product","status":422,"code":"unknown_product",
            "title":"No such product","requestId":"r-1","errors":
            [{"field":"lines[0].sku","code":"unknown_product","message":"`X` is not for sale"}]}"#;

        let problem = Problem::read(422, body);

        assert_eq!(problem.more["type"], "/problems/unknown-product");
        assert_eq!(
            problem.to_string(),
            "422 unknown_product: No such product; lines[0].sku: `X` is not for sale (request r-1)"
        );
    }

    #[test]
    fn a_page_of_a_proxy_is_a_problem_too() {
        let problem = Problem::read(502, b"<html>Bad Gateway</html>");

        assert_eq!((problem.status, problem.code.as_str()), (502, "http_502"));
    }
}
