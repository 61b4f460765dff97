//! Where only staff may do anything, nobody else hears what is wrong with a request.
//!
//! A handler's arguments are read at the same time, so a body that is malformed was refused before it was known who had sent it.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, ResponseError as _};

use super::Staff;
use super::permissions::is_below;
use crate::routes::docs;

/// Where every request is of staff, by how its path begins.
const OF_STAFF: &[&str] = &["/api/admin", "/api/events", "/api/jobs", "/api/schedules"];
/// Where everybody reads and staff writes.
const WRITTEN_BY_STAFF: &[&str] = &["/api/products"];
/// Where everybody writes and staff reads.
const READ_BY_STAFF: &[&str] = &["/api/users"];

/// Wraps all routes: who is not staff, or lacks the permission, is refused before anything else is looked at. The
/// [`Staff`] of a handler is the one that was found here.
///
/// # Errors
///
/// Those of the routes.
pub async fn guard<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if is_of_staff(request.method(), request.path()) && is_route(&request) {
        match request.extract::<Staff>().await {
            Ok(staff) => {
                request.extensions_mut().insert(staff);
            }
            Err(problem) => {
                let refusal = request.into_response(problem.error_response());
                return Ok(refusal.map_into_right_body());
            }
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// What is none says so better itself: 404, or 405 with the methods that there are.
fn is_route(request: &ServiceRequest) -> bool {
    let Some(pattern) = request.match_pattern() else {
        return false;
    };
    let method = request.method().as_str();
    docs::allowed(Some(&pattern))
        .split(", ")
        .any(|allowed| allowed == method)
}

fn is_of_staff(method: &Method, path: &str) -> bool {
    let is_among = |heads: &[&str]| heads.iter().any(|head| is_below(path, head));
    let is_read = method.is_safe();
    is_among(OF_STAFF)
        || (!is_read && is_among(WRITTEN_BY_STAFF))
        || (is_read && READ_BY_STAFF.contains(&path))
}
