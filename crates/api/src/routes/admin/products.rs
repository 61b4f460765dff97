//! Products of every status, as staff writes and reads them.

use actix_web::web::{Data, Path};
use actix_web::{get, patch, post};
use catalog::custom_fields::attributes;
use catalog::editing;
use catalog::products::managed::{self, Managed, Status};
use diesel::PgConnection;
use domain::{Currency, CustomResource, Page, Permission, ProductId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::product_bodies::{
    NewStaffProductBody, StaffProductBody, StaffProductChangesBody, StaffProductPageBody,
};
use crate::http::{Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::routes::product_writes::refuse;
use crate::routes::products::product_id;
use crate::state::State;

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffProductQuery {
    /// `draft`, `active` or `archived`; all where it is left out.
    status: Option<String>,
    /// Products on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists products of every status, oldest first. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(StaffProductQuery),
    responses(
        (status = 200, body = StaffProductPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<StaffProductQuery>,
) -> Result<Answer, Problem> {
    let size = params::page_size(query.0.limit.as_deref())?;
    let after = params::position(query.0.cursor.as_deref())?.unwrap_or(0);
    let status = query.0.status.as_deref().map(str::parse::<Status>);
    let status = status
        .transpose()
        .map_err(|error| params::invalid("status", &error.to_string()))?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let rows = managed::list(conn, status, after, size, currency)?;
        let page = Page::from_overfetched(rows, size, |product: &Managed| product.id.get());
        Ok(Answer::ok(&StaffProductPageBody {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            products: page.items.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}

/// Makes a product, as a draft or for sale. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    request_body = NewStaffProductBody,
    responses(
        (status = 201, body = StaffProductBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/products")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewStaffProductBody>,
) -> Result<Answer, Problem> {
    let currency = state.config.shop.currency;
    let actor = staff.0.id;
    let (product, details, attributes) = body.value.checked(currency)?;
    staff.needs_for_sale(product.on_hand)?;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let id =
            editing::create(conn, product, details, attributes, Some(actor)).map_err(refuse)?;
        let body = read(conn, id, currency)?;
        let version = body.version;
        Ok(Answer::created(format!("/api/admin/products/{id}"), &body).with_version(version))
    })
    .await?;
    state.cache.products_changed(&[]).await;
    Ok(answer)
}

/// Reads a product, whatever its status. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = StaffProductBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    let body = state.db.run(move |conn| read(conn, id, currency)).await?;
    Ok(Answer::ok(&body).with_version(body.version))
}

/// Changes a product that is not archived: also when it is on sale, and its address. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = StaffProductChangesBody,
    responses(
        (status = 200, body = StaffProductBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/products/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<StaffProductChangesBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    let changes = body.value.checked(currency)?;
    if changes.price.is_some() {
        change.staff.needs(Permission::PriceWrite)?;
    }
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        editing::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        let body = read(conn, id, currency)?;
        Ok(Answer::ok(&body).with_version(body.version))
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

fn read(
    conn: &mut PgConnection,
    id: ProductId,
    currency: Currency,
) -> Result<StaffProductBody, Problem> {
    let product = managed::find(conn, id, currency)?
        .ok_or_else(|| Problem::not_found("product_not_found", "There is no such product"))?;
    let kept = attributes::find(conn, CustomResource::Product, id.get())?;
    Ok(StaffProductBody::from(product).with(kept))
}
