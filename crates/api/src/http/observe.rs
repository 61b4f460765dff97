//! Around every request: its id, its log line, its metrics, and a net for panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use futures_util::FutureExt as _;

use super::Problem;

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The header that carries a request's id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that this task answers; empty outside of one.
#[must_use]
pub fn current_request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// Wraps all routes.
///
/// # Errors
///
/// Those of the routes; a panic becomes a 500.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    if method == Method::HEAD {
        // HEAD is GET without the body (RFC 9110, 9.3.2), which the encoder leaves out.
        request.head_mut().method = Method::GET;
    }
    let answer = REQUEST_ID.scope(id.clone(), async {
        match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => {
                log::error!(request_id = id.as_str(); "a handler panicked");
                Err(Problem::internal().into())
            }
        }
    });
    let mut response = answer.await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "unmatched".into());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    log::info!(
        request_id = id.as_str(), method:% = method, route = route.as_str(), status,
        duration_us = elapsed.as_micros(); "request"
    );
    let labels = [
        ("method", method.to_string()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => labels[1].1.clone())
        .record(elapsed.as_secs_f64());
    Ok(response)
}

/// Keeps a well-formed id of the caller (or of the proxy in front), else makes one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request
        .headers()
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_well_formed(id) => id.to_owned(),
        _ => uuid::Uuid::now_v7().to_string(),
    }
}

fn is_well_formed(id: &str) -> bool {
    (16..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
