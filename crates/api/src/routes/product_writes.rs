//! What staff do to products.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, delete, patch, post};
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::editing::{self, DetailChanges, EditError, NewProduct, ProductChanges};
use catalog::products;
use diesel::PgConnection;
use domain::{Currency, Money, Permission, ProductId, Sku};
use serde::Deserialize;
use utoipa::ToSchema;

use super::attributes;
use super::money::ProblemBody;
use super::product_bodies::ProductBody;
use super::products::{not_found, product_id};
use super::stock::check_on_hand;
use crate::http::{Answer, Body, Caller, Key, Problem, Staff, idempotency, precondition, text};
use crate::state::State;

/// A product to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewProduct)]
pub struct NewProductBody {
    #[schema(min_length = 1, max_length = 300)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) image: String,
    #[schema(value_type = String, example = "TEE-M")]
    pub(super) sku: Sku,
    /// In major units of `currency`.
    #[schema(example = "19.90")]
    pub(super) price: String,
    /// The shop's currency where it is left out.
    #[schema(value_type = Option<String>)]
    pub(super) currency: Option<Currency>,
    /// Counted units.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub(super) on_hand: i64,
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProductChanges)]
pub struct ProductChangesBody {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) image: Option<String>,
    /// In major units of `currency`.
    pub(super) price: Option<String>,
    /// The currency of `price`; the shop's where it is left out.
    #[schema(value_type = Option<String>)]
    pub(super) currency: Option<Currency>,
}

/// Makes a product. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    request_body = NewProductBody,
    responses(
        (status = 201, body = ProductBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/products")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewProductBody>,
) -> Result<Answer, Problem> {
    let shop_currency = state.config.shop.currency;
    let actor = staff.0.id;
    let new = new_product(body.value, shop_currency)?;
    staff.needs_for_sale(new.on_hand)?;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let ids = editing::create_all(conn, &[new], Some(actor)).map_err(refuse)?;
        let id = ids.first().copied().ok_or_else(Problem::internal)?;
        Ok(Answer::created(
            format!("/api/products/{id}"),
            &read(conn, id, shop_currency)?,
        ))
    })
    .await?;
    state.cache.products_changed(&[]).await;
    Ok(answer)
}

pub(super) fn new_product(
    body: NewProductBody,
    shop_currency: Currency,
) -> Result<NewProduct, Problem> {
    check_on_hand(body.on_hand)?;
    Ok(NewProduct {
        price: price(&body.price, body.currency.unwrap_or(shop_currency))?,
        name: text("name", body.name, 1, 300)?,
        description: text("description", body.description, 0, 20_000)?,
        image: text("image", body.image, 0, 2_000)?,
        sku: body.sku,
        on_hand: body.on_hand,
    })
}

/// Changes a product. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = ProductChangesBody,
    responses(
        (status = 200, body = ProductBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/products/{id}")]
pub async fn update(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    request: HttpRequest,
    body: Body<ProductChangesBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let shop_currency = state.config.shop.currency;
    let actor = staff.0.id;
    let changes = product_changes(body.value, shop_currency)?;
    if changes.price.is_some() {
        staff.needs(Permission::PriceWrite)?;
    }
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let expected = precondition::if_match(&request)?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let version = expected_version(conn, id, shop_currency, expected.as_deref())?;
        editing::update(conn, id, changes, version, Some(actor)).map_err(refuse)?;
        Ok(Answer::ok(&read(conn, id, shop_currency)?))
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

pub(super) fn product_changes(
    body: ProductChangesBody,
    shop_currency: Currency,
) -> Result<ProductChanges, Problem> {
    let currency = body.currency.unwrap_or(shop_currency);
    Ok(ProductChanges {
        name: body
            .name
            .map(|name| text("name", name, 1, 300))
            .transpose()?,
        description: body
            .description
            .map(|d| text("description", d, 0, 20_000))
            .transpose()?,
        image: body
            .image
            .map(|image| text("image", image, 0, 2_000))
            .transpose()?,
        price: body.price.map(|text| price(&text, currency)).transpose()?,
        details: DetailChanges::default(),
        attributes: AttributeChanges::default(),
    })
}

/// The version of the product, if its representation still is the one with this ETag; `None` without one.
fn expected_version(
    conn: &mut PgConnection,
    id: ProductId,
    currency: Currency,
    etag: Option<&str>,
) -> Result<Option<i64>, Problem> {
    let Some(etag) = etag else { return Ok(None) };
    let product = products::find_draft(conn, id, currency)?.ok_or_else(not_found)?;
    let version = product.version;
    let body = ProductBody::of_one(conn, product)?;
    let body = serde_json::to_vec(&body).map_err(|_| Problem::internal())?;
    let current = crate::cache::etag(&body);
    if etag == "*" || current.to_str().is_ok_and(|current| current == etag) {
        return Ok(Some(version));
    }
    Err(precondition::stale())
}

/// Takes a product off sale. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/products/{id}")]
pub async fn archive(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    request: HttpRequest,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let actor = staff.0.id;
    let shop_currency = state.config.shop.currency;
    let expected = precondition::if_match(&request)?;
    let request_key = key.bind(&Caller::User(staff.0), &[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let version = expected_version(conn, id, shop_currency, expected.as_deref())?;
        editing::archive(conn, id, version, Some(actor)).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

fn read(
    conn: &mut PgConnection,
    id: ProductId,
    currency: Currency,
) -> Result<ProductBody, Problem> {
    let product = products::find_draft(conn, id, currency)?.ok_or_else(Problem::internal)?;
    Ok(ProductBody::of_one(conn, product)?)
}

pub(super) fn price(text: &str, currency: Currency) -> Result<Money, Problem> {
    amount("price", text, currency)
}

/// An amount that is not negative, in major units.
pub(super) fn amount(field: &str, text: &str, currency: Currency) -> Result<Money, Problem> {
    let amount = Money::parse_decimal(text, currency)
        .map_err(|error| Problem::invalid(field, "invalid", error.to_string()))?;
    if amount.is_negative() {
        return Err(Problem::invalid(field, "negative", "must not be negative"));
    }
    Ok(amount)
}

pub(super) fn refuse(error: EditError) -> Problem {
    match error {
        EditError::SkuTaken => Problem::conflict("sku_taken", "Another product has this SKU")
            .field("sku", "taken", "choose an SKU that no product has or had"),
        EditError::SlugTaken => Problem::conflict("slug_taken", "Another product has this slug")
            .field("slug", "taken", "choose a slug that no product has"),
        EditError::EndsBeforeItBegins => Problem::invalid(
            "unpublishAt",
            "too_early",
            "must be in the future and later than publishAt",
        ),
        EditError::Fault(fault) => attributes::refuse(fault),
        EditError::NotFound => not_found(),
        EditError::Stale(_) => precondition::stale(),
        EditError::Db(error) => error.into(),
    }
}
