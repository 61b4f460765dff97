//! Categories, as staff writes them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post, put};
use catalog::categories::{CategoryError, editing, placing};
use diesel::PgConnection;
use domain::{CategoryId, UserId};

use super::category_bodies::{CategoryChangesBody, NewCategoryBody, PlaceBody};
use crate::http::{Answer, Body, Caller, Change, Key, Problem, Staff, idempotency, precondition};
use crate::routes::attributes;
use crate::routes::categories::{self, category_id, not_found};
use crate::routes::category_bodies::CategoryBody;
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Makes a category. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    request_body = NewCategoryBody,
    responses(
        (status = 201, body = CategoryBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/categories")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewCategoryBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let new = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let id = editing::create(conn, new, Some(actor)).map_err(refuse)?;
        let (body, version) = categories::read(conn, id, true)?.ok_or_else(Problem::internal)?;
        Ok(Answer::created(format!("/api/categories/{id}"), &body).with_version(version))
    })
    .await?;
    state.cache.categories_changed().await;
    Ok(answer)
}

/// Reads a category; the ETag counts its changes. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CategoryBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/categories/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes what is shown of a category. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = CategoryChangesBody,
    responses(
        (status = 200, body = CategoryBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/categories/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<CategoryChangesBody>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    let changes = body.value.checked()?;
    write(&state, change, &body.bytes, move |conn, expected, actor| {
        editing::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await
}

/// Takes a category out of the shop; its products stay on sale. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/categories/{id}")]
pub async fn archive(
    state: Data<State>,
    change: Change,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    write(&state, change, &[], move |conn, expected, actor| {
        editing::archive(conn, id, expected, Some(actor)).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await
}

/// Puts a category below others, or at the top, in place of where it is. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = PlaceBody,
    responses(
        (status = 200, body = CategoryBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/categories/{id}/parents")]
pub async fn place(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<PlaceBody>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    let wanted = body.value.checked()?;
    write(&state, change, &body.bytes, move |conn, expected, actor| {
        placing::place(conn, id, &wanted, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await
}

/// Runs a change of one category, at most once per key and only of the version that was read.
pub(super) async fn write<F>(
    state: &State,
    change: Change,
    bytes: &[u8],
    work: F,
) -> Result<Answer, Problem>
where
    F: FnOnce(&mut PgConnection, Option<i64>, UserId) -> Result<Answer, Problem> + Send + 'static,
{
    let (actor, expected, request_key) = change.bind(bytes);
    let work = move |conn: &mut PgConnection| work(conn, expected, actor);
    let answer = idempotency::once(&state.db, request_key, work).await?;
    state.cache.categories_changed().await;
    Ok(answer)
}

fn read(conn: &mut PgConnection, id: CategoryId) -> Result<Answer, Problem> {
    let (body, version) = categories::read(conn, id, true)?.ok_or_else(not_found)?;
    Ok(Answer::ok(&body).with_version(version))
}

/// What is wrong, with the name of the field.
pub(super) fn refuse(error: CategoryError) -> Problem {
    match error {
        CategoryError::NotFound => not_found(),
        CategoryError::Stale(_) => precondition::stale(),
        CategoryError::SlugTaken => Problem::conflict(
            "slug_taken",
            "Another category has this slug",
        )
        .field("slug", "taken", "choose a slug that no category has or had"),
        CategoryError::UnknownParent(index) => {
            Problem::unprocessable("unknown_category", "A parent does not exist").field(
                format!("parents[{index}].id"),
                "unknown",
                "there is no such category",
            )
        }
        CategoryError::Cycle(index) => {
            Problem::conflict("category_cycle", "A category cannot be below itself").field(
                format!("parents[{index}].id"),
                "cycle",
                "is the category itself, or below it",
            )
        }
        CategoryError::TooDeep(index) => {
            let message = error.to_string();
            Problem::conflict("category_too_deep", "There would be too many levels").field(
                format!("parents[{index}].id"),
                "too_deep",
                message,
            )
        }
        CategoryError::HasChildren(child) => Problem::conflict(
            "category_has_children",
            "A category below it has no other parent",
        )
        .detail(format!(
            "put category {child} elsewhere first, or archive it"
        )),
        CategoryError::Fault(fault) => attributes::refuse(fault),
        CategoryError::UnknownProduct(index) => {
            Problem::unprocessable("unknown_product", "A product does not exist").field(
                format!("add[{index}].productId"),
                "unknown",
                "there is no such product, or it is archived",
            )
        }
        CategoryError::Db(error) => error.into(),
    }
}
