//! Collections, as staff writes them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post};
use catalog::collections::{self, CollectionError, editing};
use diesel::PgConnection;
use domain::CollectionId;

use super::categories::write;
use super::collection_bodies::{CollectionChangesBody, NewCollectionBody};
use crate::http::{
    Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, precondition,
};
use crate::routes::collection_bodies::{CollectionBody, CollectionPageBody};
use crate::routes::collections::{CollectionQuery, collection_id, not_found};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Lists collections with their rules, oldest first. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(CollectionQuery),
    responses(
        (status = 200, body = CollectionPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/collections")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<CollectionQuery>,
) -> Result<Answer, Problem> {
    let (size, after) = query.0.part()?;
    let read = move |conn: &mut PgConnection| collections::list(conn, after, size);
    let rows = state
        .db
        .run(move |conn| read(conn).map_err(Problem::from))
        .await?;
    Ok(Answer::ok(&CollectionPageBody::new(rows, size, true)))
}

/// Makes a collection. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    request_body = NewCollectionBody,
    responses(
        (status = 201, body = CollectionBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/collections")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewCollectionBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let new = body.value.checked(state.config.shop.currency)?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let id = editing::create(conn, new, Some(actor)).map_err(refuse)?;
        let made = collections::find(conn, id)?.ok_or_else(Problem::internal)?;
        let (version, body) = (made.version, CollectionBody::new(made, true));
        Ok(Answer::created(format!("/api/collections/{id}"), &body).with_version(version))
    })
    .await?;
    state.cache.categories_changed().await;
    Ok(answer)
}

/// Reads a collection with its rules; the ETag counts its changes. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CollectionBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/collections/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = collection_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes what is shown of a collection, or its rules. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = CollectionChangesBody,
    responses(
        (status = 200, body = CollectionBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/collections/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<CollectionChangesBody>,
) -> Result<Answer, Problem> {
    let id = collection_id(&id)?;
    let changes = body.value.checked(state.config.shop.currency)?;
    write(&state, change, &body.bytes, move |conn, expected, actor| {
        editing::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await
}

/// Takes a collection out of the shop; its products stay on sale. Staff only.
#[utoipa::path(
    tag = "collections",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/collections/{id}")]
pub async fn archive(
    state: Data<State>,
    change: Change,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = collection_id(&id)?;
    write(&state, change, &[], move |conn, expected, actor| {
        editing::archive(conn, id, expected, Some(actor)).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await
}

fn read(conn: &mut PgConnection, id: CollectionId) -> Result<Answer, Problem> {
    let collection = collections::find(conn, id)?.ok_or_else(not_found)?;
    let version = collection.version;
    Ok(Answer::ok(&CollectionBody::new(collection, true)).with_version(version))
}

/// What is wrong, with the name of the field.
pub(super) fn refuse(error: CollectionError) -> Problem {
    match error {
        CollectionError::NotFound => not_found(),
        CollectionError::Stale(_) => precondition::stale(),
        CollectionError::SlugTaken => {
            Problem::conflict("slug_taken", "Another collection has this slug").field(
                "slug",
                "taken",
                "choose a slug that no collection has or had",
            )
        }
        CollectionError::HasNoRules => {
            let rule = "the collection is a list that somebody writes: make another one with rules";
            Problem::conflict("collection_is_manual", "The collection has no rules")
                .field("rules", "invalid", rule)
        }
        CollectionError::HasRules => {
            Problem::conflict("collection_has_rules", "The products are found by rules")
                .detail("change the rules, or make another collection without any")
        }
        CollectionError::ManualOrder => {
            let rule = "what rules find has no places: choose newest, name or best_selling";
            Problem::invalid("productOrder", "invalid", rule)
        }
        CollectionError::UnknownCategory(index) => {
            Problem::unprocessable("unknown_category", "A category does not exist").field(
                format!("rules.conditions[{index}].category"),
                "unknown",
                "there is no such category",
            )
        }
        CollectionError::UnknownProduct(index) => {
            Problem::unprocessable("unknown_product", "A product does not exist").field(
                format!("add[{index}].productId"),
                "unknown",
                "there is no such product, or it is archived",
            )
        }
        CollectionError::Db(error) => error.into(),
    }
}
