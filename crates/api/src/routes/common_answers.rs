//! What the OpenAPI document says of every route: refusals that come from what all routes share.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Header, OpenApi, Ref, RefOr, Required, Response};

use crate::http::dry_run;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Adds them where a route does not name them itself.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let PathItem {
            get,
            post,
            put,
            patch,
            delete,
            ..
        } = item;
        if let Some(read) = get
            && (path.starts_with("/api/") || path.starts_with("/media/"))
        {
            add(read, &[500, 503]);
            if read.parameters.is_some() {
                add(read, &[400]);
            }
        }
        for write in [post, put, patch, delete].into_iter().flatten() {
            add(write, &[400, 401, 500, 502, 503]);
            if write.request_body.is_some() {
                add(write, &[413, 415, 422]);
            }
            // A session's answer is a secret, which is kept nowhere, so it cannot be repeated.
            if !path.starts_with("/api/sessions") {
                add(write, &[409, 422]);
                add_key(write);
            }
            if dry_run::is_possible(path) {
                add_dry_run(write);
            }
        }
        // Its time may run out in a standstill.
        if let Some(read) = get
            && read.responses.responses.contains_key("503")
        {
            add(read, &[502]);
        }
    }
}

fn add(operation: &mut Operation, statuses: &[u16]) {
    for status in statuses {
        operation
            .responses
            .responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(problem(*status)));
    }
}

fn problem(status: u16) -> Response {
    let mut response = Response::new(match status {
        400 => "A parameter, a header or the JSON itself is malformed",
        401 => "The token is not valid, or one is needed",
        409 => "The state does not allow it, or the first request with this key is still running",
        413 => "The body is larger than 256 KiB",
        415 => "The body is not JSON",
        422 => "A field is not valid, or the key belongs to another request",
        502 => "This replica stood still; another one knows better",
        503 => "Not now; see Retry-After",
        _ => "Something went wrong here",
    });
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response
        .content
        .insert("application/problem+json".into(), content.into());
    response
}

fn add_key(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let is_there = parameters
        .iter()
        .any(|parameter| matches!(parameter, RefOr::T(known) if known.name == IDEMPOTENCY_KEY));
    if is_there {
        return;
    }
    let key = ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("16 to 255 visible ASCII characters"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    parameters.push(key.into());
}

/// Writes that can be tried, and how their answers tell that they were.
fn add_dry_run(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name(dry_run::PARAMETER)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("Whether to answer as it would be, and keep nothing"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(parameter.into());
    let responses = operation.responses.responses.iter_mut();
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            let mut header = Header::new(ObjectBuilder::new().schema_type(Type::Boolean));
            header.description = Some("`true` where nothing was kept".to_owned());
            let name = dry_run::HEADER.to_string();
            response.headers.insert(name, RefOr::T(header));
        }
    }
}
