//! Sending a request and looking at every part of the answer.

use client::{Client, Request};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a step ends with: nothing, or what was wrong.
pub type Check<T = ()> = Result<T, String>;

/// What a field of an answer must look like.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Id,
    Count,
    Text,
    TextOrNull,
    Flag,
    Decimal,
    Time,
    Null,
    List,
    Object,
    Money,
}

use Kind::{Count, Decimal, Flag, Id, List, Null, Object, Text, TextOrNull, Time};

pub const PRODUCT: &[(&str, Kind)] = &[
    ("id", Id),
    ("name", Text),
    ("description", TextOrNull),
    ("sku", Text),
    ("price", Decimal),
    ("currency", Text),
    ("image", TextOrNull),
    ("variantCount", Count),
    ("createdAt", Time),
    ("updatedAt", Time),
];

pub const USER: &[(&str, Kind)] = &[
    ("id", Id),
    ("name", Text),
    ("email", Text),
    ("phoneNumber", TextOrNull),
    ("isAdmin", Flag),
];

/// An order that is not cancelled.
pub const ORDER: &[(&str, Kind)] = &[
    ("orderId", Id),
    ("userId", Id),
    ("productIds", List),
    ("payment", Text),
    ("shipping", Text),
    ("status", Text),
    ("paymentStatus", Text),
    ("source", Text),
    ("reference", Null),
    ("version", Count),
    ("lines", List),
    ("totals", Object),
    ("placedAt", Time),
    ("updatedAt", Time),
    ("cancelledAt", Null),
];

/// An answer, and which request it belongs to.
pub struct Seen {
    pub what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Sends a request; `what` says in an error message what was tried.
pub async fn send(client: &Client, what: &str, request: Request) -> Check<Seen> {
    let what = format!("{what} ({request})");
    let answer = client
        .send(request)
        .await
        .map_err(|error| format!("{what}: {error}"))?;
    // A welcome page, an empty body and the like are not JSON, and are not looked at.
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    Ok(Seen {
        what,
        status: answer.status,
        headers: answer.headers,
        body,
    })
}

/// Starts a request that has no body.
pub fn request(method: Method, path: impl Into<String>) -> Request {
    Request::new(method, path)
}

/// Starts a request with a JSON body.
pub fn with_body(method: Method, path: impl Into<String>, body: &Value) -> Check<Request> {
    Request::new(method, path)
        .json(body)
        .map_err(|error| error.to_string())
}

impl Seen {
    /// Checks the status.
    pub fn status(self, expected: u16) -> Check<Self> {
        self.must(
            self.status == expected,
            &format!("the status is not {expected}"),
        )?;
        Ok(self)
    }

    /// Checks one thing; the message has the whole answer.
    pub fn must(&self, holds: bool, otherwise: &str) -> Check {
        if holds {
            return Ok(());
        }
        Err(format!(
            "{}: {otherwise}; the answer is {} {}",
            self.what, self.status, self.body
        ))
    }

    /// Checks that a field has a value.
    pub fn field(&self, pointer: &str, expected: impl Into<Value>) -> Check {
        let (found, expected) = (self.body.pointer(pointer), expected.into());
        let wrong = format!("`{pointer}` is not {expected}");
        self.must(found == Some(&expected), &wrong)
    }

    /// Checks that an object in the answer has these fields, in these forms.
    pub fn fields(&self, object: &Value, fields: &[(&str, Kind)]) -> Check {
        for (name, kind) in fields {
            let found = object.get(name).is_some_and(|value| kind.fits(value));
            self.must(
                found,
                &format!("`{name}` is missing or no {kind:?} in {object}"),
            )?;
        }
        Ok(())
    }

    /// Returns a list in the answer.
    pub fn list(&self, name: &str) -> Check<&Vec<Value>> {
        let list = self.body.get(name).and_then(Value::as_array);
        list.ok_or_else(|| format!("{}: `{name}` is no list in {}", self.what, self.body))
    }

    /// Returns a number in the answer.
    pub fn number(&self, name: &str) -> Check<i64> {
        let number = self.body.get(name).and_then(Value::as_i64);
        number.ok_or_else(|| format!("{}: `{name}` is no number in {}", self.what, self.body))
    }

    /// Returns a header as text, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// Reads the answer, or a part of it, with the type the SDK has for it.
    pub fn read<T: DeserializeOwned>(&self, part: &Value) -> Check<T> {
        serde_json::from_value(part.clone())
            .map_err(|error| format!("{}: the SDK cannot read {part}: {error}", self.what))
    }

    /// Checks a refusal: its status, its code and the form of RFC 9457.
    pub fn refused(self, status: u16, code: &str) -> Check<Self> {
        let seen = self.status(status)?;
        seen.field("/code", code)?;
        seen.field("/status", status)?;
        let form = [("type", Text), ("title", Text), ("requestId", Text)];
        seen.fields(&seen.body, &form)?;
        let media = seen.header("content-type");
        seen.must(
            media.starts_with("application/problem+json"),
            "it is no problem+json",
        )?;
        let same = seen.body["requestId"] == seen.header("x-request-id");
        seen.must(same, "`requestId` is not the `X-Request-Id`")?;
        for error in seen
            .body
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            seen.fields(error, &[("field", Text), ("code", Text), ("message", Text)])?;
        }
        Ok(seen)
    }

    /// Checks that a refusal names a field at fault.
    pub fn at(self, field: &str) -> Check<Self> {
        let named = self
            .list("errors")?
            .iter()
            .any(|error| error["field"] == field);
        self.must(named, &format!("no error names the field `{field}`"))?;
        Ok(self)
    }

    /// Checks that a refusal mentions each of some words.
    pub fn mentions(self, words: &[&str]) -> Check<Self> {
        let text = self.body.to_string();
        for word in words {
            self.must(text.contains(word), &format!("`{word}` is not mentioned"))?;
        }
        Ok(self)
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        let is_time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).is_ok();
        let is_decimal =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match self {
            Id => value.as_i64().is_some_and(|id| id >= 1),
            Count => value.as_i64().is_some_and(|count| count >= 0),
            Text => value.is_string(),
            TextOrNull => value.is_string() || value.is_null(),
            Flag => value.is_boolean(),
            Decimal => value.as_str().is_some_and(is_decimal),
            Time => value.as_str().is_some_and(is_time),
            Null => value.is_null(),
            List => value.is_array(),
            Object => value.is_object(),
            Self::Money => value["amount"].is_i64() && value["currency"].is_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_are_told_apart() {
        assert!(Kind::Money.fits(&json!({"amount": 99999, "currency": "USD"})));
        assert!(!Kind::Money.fits(&json!({"amount": 999.99, "currency": "USD"})));
        assert!(Decimal.fits(&json!("999.99")) && !Decimal.fits(&json!(999.99)));
        assert!(Time.fits(&json!("2026-03-01T12:00:00Z")) && !Time.fits(&json!("yesterday")));
        assert!(Id.fits(&json!(1)) && !Id.fits(&json!("1")) && !Id.fits(&json!(0)));
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        let seen = Seen {
            what: "a user".to_owned(),
            status: 200,
            headers: HeaderMap::new(),
            body: json!({"id": 1, "name": "Ann", "email": "a@b.example", "isAdmin": false}),
        };

        let error = seen.fields(&seen.body, USER).unwrap_err();

        assert!(
            error.starts_with("a user: `phoneNumber` is missing"),
            "{error}"
        );
    }
}
