//! Around every request: its id, its log line, its metrics, and a net for panics.

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::ResponseError as _;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use db::request::Current;
use futures_util::FutureExt as _;
use futures_util::future::{Either, LocalBoxFuture};
use tokio::time::timeout;

use super::{Problem, finished};
use crate::{metrics, pulse};

/// The header that carries a request's id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that this task or thread answers; empty outside of one.
#[must_use]
pub fn current_request_id() -> String {
    db::request::current().map_or_else(String::new, |request| request.id.as_ref().to_owned())
}

type Observed<B> = Result<ServiceResponse<EitherBody<BoxBody, B>>, actix_web::Error>;

/// Wraps all routes. What was answered before and is still true is answered at once.
///
/// # Errors
///
/// Those of the routes; a panic becomes a 500.
pub fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Either<Ready<Observed<B>>, LocalBoxFuture<'static, Observed<B>>> {
    let started = Instant::now();
    let id = request_id(&request);
    let Some((mut response, route)) = finished::find(&request, started) else {
        return Either::Right(Box::pin(handle(request, next, id, started)));
    };
    response.headers_mut().insert(X_REQUEST_ID, id.0.clone());
    let status = response.status().as_u16();
    tell(&id, "GET", &route, status, started.elapsed());
    Either::Left(ready(Ok(request
        .into_response(response)
        .map_into_left_body())))
}

async fn handle<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    id: RequestId,
    started: Instant,
) -> Observed<B> {
    let method = request.method().clone();
    if method == Method::HEAD {
        // HEAD is GET without the body (RFC 9110, 9.3.2), which the encoder leaves out.
        request.head_mut().method = Method::GET;
    }
    let handled = timeout(
        deadline(&request),
        AssertUnwindSafe(next.call(request)).catch_unwind(),
    );
    let current = Current {
        id: id.as_str().into(),
        began: started,
    };
    let mut answer = match db::request::scope(current, handled).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            log::error!(request_id = id.as_str(); "a handler panicked");
            Err(Problem::internal().in_request(id.as_str().into()).into())
        }
        // What runs in the database goes on and commits or not; the same key finds out which.
        Err(_) => Err(
            Problem::unavailable("deadline_exceeded", "This took too long")
                .in_request(id.as_str().into())
                .into(),
        ),
    };
    let (route, mut status) = match &answer {
        Ok(response) => (response.request().match_pattern(), response.status()),
        Err(error) => (None, error.as_response_error().status_code()),
    };
    if status == StatusCode::SERVICE_UNAVAILABLE && pulse::stood_still_since(started) {
        // Its time ran out, not the shop's, and the next replica has had all of its own.
        let problem = Problem::stood_still().in_request(id.as_str().into());
        status = problem.status_code();
        answer = Err(problem.into());
    }
    if let Ok(response) = &mut answer {
        response.headers_mut().insert(X_REQUEST_ID, id.0.clone());
    }
    let route = route.unwrap_or_else(|| "unmatched".into());
    tell(
        &id,
        known(&method),
        &route,
        status.as_u16(),
        started.elapsed(),
    );
    answer.map(ServiceResponse::map_into_right_body)
}

/// A file of a gigabyte takes longer to be kept than anything else does; nginx waits as long for this route.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(290);
/// A picture waits for those before it; so does nginx.
const PICTURE_DEADLINE: Duration = Duration::from_secs(110);

fn deadline(request: &ServiceRequest) -> Duration {
    match (request.method(), request.path()) {
        (&Method::POST, "/api/admin/imports") => UPLOAD_DEADLINE,
        (&Method::POST, "/api/admin/media") => PICTURE_DEADLINE,
        _ => DEADLINE,
    }
}

/// How long a request may take: less than the proxy in front waits (3 s), so that the answer is
/// ours and the replica does not count as gone.
const DEADLINE: Duration = Duration::from_millis(2_700);

fn tell(id: &RequestId, method: &'static str, route: &str, status: u16, took: Duration) {
    log::info!(
        request_id = id.as_str(), method, route, status, duration_us = took.as_micros(); "request"
    );
    metrics::request_answered(method, route, status, took);
}

/// The method's name; one of those that anybody may invent would make a metric of its own.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// The id of a request, as the header that carries it.
struct RequestId(HeaderValue);

impl RequestId {
    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Keeps a well-formed id of the caller (or of the proxy in front), else makes one.
fn request_id(request: &ServiceRequest) -> RequestId {
    let given = request.headers().get(X_REQUEST_ID);
    let given = given.filter(|given| is_well_formed(given.as_bytes()));
    RequestId(given.cloned().unwrap_or_else(|| {
        let made = uuid::Uuid::now_v7().to_string();
        HeaderValue::try_from(made).unwrap_or_else(|_| HeaderValue::from_static(""))
    }))
}

fn is_well_formed(id: &[u8]) -> bool {
    (16..=64).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}
