//! The products of a collection, as staff places them.

use actix_web::web::{Data, Path};
use actix_web::{get, put};
use catalog::collections::{assigning, find};
use diesel::PgConnection;

use super::categories::write;
use super::category_products::{AssignedPageBody, OutcomeBody, ProductAssignmentsBody};
use super::collections::refuse;
use crate::http::{Answer, Body, Change, Params, Problem, Staff};
use crate::routes::category_products::PageQuery;
use crate::routes::collections::{collection_id, not_found};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Lists the products that somebody has put into a collection by their places, whatever its order and whether they are
/// on sale or not; the ETag is the collection's. With rules there are none. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(("id" = i64, Path), PageQuery),
    responses(
        (status = 200, body = AssignedPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/collections/{id}/products")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
    query: Params<PageQuery>,
) -> Result<Answer, Problem> {
    let id = collection_id(&id)?;
    let (size, after) = query.0.part()?;
    let read = move |conn: &mut PgConnection| {
        let collection = find(conn, id)?.ok_or_else(not_found)?;
        let rows = assigning::list(conn, id, after, size)?;
        Ok(Answer::ok(&AssignedPageBody::new(rows, size)).with_version(collection.version))
    };
    state.db.run(read).await
}

/// Puts products into a collection without rules, moves them there and takes them out, 1,000 at a time. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = ProductAssignmentsBody,
    responses(
        (status = 200, body = OutcomeBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/collections/{id}/products")]
pub async fn assign(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<ProductAssignmentsBody>,
) -> Result<Answer, Problem> {
    let id = collection_id(&id)?;
    let (add, remove) = body.value.checked()?;
    write(&state, change, &body.bytes, move |conn, expected, actor| {
        let outcome = assigning::assign(conn, id, &add, &remove, expected, Some(actor));
        let outcome = outcome.map_err(refuse)?;
        let collection = find(conn, id)?.ok_or_else(Problem::internal)?;
        let body = OutcomeBody {
            placed: outcome.placed.len(),
            removed: outcome.removed.len(),
        };
        Ok(Answer::ok(&body).with_version(collection.version))
    })
    .await
}
