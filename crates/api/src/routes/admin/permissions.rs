//! What staff may do, as administrators set it.

use accounts::permissions::{self, Granted, Permissions, PermissionsError};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, put};
use domain::{Permission, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Admin, Answer, Body, Caller, Key, Problem, idempotency, precondition};
use crate::routes::money::ProblemBody;
use crate::routes::users::not_found;
use crate::state::State;

/// What a member of staff may do.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StaffPermissions)]
pub struct StaffPermissionsBody {
    /// A part of the shop and `read` or `write`, which includes reading; null for all that staff may do.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<Vec<String>>, required = true, example = json!(["catalog:write", "stock:read"]))]
    permissions: Option<Vec<Permission>>,
}

/// Reads what a member of staff may do; the ETag counts the changes. Administrators only.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = StaffPermissionsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/users/{id}/permissions")]
pub async fn get(state: Data<State>, _admin: Admin, id: Path<String>) -> Result<Answer, Problem> {
    let id: UserId = id.parse().map_err(|_| not_found())?;
    let find = move |conn: &mut diesel::PgConnection| permissions::find(conn, id).map_err(refuse);
    state.db.run(find).await.map(answer)
}

/// Has a member of staff be allowed this and nothing else, from its next request on. Administrators only.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = StaffPermissionsBody,
    responses(
        (status = 200, body = StaffPermissionsBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/users/{id}/permissions")]
pub async fn put(
    state: Data<State>,
    admin: Admin,
    key: Key,
    id: Path<String>,
    request: HttpRequest,
    body: Body<StaffPermissionsBody>,
) -> Result<Answer, Problem> {
    let id: UserId = id.parse().map_err(|_| not_found())?;
    let actor = admin.0.id;
    let request_key = key.bind(&Caller::User(admin.0), &body.bytes);
    let expected = precondition::expected_version(&request)?;
    let granted = body.value.permissions;
    let permissions = granted.map_or(Permissions::All, Permissions::only);
    idempotency::once(&state.db, request_key, move |conn| {
        permissions::set(conn, id, permissions, expected, Some(actor))
            .map(answer)
            .map_err(refuse)
    })
    .await
}

fn answer(granted: Granted) -> Answer {
    let permissions = match granted.permissions {
        Permissions::All => None,
        Permissions::Only(permissions) => Some(permissions),
    };
    Answer::ok(&StaffPermissionsBody { permissions }).with_version(granted.version)
}

fn refuse(error: PermissionsError) -> Problem {
    match error {
        PermissionsError::NotFound => not_found(),
        PermissionsError::NotStaff => Problem::conflict("not_staff", "This user is not staff")
            .detail("customers have no permissions, and administrators have all of them"),
        PermissionsError::Stale(_) => precondition::stale(),
        PermissionsError::Db(error) => error.into(),
    }
}
