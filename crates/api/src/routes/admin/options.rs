//! What a product is chosen by.

use actix_web::web::{Data, Path};
use actix_web::{get, post, put};
use catalog::variants;
use catalog::variants::choosing::{self, Matrix};
use domain::{Currency, Options, ProductId, ProductOption, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refuse;
use crate::http::{Answer, Body, Caller, Change, Key, Problem, Staff, idempotency, text};
use crate::routes::money::ProblemBody;
use crate::routes::product_writes::price;
use crate::routes::products::{not_found, product_id};
use crate::routes::stock::check_on_hand;
use crate::state::State;

/// One thing to choose, with all there is to choose from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Option)]
pub struct OptionBody {
    #[schema(example = "Size", min_length = 1, max_length = 100)]
    name: String,
    /// In the order they are shown.
    #[schema(example = json!(["S", "M"]), min_items = 1, max_items = 1000)]
    values: Vec<String>,
}

/// What a product is chosen by, in the order it is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Options)]
pub struct OptionsBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    #[schema(value_type = Vec<OptionBody>)]
    options: Options,
    /// How many variants the product has.
    variant_count: i32,
}

/// What a product is to be chosen by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOptions)]
pub struct NewOptionsBody {
    #[schema(max_items = 10)]
    options: Vec<OptionBody>,
}

/// Reads what a product is chosen by. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = OptionsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/options")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

fn read(conn: &mut diesel::PgConnection, product_id: ProductId) -> Result<Answer, Problem> {
    let found = variants::find_options(conn, product_id)?.ok_or_else(not_found)?;
    let body = OptionsBody {
        product_id,
        options: found.options,
        variant_count: found.variant_count,
    };
    Ok(Answer::ok(&body).with_version(found.product_version))
}

/// Sets what a product is chosen by; variants keep what was chosen for them. Staff only.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = NewOptionsBody,
    responses(
        (status = 200, body = OptionsBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/options")]
pub async fn put(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<NewOptionsBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let option = |OptionBody { name, values }| ProductOption { name, values };
    let options: Vec<ProductOption> = body.value.options.into_iter().map(option).collect();
    let options = Options::new(&options)
        .map_err(|error| Problem::invalid("options", "invalid", error.to_string()))?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        choosing::set_options(conn, id, &options, expected, Some(actor))
            .map_err(|error| refuse(error, None))?;
        read(conn, id)
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

/// What the variants of a matrix begin with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewMatrix)]
pub struct MatrixBody {
    /// SKUs are this and the values, in capitals: `TEE` makes `TEE-M-RED`.
    #[schema(example = "TEE", min_length = 1, max_length = 60)]
    sku_prefix: String,
    /// In major units of `currency`.
    #[schema(example = "19.90")]
    price: String,
    /// The shop's currency where it is left out.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Counted units of each.
    #[serde(default)]
    #[schema(minimum = 0)]
    on_hand: i64,
}

/// The variants that were made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Generated)]
pub struct GeneratedBody {
    /// Those that are new, in the order of the options; the last one changes fastest.
    #[schema(value_type = Vec<i64>)]
    variant_ids: Vec<VariantId>,
    /// Whether combinations are missing still: send the request again, under another key.
    has_more: bool,
}

/// Adds combinations of options that no variant has, 1,000 at a time. Staff only.
///
/// The only variant of a product that had no options becomes the first combination, and keeps its SKU,
/// price and stock.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(("id" = i64, Path)),
    request_body = MatrixBody,
    responses(
        (status = 200, body = GeneratedBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/products/{id}/variants/generate")]
pub async fn generate(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    body: Body<MatrixBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let actor = staff.0.id;
    let MatrixBody { on_hand, .. } = body.value;
    check_on_hand(on_hand)?;
    staff.needs_for_sale(on_hand)?;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let body = body.value;
    let matrix = Matrix {
        sku_prefix: text("skuPrefix", body.sku_prefix, 1, 60)?,
        price: price(
            &body.price,
            body.currency.unwrap_or(state.config.shop.currency),
        )?,
        on_hand: body.on_hand,
    };
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let made = choosing::generate(conn, id, &matrix, Some(actor))
            .map_err(|error| refuse(error, None))?;
        Ok(Answer::ok(&GeneratedBody {
            variant_ids: made.variant_ids,
            has_more: made.has_more,
        }))
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}
