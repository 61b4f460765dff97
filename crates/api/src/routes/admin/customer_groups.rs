//! The groups a customer is of, as staff sets them.

use accounts::groups::{self, Groups, GroupsError, MAX_GROUPS};
use actix_web::web::{Data, Path};
use actix_web::{get, put};
use domain::{Slug, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Answer, Body, Change, Problem, Staff, idempotency, precondition};
use crate::routes::money::ProblemBody;
use crate::routes::users::not_found;
use crate::state::State;

/// The groups a customer is of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CustomerGroups)]
pub struct CustomerGroupsBody {
    /// Names of a-z, 0-9 and single hyphens, which price lists ask for.
    #[schema(value_type = Vec<String>, example = json!(["wholesale"]), max_items = 100)]
    pub customer_groups: Vec<Slug>,
}

/// Reads the groups of a customer; the ETag counts the changes. Staff only.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CustomerGroupsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/users/{id}/customer-groups")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id: UserId = id.parse().map_err(|_| not_found())?;
    let find = move |conn: &mut diesel::PgConnection| groups::find(conn, id).map_err(Problem::from);
    let found = state.db.run(find).await?;
    found.map(answer).ok_or_else(not_found)
}

/// Makes a customer one of these groups and of no others. Staff only.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = CustomerGroupsBody,
    responses(
        (status = 200, body = CustomerGroupsBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/users/{id}/customer-groups")]
pub async fn put(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<CustomerGroupsBody>,
) -> Result<Answer, Problem> {
    let id: UserId = id.parse().map_err(|_| not_found())?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let names = body.value.customer_groups;
    if names.len() > MAX_GROUPS {
        let rule = format!("must have at most {MAX_GROUPS} groups");
        return Err(Problem::invalid("customerGroups", "length", rule));
    }
    idempotency::once(&state.db, request_key, move |conn| {
        groups::set(conn, id, names, expected, Some(actor))
            .map(answer)
            .map_err(refuse)
    })
    .await
}

fn answer(groups: Groups) -> Answer {
    let body = CustomerGroupsBody {
        customer_groups: groups.names,
    };
    Answer::ok(&body).with_version(groups.version)
}

fn refuse(error: GroupsError) -> Problem {
    match error {
        GroupsError::NotFound => not_found(),
        GroupsError::Stale(_) => precondition::stale(),
        GroupsError::Db(error) => error.into(),
    }
}
