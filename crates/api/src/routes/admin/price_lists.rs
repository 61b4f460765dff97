//! Price lists, as staff writes and reads them.

use actix_web::web::{Data, Path};
use actix_web::{get, patch, post};
use catalog::prices::lists::editing::{self, ListError};
use catalog::prices::lists::{self, PriceList};
use diesel::PgConnection;
use domain::{Page, PriceListId};

use super::price_list_bodies::{
    NewPriceListBody, PriceListBody, PriceListChangesBody, PriceListPageBody,
};
use crate::http::{
    Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, precondition,
};
use crate::routes::money::ProblemBody;
use crate::routes::variants::VariantQuery;
use crate::state::State;

/// Makes a price list. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    request_body = NewPriceListBody,
    responses(
        (status = 201, body = PriceListBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/price-lists")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewPriceListBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let (code, name, terms) = body.value.checked()?;
    idempotency::once(&state.db, request_key, move |conn| {
        let id = editing::create(conn, &code, name, terms, Some(actor)).map_err(refuse)?;
        let made = lists::find(conn, id)?.ok_or_else(Problem::internal)?;
        let (version, address) = (made.version, format!("/api/admin/price-lists/{id}"));
        Ok(Answer::created(address, &PriceListBody::from(made)).with_version(version))
    })
    .await
}

/// Lists price lists, oldest first. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(VariantQuery),
    responses(
        (status = 200, body = PriceListPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/price-lists")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<VariantQuery>,
) -> Result<Answer, Problem> {
    let (size, after) = query.0.part()?;
    let read = move |conn: &mut PgConnection| lists::list(conn, after, size).map_err(Problem::from);
    let rows = state.db.run(read).await?;
    let page = Page::from_overfetched(rows, size, |list: &PriceList| list.id.get());
    Ok(Answer::ok(&PriceListPageBody {
        limit: size.get(),
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        price_lists: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// Reads a price list; the ETag counts its changes, not those of its prices. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = PriceListBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/price-lists/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = list_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes when and for whom a price list applies. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = PriceListChangesBody,
    responses(
        (status = 200, body = PriceListBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/price-lists/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<PriceListChangesBody>,
) -> Result<Answer, Problem> {
    let id = list_id(&id)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let changes = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        editing::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await?;
    state.cache.many_products_changed().await;
    Ok(answer)
}

fn read(conn: &mut PgConnection, id: PriceListId) -> Result<Answer, Problem> {
    let found = lists::find(conn, id)?.ok_or_else(unknown)?;
    let version = found.version;
    Ok(Answer::ok(&PriceListBody::from(found)).with_version(version))
}

pub(super) fn list_id(text: &str) -> Result<PriceListId, Problem> {
    text.parse().map_err(|_| unknown())
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("price_list_not_found", "There is no such price list")
}

fn refuse(error: ListError) -> Problem {
    match error {
        ListError::NotFound => unknown(),
        ListError::Stale(_) => precondition::stale(),
        ListError::CodeTaken => Problem::conflict("code_taken", "Another price list has this code")
            .field("code", "taken", "choose a code that no price list has"),
        ListError::TooMany => {
            let detail = error.to_string();
            Problem::conflict("too_many_price_lists", "The shop has too many price lists")
                .detail(detail)
        }
        ListError::EndsBeforeStart => {
            Problem::invalid("endsAt", "too_early", "must be later than startsAt")
        }
        ListError::Db(error) => error.into(),
    }
}
