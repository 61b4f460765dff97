//! Definitions of custom fields, as staff writes and reads them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post};
use catalog::custom_fields::defining::{self, DefineError};
use catalog::custom_fields::{self, CustomField};
use db::jobs;
use diesel::PgConnection;
use domain::{CustomFieldId, CustomResource, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use super::custom_field_bodies::{
    CustomFieldBody, CustomFieldChangesBody, CustomFieldPageBody, NewCustomFieldBody,
};
use crate::http::{
    Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, params, precondition,
};
use crate::routes::attributes;
use crate::routes::jobs::JobBody;
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Which definitions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomFieldQuery {
    /// `product`, `variant` or `category`; all where it is left out.
    resource: Option<String>,
    /// Definitions on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists definitions of custom fields, oldest first. Staff only.
#[utoipa::path(
    tag = "customFields",
    security(("token" = [])),
    params(CustomFieldQuery),
    responses(
        (status = 200, body = CustomFieldPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/custom-fields")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<CustomFieldQuery>,
) -> Result<Answer, Problem> {
    let size = params::page_size(query.0.limit.as_deref())?;
    let after = params::position(query.0.cursor.as_deref())?.unwrap_or(0);
    let resource = params::parse::<CustomResource>("resource", query.0.resource.as_deref())?;
    let read = move |conn: &mut PgConnection| {
        custom_fields::list(conn, resource, after, size).map_err(Problem::from)
    };
    let rows = state.db.run(read).await?;
    let page = Page::from_overfetched(rows, size, |field: &CustomField| field.id.get());
    Ok(Answer::ok(&CustomFieldPageBody {
        limit: size.get(),
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        custom_fields: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// Defines a custom field; values may be written at once. Staff only.
#[utoipa::path(
    tag = "customFields",
    security(("token" = [])),
    request_body = NewCustomFieldBody,
    responses(
        (status = 201, body = CustomFieldBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/custom-fields")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewCustomFieldBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let new = body.value.checked()?;
    idempotency::once(&state.db, request_key, move |conn| {
        let id = defining::create(conn, new, Some(actor)).map_err(refuse)?;
        let made = custom_fields::find(conn, id)?.ok_or_else(Problem::internal)?;
        let (version, address) = (made.version, format!("/api/admin/custom-fields/{id}"));
        Ok(Answer::created(address, &CustomFieldBody::from(made)).with_version(version))
    })
    .await
}

/// Reads the definition of a custom field. Staff only.
#[utoipa::path(
    tag = "customFields",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CustomFieldBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/custom-fields/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = field_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes the definition of a custom field, unless values are in the way. Staff only.
#[utoipa::path(
    tag = "customFields",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = CustomFieldChangesBody,
    responses(
        (status = 200, body = CustomFieldBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/custom-fields/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<CustomFieldChangesBody>,
) -> Result<Answer, Problem> {
    let id = field_id(&id)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let changes = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        defining::update(conn, id, &changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await?;
    forget(&state).await;
    Ok(answer)
}

/// Removes a custom field, and answers with the job that takes its values away. Staff only.
#[utoipa::path(
    tag = "customFields",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 200, body = JobBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/custom-fields/{id}")]
pub async fn remove(
    state: Data<State>,
    change: Change,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = field_id(&id)?;
    let (actor, expected, request_key) = change.bind(&[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let job = defining::remove(conn, id, expected, Some(actor)).map_err(refuse)?;
        let job = job.map(|job| jobs::find(conn, job)).transpose()?.flatten();
        Ok(Answer::ok(&JobBody::from(
            job.ok_or_else(Problem::internal)?,
        )))
    })
    .await?;
    forget(&state).await;
    Ok(answer)
}

/// What customers are not to see any more is gone at once, from answers that were kept as well.
async fn forget(state: &State) {
    state.cache.many_products_changed().await;
}

fn read(conn: &mut PgConnection, id: CustomFieldId) -> Result<Answer, Problem> {
    let found = custom_fields::find(conn, id)?.ok_or_else(unknown)?;
    let version = found.version;
    Ok(Answer::ok(&CustomFieldBody::from(found)).with_version(version))
}

fn field_id(text: &str) -> Result<CustomFieldId, Problem> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> Problem {
    Problem::not_found("custom_field_not_found", "There is no such custom field")
}

fn refuse(error: DefineError) -> Problem {
    let detail = error.to_string();
    match error {
        DefineError::NotFound => unknown(),
        DefineError::Stale(_) => precondition::stale(),
        DefineError::KeyTaken => Problem::conflict(
            "key_taken",
            "The resource has a custom field of this key",
        )
        .field(
            "key",
            "taken",
            "choose a key that no custom field of the resource has, nor one that is being removed",
        ),
        DefineError::TooMany => Problem::conflict(
            "too_many_custom_fields",
            "The resource has too many custom fields",
        )
        .detail(detail),
        DefineError::Conflicts(count) => Problem::conflict(
            "values_conflict",
            "Values are not what the definition would say",
        )
        .detail(format!(
            "{count} values are in the way: change or unset them first"
        ))
        .with("conflicts", count),
        DefineError::Lacking(count) => Problem::conflict(
            "values_missing",
            "A value would be required where there is none",
        )
        .detail(format!(
            "{count} have no value: set them first, and require it then"
        ))
        .with("conflicts", count),
        DefineError::Fault(fault) => attributes::refuse(fault),
        DefineError::Db(error) => error.into(),
    }
}
