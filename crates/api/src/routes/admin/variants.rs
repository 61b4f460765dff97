//! Variants, as staff writes them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post};
use catalog::custom_fields::attributes;
use catalog::variants::adding::{self, NewVariant};
use catalog::variants::{self, Variant, editing, parts};
use diesel::PgConnection;
use domain::{Currency, CustomResource, Page, Permission, ProductId, VariantId, VariantKind};

use super::variant_bodies::{
    MadeBody, MadeVariantBody, NewVariantsBody, StaffVariantBody, StaffVariantPageBody,
    VariantChangesBody,
};
use super::{refuse, unknown};
use crate::http::{Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency};
use crate::routes::money::ProblemBody;
use crate::routes::products::{not_found, product_id};
use crate::routes::variants::VariantQuery;
use crate::state::State;

/// What a path names: a product, and one of its variants.
pub type Ids = (String, String);

/// Most variants of one request.
const MAX_NEW: usize = 500;

/// Lists the variants of a product on sale with their stock, oldest first. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path), VariantQuery),
    responses(
        (status = 200, body = StaffVariantPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
    query: Params<VariantQuery>,
) -> Result<Answer, Problem> {
    let product = product_id(&id)?;
    let (size, after) = query.0.part()?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        variants::find_options(conn, product)?.ok_or_else(not_found)?;
        let rows = variants::list(conn, product, after, size, currency)?;
        let page = Page::from_overfetched(rows, size, |variant: &Variant| variant.id.get());
        let mut parts = parts::list(conn, &bundles(&page.items))?;
        let ids = page.items.iter().map(|variant| variant.id.get()).collect();
        let mut kept = attributes::find_all(conn, CustomResource::Variant, ids)?;
        let body = |variant: Variant| {
            let parts = parts.remove(&variant.id).unwrap_or_default();
            let kept = kept.remove(&variant.id.get()).unwrap_or_default();
            StaffVariantBody::new(variant, parts, kept)
        };
        Ok(Answer::ok(&StaffVariantPageBody {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            variants: page.items.into_iter().map(body).collect(),
        }))
    };
    state.db.run(read).await
}

/// Adds variants to a product, all or none. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path)),
    request_body = NewVariantsBody,
    responses(
        (status = 201, body = MadeBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/products/{id}/variants")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    body: Body<NewVariantsBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let shop_currency = state.config.shop.currency;
    let actor = staff.0.id;
    let new = new_variants(body.value, shop_currency)?;
    staff.needs_for_sale(new.iter().map(|variant| variant.on_hand).sum())?;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let ids = adding::create_all(conn, id, &new, Some(actor))
            .map_err(|error| refuse(error, Some("variants")))?;
        let made = ids
            .into_iter()
            .zip(&new)
            .map(|(id, variant)| MadeVariantBody {
                id,
                sku: variant.sku.to_string(),
            });
        Ok(Answer::created(
            format!("/api/admin/products/{id}/variants"),
            &MadeBody {
                variants: made.collect(),
            },
        ))
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

fn new_variants(
    body: NewVariantsBody,
    shop_currency: Currency,
) -> Result<Vec<NewVariant>, Problem> {
    if !(1..=MAX_NEW).contains(&body.variants.len()) {
        let rule = format!("must have 1 to {MAX_NEW} variants");
        return Err(Problem::invalid("variants", "length", rule));
    }
    let checked = body
        .variants
        .into_iter()
        .enumerate()
        .map(|(index, variant)| {
            let within = |problem: Problem| problem.within(&format!("variants[{index}]"));
            variant.checked(shop_currency).map_err(within)
        });
    checked.collect()
}

/// Reads a variant on sale with its stock. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    responses(
        (status = 200, body = StaffVariantBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}")]
pub async fn get(state: Data<State>, _staff: Staff, ids: Path<Ids>) -> Result<Answer, Problem> {
    let (product, id) = variant_id(&ids)?;
    let currency = state.config.shop.currency;
    state
        .db
        .run(move |conn| read(conn, product, id, currency))
        .await
}

/// Changes a variant. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(
        ("id" = i64, Path),
        ("variantId" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = VariantChangesBody,
    responses(
        (status = 200, body = StaffVariantBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/products/{id}/variants/{variantId}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    ids: Path<Ids>,
    body: Body<VariantChangesBody>,
) -> Result<Answer, Problem> {
    let (product, id) = variant_id(&ids)?;
    let currency = state.config.shop.currency;
    let changes = body.value.checked(currency)?;
    if changes.price.is_some() {
        change.staff.needs(Permission::PriceWrite)?;
    }
    if changes.kind.is_some() {
        // What is digital is never out of stock, and keeps no limits.
        change.staff.needs(Permission::StockWrite)?;
    }
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        editing::update(conn, (product, id), changes, expected, Some(actor))
            .map_err(|error| refuse(error, None))?;
        read(conn, product, id, currency)
    })
    .await?;
    state.cache.products_changed(&[product]).await;
    Ok(answer)
}

/// Takes a variant off sale. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(
        ("id" = i64, Path),
        ("variantId" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/products/{id}/variants/{variantId}")]
pub async fn archive(
    state: Data<State>,
    change: Change,
    ids: Path<Ids>,
) -> Result<Answer, Problem> {
    let (product, id) = variant_id(&ids)?;
    let (actor, expected, request_key) = change.bind(&[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        editing::archive(conn, (product, id), expected, Some(actor))
            .map_err(|error| refuse(error, None))?;
        Ok(Answer::no_content())
    })
    .await?;
    state.cache.products_changed(&[product]).await;
    Ok(answer)
}

/// Those of which there are parts to be read.
pub(in crate::routes) fn bundles(variants: &[Variant]) -> Vec<VariantId> {
    let bundles = variants
        .iter()
        .filter(|variant| variant.kind == VariantKind::Bundle);
    bundles.map(|variant| variant.id).collect()
}

pub(super) fn read(
    conn: &mut PgConnection,
    product: ProductId,
    id: VariantId,
    currency: Currency,
) -> Result<Answer, Problem> {
    let variant = variants::find(conn, (product, id), currency)?.ok_or_else(unknown)?;
    let version = variant.version;
    let mut parts = parts::list(conn, &bundles(std::slice::from_ref(&variant)))?;
    let parts = parts.remove(&id).unwrap_or_default();
    let kept = attributes::find(conn, CustomResource::Variant, id.get())?;
    Ok(Answer::ok(&StaffVariantBody::new(variant, parts, kept)).with_version(version))
}

/// The ids of a path. What is no id cannot be found.
pub(super) fn variant_id(ids: &Ids) -> Result<(ProductId, VariantId), Problem> {
    let id = ids.1.parse().map_err(|_| unknown())?;
    Ok((product_id(&ids.0)?, id))
}
