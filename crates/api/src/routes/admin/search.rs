//! The search index, as staff has it built anew.

use actix_web::post;
use actix_web::web::Data;

use crate::http::{Answer, Key, Problem, Staff, idempotency};
use crate::routes::jobs::{JobBody, bind};
use crate::routes::money::ProblemBody;
use crate::state::State;
use crate::worker::kinds::rebuilding;

/// Enqueues the job that builds the search index anew while the one there is is read, and answers with it, or with the
/// unfinished one there is. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    responses(
        (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/search/rebuild")]
pub async fn rebuild(state: Data<State>, staff: Staff, key: Key) -> Result<Answer, Problem> {
    idempotency::once(&state.db, bind(key, staff), move |conn| {
        let job = rebuilding::enqueue(conn)?;
        Ok(Answer::ok(&JobBody::from(job)))
    })
    .await
}
