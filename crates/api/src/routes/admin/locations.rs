//! Places where stock is kept.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post};
use catalog::locations::{self, LocationError};
use diesel::PgConnection;
use domain::{LocationId, PageSize};
use serde::Deserialize;
use utoipa::IntoParams;

use super::location_bodies::{
    LocationBody, LocationChangesBody, LocationPageBody, NewLocationBody,
};
use crate::http::{
    Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, params, precondition,
};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PartQuery {
    /// How many on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl PartQuery {
    /// The page size, and the id behind which the page begins.
    pub(super) fn part(&self, start: i64) -> Result<(PageSize, i64), Problem> {
        let size = params::page_size(self.limit.as_deref())?;
        let after = params::position(self.cursor.as_deref())?.unwrap_or(start);
        Ok((size, after))
    }
}

/// Lists locations, oldest first. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(PartQuery),
    responses(
        (status = 200, body = LocationPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/locations")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<PartQuery>,
) -> Result<Answer, Problem> {
    let (size, after) = query.0.part(0)?;
    let read = move |conn: &mut PgConnection| {
        let rows = locations::list(conn, after, size)?;
        Ok(Answer::ok(&LocationPageBody::new(rows, size)))
    };
    state.db.run(read).await
}

/// Makes a location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    request_body = NewLocationBody,
    responses(
        (status = 201, body = LocationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/locations")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewLocationBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let new = body.value.checked()?;
    idempotency::once(&state.db, request_key, move |conn| {
        let id = locations::create(conn, new, Some(actor)).map_err(refuse)?;
        let location = locations::find(conn, id)?.ok_or_else(not_found)?;
        let (version, path) = (location.version, format!("/api/admin/locations/{id}"));
        Ok(Answer::created(path, &LocationBody::from(location)).with_version(version))
    })
    .await
}

/// Reads a location; the ETag counts its changes. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = LocationBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/locations/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = location_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes a location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = LocationChangesBody,
    responses(
        (status = 200, body = LocationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/locations/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<LocationChangesBody>,
) -> Result<Answer, Problem> {
    let id = location_id(&id)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let changes = body.value.checked()?;
    idempotency::once(&state.db, request_key, move |conn| {
        locations::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await
}

/// Deletes a location at which nothing ever was. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/locations/{id}")]
pub async fn delete(
    state: Data<State>,
    change: Change,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = location_id(&id)?;
    let (actor, expected, request_key) = change.bind(&[]);
    idempotency::once(&state.db, request_key, move |conn| {
        locations::delete(conn, id, expected, Some(actor)).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await
}

fn read(conn: &mut PgConnection, id: LocationId) -> Result<Answer, Problem> {
    let location = locations::find(conn, id)?.ok_or_else(not_found)?;
    let version = location.version;
    Ok(Answer::ok(&LocationBody::from(location)).with_version(version))
}

fn location_id(text: &str) -> Result<LocationId, Problem> {
    params::path_id(text, "location_not_found", "There is no such location")
}

fn not_found() -> Problem {
    Problem::not_found("location_not_found", "There is no such location")
}

/// What is wrong, with the name of the field.
fn refuse(error: LocationError) -> Problem {
    match error {
        LocationError::NotFound => not_found(),
        LocationError::Stale(_) => precondition::stale(),
        LocationError::CodeTaken => Problem::conflict(
            "location_code_taken",
            "Another location has this code",
        )
        .field("code", "taken", "choose a code that no location has"),
        LocationError::TooMany => {
            Problem::conflict("too_many_locations", "The shop has too many locations")
                .detail(error.to_string())
        }
        LocationError::Main => Problem::conflict("main_location", "The main location stays")
            .detail("what is written without a location is written there; give others a lower priority to take from them first"),
        LocationError::InUse => Problem::conflict("location_in_use", "Stock is or was there")
            .detail("deactivate it instead: its movements explain what became of its stock"),
        LocationError::Db(error) => error.into(),
    }
}
