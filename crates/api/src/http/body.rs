//! JSON bodies, refused with the name of the field at fault.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::Problem;

/// A JSON body, and the bytes it came in (an idempotency key is bound to them).
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_media_type",
                    "The body must be JSON",
                )
                .detail("send `Content-Type: application/json`"));
            }
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            Ok(Self {
                value: parse(&bytes)?,
                bytes,
            })
        })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "The body is too large",
        ),
        _ => Problem::bad_request("unreadable_body", "The body could not be read"),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would also take an array, as the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::bad_request(
            "malformed_json",
            "The body must be a JSON object",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, error.inner())
    })?;
    json.end().map_err(|error| refusal("", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let message = without_position(&error.to_string());
    match error.classify() {
        Category::Data => Problem::invalid(field_name(path, &message), "invalid", message),
        _ => Problem::bad_request("malformed_json", "The body is not JSON").detail(format!(
            "{message} at line {} column {}",
            error.line(),
            error.column()
        )),
    }
}

/// serde says where in the text; clients want to know where in the object.
fn without_position(message: &str) -> String {
    message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .to_owned()
}

/// The path serde was at, and for a missing or unknown field the field itself.
fn field_name(path: &str, message: &str) -> String {
    let parent = if path == "." || path == "?" { "" } else { path };
    let named = ["missing field `", "duplicate field `", "unknown field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix)?.split('`').next());
    match named {
        Some(name) if parent.is_empty() => name.to_owned(),
        Some(name) if parent.ends_with(name) => parent.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None => parent.to_owned(),
    }
}

/// Tells `null` from a field that is not there.
///
/// # Errors
///
/// Those of the value.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only parsed")]
        lines: Vec<Line>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "only parsed")]
        quantity: u32,
    }

    fn refused(json: &str) -> serde_json::Value {
        parse::<Order>(json.as_bytes()).unwrap_err().to_json()
    }

    #[test]
    fn a_refusal_names_the_field() {
        let cases = [
            (
                r#"{"lines":[{"quantity":1},{"quantity":-1}]}"#,
                "lines[1].quantity",
            ),
            (r#"{"lines":[{"quantity":1,"price":2}]}"#, "lines[0].price"),
            (r#"{"lines":[{}]}"#, "lines[0].quantity"),
            (r#"{}"#, "lines"),
            (r#"{"lines":[],"isAdmin":true}"#, "isAdmin"),
            (r#"{"lines":[],"lines":[]}"#, "lines"),
        ];
        for (json, field) in cases {
            let problem = refused(json);
            assert_eq!(problem["errors"][0]["field"], field, "{json}");
            assert_eq!(problem["status"], 422);
        }
    }

    #[test]
    fn malformed_json_is_a_400() {
        for json in [
            "",
            "{",
            "{\"lines\":[]} x",
            "[[[",
            "[[1]]",
            &"[".repeat(100_000),
        ] {
            let problem = refused(json);
            assert_eq!(problem["status"], 400, "{problem}");
        }
    }
}
