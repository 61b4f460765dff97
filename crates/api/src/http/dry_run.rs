//! `?dryRun=true`: staff asks what a write would do, and nothing of it is kept.
//!
//! The request goes all its way, so it meets every check, lock and constraint, and
//! [`Db::run`](db::Db::run) rolls back what it did. That undoes what is in Postgres and nothing
//! else, so a route has to be listed here; all others refuse the parameter.

use actix_web::ResponseError as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ETAG, HeaderName, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::Query;

use super::permissions::is_below;
use super::{Problem, params};

/// The query parameter.
pub const PARAMETER: &str = "dryRun";
/// Tells a client that nothing of what it asked for was kept.
pub const HEADER: HeaderName = HeaderName::from_static("dry-run");

/// Routes by how they begin whose writes reach only the cache and Postgres, and that without another task.
///
/// Not among them: files and pictures, which are stored before the transaction that counts; orders, which wait in a
/// queue and ask providers; registering and logging in.
const ROUTES: &[&str] = &[
    "/api/admin/products",
    "/api/admin/categories",
    "/api/admin/collections",
    "/api/admin/custom-fields",
    "/api/admin/options",
    "/api/admin/prices",
    "/api/admin/price-lists",
    "/api/admin/stock",
    "/api/admin/locations",
    "/api/admin/media/{id}",
    "/api/admin/imports/{id}",
    "/api/admin/exports",
    "/api/admin/search",
    "/api/admin/users",
    "/api/products",
    "/api/jobs",
    "/api/schedules",
];

/// Whether the writes of a route, as it is written in the OpenAPI document, can be dry.
#[must_use]
pub fn is_possible(route: &str) -> bool {
    ROUTES.iter().any(|head| is_below(route, head))
}

/// Wraps all routes: what is asked to be dry is, or is refused.
///
/// # Errors
///
/// Those of the routes.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    match is_dry(&request) {
        Ok(false) => Ok(next.call(request).await?.map_into_left_body()),
        Ok(true) => {
            let mut answer = db::request::dry(async { next.call(request).await }).await?;
            let headers = answer.headers_mut();
            headers.insert(HEADER, HeaderValue::from_static("true"));
            // There is nothing at that address, and what gets that version may be somebody else's change.
            headers.remove(LOCATION);
            headers.remove(ETAG);
            Ok(answer.map_into_left_body())
        }
        Err(problem) => Ok(request
            .into_response(problem.error_response())
            .map_into_right_body()),
    }
}

fn is_dry(request: &ServiceRequest) -> Result<bool, Problem> {
    if request.query_string().is_empty() || request.method().is_safe() {
        return Ok(false);
    }
    let Some(is_dry) = asked(request.query_string())? else {
        return Ok(false);
    };
    // What is no route at all says so better itself.
    match request.match_pattern() {
        Some(route) if !is_possible(&route) => Err(unsupported()),
        _ => Ok(is_dry),
    }
}

/// What the parameter says, where it is there. One that is nearly right is not taken for none: the write would be kept.
fn asked(query: &str) -> Result<Option<bool>, Problem> {
    let given = Query::<Vec<(String, String)>>::from_query(query);
    let given = given.map_err(|error| params::invalid(PARAMETER, &error.to_string()))?;
    let mut meant = given.iter().filter(|(name, _)| {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().eq_ignore_ascii_case(PARAMETER)
    });
    match (meant.next(), meant.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(params::invalid(PARAMETER, "must be there once")),
        (Some((name, _)), None) if name != PARAMETER => {
            Err(params::invalid(PARAMETER, "is written like this"))
        }
        (Some((_, value)), None) => match value.as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(params::invalid(PARAMETER, "must be true or false")),
        },
    }
}

/// 400: to do it and take it back is not possible here.
fn unsupported() -> Problem {
    Problem::bad_request("dry_run_unsupported", "This request cannot be tried")
        .detail("what it does cannot all be taken back; nothing was done")
        .field(PARAMETER, "unsupported", "must be left out here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> Result<Option<bool>, String> {
        asked(query).map_err(|problem| {
            assert_eq!(problem.errors()[0].field, "dryRun", "{query}");
            problem.errors()[0].message.clone()
        })
    }

    #[test]
    fn the_parameter_is_true_or_false_and_nothing_nearly_so() {
        assert_eq!(code(""), Ok(None));
        assert_eq!(code("currency=EUR&dry=true"), Ok(None));
        assert_eq!(code("dryRun=true"), Ok(Some(true)));
        assert_eq!(code("dry%52un=%74rue&a=b"), Ok(Some(true)));
        assert_eq!(code("a=b&dryRun=false"), Ok(Some(false)));
        for query in [
            "dryRun",
            "dryRun=",
            "dryRun=1",
            "dryRun=TRUE",
            "dryRun=true%20",
            "dryRun=true&dryRun=true",
            "dryRun=false&dryrun=true",
            "dryrun=true",
            "dry_run=true",
            "Dry-Run=true",
            "dryRun[]=true",
            "+dryRun=true",
        ] {
            assert!(code(query).is_err(), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_taken_back_is_not_listed() {
        for route in [
            "/api/admin/media",
            "/api/admin/imports",
            "/api/orders",
            "/api/orders/{id}",
            "/api/users",
            "/api/sessions",
            "/api/sessions/current",
            "/api/prices/lookup",
        ] {
            assert!(!is_possible(route), "{route}");
        }
        assert!(is_possible("/api/admin/media/{id}"));
        assert!(is_possible(
            "/api/admin/products/{id}/variants/{variantId}/stock"
        ));
    }
}
