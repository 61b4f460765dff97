//! Prices over time, as staff sets and reads them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, post};
use catalog::prices::setting::{self, NewPrice, WithdrawError};
use catalog::prices::{self, Price};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{Currency, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use super::price_bodies::{
    NewPriceBody, NewPricesBody, PriceErrorBody, PricePageBody, SetPriceBody, SetPricesBody,
    VariantPricesBody, judged,
};
use super::stock::find_sku;
use super::variants::{Ids, variant_id};
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

const MAX_PRICES: usize = 10_000;
/// What so many prices take, and more than other bodies may have.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;
/// Most errors that one answer names.
const MAX_ERRORS: usize = 100;

/// Sets prices of variants, for now or for later. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    request_body = NewPricesBody,
    responses(
        (status = 200, body = SetPricesBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("")]
pub async fn set(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewPricesBody>,
) -> Result<Answer, Problem> {
    let currency = state.config.shop.currency;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let stops = stops(body.value.on_error.as_deref())?;
    let checked = checked(body.value.prices, currency)?;
    if stops {
        refuse_any(checked.iter().map(|new| new.as_ref().err()))?;
    }
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let good: Vec<NewPrice> = checked.iter().flatten().cloned().collect();
        let mut outcomes = setting::set_all(conn, &good, Some(actor))?.into_iter();
        let results: Vec<Result<&str, Problem>> = checked
            .into_iter()
            .map(|new| match new {
                Ok(_) => outcomes
                    .next()
                    .map_or_else(|| Err(Problem::internal()), judged),
                Err(problem) => Err(problem),
            })
            .collect();
        if stops {
            refuse_any(results.iter().map(|result| result.as_ref().err()))?;
        }
        Ok(Answer::ok(&SetPricesBody {
            results: results.into_iter().map(result).collect(),
        }))
    })
    .await?;
    state.cache.many_products_changed().await;
    Ok(answer)
}

pub(super) fn stops(on_error: Option<&str>) -> Result<bool, Problem> {
    match on_error {
        None | Some("stop") => Ok(true),
        Some("skip") => Ok(false),
        Some(_) => Err(Problem::invalid(
            "onError",
            "unknown",
            "must be stop or skip",
        )),
    }
}

fn checked(
    prices: Vec<NewPriceBody>,
    currency: Currency,
) -> Result<Vec<Result<NewPrice, Problem>>, Problem> {
    within_bounds(prices.len())?;
    Ok(prices
        .into_iter()
        .map(|new| new.checked(currency))
        .collect())
}

/// 422 unless so many prices can be set at once.
pub(super) fn within_bounds(count: usize) -> Result<(), Problem> {
    if (1..=MAX_PRICES).contains(&count) {
        return Ok(());
    }
    let rule = format!("must have 1 to {MAX_PRICES} prices");
    Err(Problem::invalid("prices", "length", rule))
}

/// 422 with the first errors, where there are any.
pub(super) fn refuse_any<'p>(
    problems: impl Iterator<Item = Option<&'p Problem>>,
) -> Result<(), Problem> {
    let mut refusal: Option<Problem> = None;
    let faulty = problems
        .enumerate()
        .filter_map(|(index, problem)| Some((index, problem?)));
    for (index, problem) in faulty.take(MAX_ERRORS) {
        let named = problem.clone().within(&format!("prices[{index}]"));
        refusal = Some(match refusal {
            None => named,
            Some(refusal) => refusal.and(named),
        });
    }
    refusal.map_or(Ok(()), Err)
}

pub(super) fn result(result: Result<&'static str, Problem>) -> SetPriceBody {
    match result {
        Ok(status) => SetPriceBody {
            status,
            error: None,
        },
        Err(problem) => SetPriceBody {
            status: "refused",
            error: problem.errors().first().map(|error| PriceErrorBody {
                field: error.field.clone(),
                code: error.code,
                message: error.message.clone(),
            }),
        },
    }
}

/// At which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOfQuery {
    /// A time (RFC 3339); now where it is left out.
    #[param(value_type = Option<String>, format = DateTime)]
    as_of: Option<String>,
}

/// Reads the prices of a variant at a moment. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), AsOfQuery),
    responses(
        (status = 200, body = VariantPricesBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/prices")]
pub async fn get(
    state: Data<State>,
    _staff: Staff,
    ids: Path<Ids>,
    query: Params<AsOfQuery>,
) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let as_of = params::parse::<DateTime<Utc>>("asOf", query.0.as_of.as_deref())?;
    if as_of.is_some_and(|as_of| super::product_details::moment("asOf", as_of).is_err()) {
        return Err(params::invalid(
            "asOf",
            "must be a time of the years 1970 to 9999",
        ));
    }
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let sku = find_sku(conn, ids, currency)?;
        let found = prices::in_force(conn, ids.1, as_of)?;
        Ok(Answer::ok(&VariantPricesBody {
            variant_id: ids.1,
            sku,
            prices: found.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}

/// Which prices.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PriceQuery {
    /// All currencies where it is left out.
    currency: Option<String>,
    /// Prices on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists all prices a variant had, has and will have, the last written first. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), PriceQuery),
    responses(
        (status = 200, body = PricePageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/prices/history")]
pub async fn history(
    state: Data<State>,
    _staff: Staff,
    ids: Path<Ids>,
    query: Params<PriceQuery>,
) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let before = params::position(query.0.cursor.as_deref())?.unwrap_or(i64::MAX);
    let only = query
        .0
        .currency
        .as_deref()
        .map(Currency::try_from)
        .transpose();
    let only = only.map_err(|error| params::invalid("currency", &error.to_string()))?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        find_sku(conn, ids, currency)?;
        let rows = prices::history(conn, ids.1, only, before, size)?;
        let page = Page::from_overfetched(rows, size, |price: &Price| price.id);
        Ok(Answer::ok(&PricePageBody {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            prices: page.items.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}

/// Takes back a price that is still to come. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), ("priceId" = i64, Path)),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/products/{id}/variants/{variantId}/prices/{priceId}")]
pub async fn withdraw(
    state: Data<State>,
    staff: Staff,
    key: Key,
    path: Path<(String, String, String)>,
) -> Result<Answer, Problem> {
    let (product, variant, price) = path.into_inner();
    let ids = variant_id(&(product, variant))?;
    let price: i64 = price.parse().map_err(|_| unknown())?;
    let currency = state.config.shop.currency;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let sku = find_sku(conn, ids, currency)?;
        setting::withdraw(conn, ids, sku, price, Some(actor)).map_err(refuse_withdrawal)?;
        Ok(Answer::no_content())
    })
    .await?;
    state.cache.products_changed(&[ids.0]).await;
    Ok(answer)
}

pub(super) fn refuse_withdrawal(error: WithdrawError) -> Problem {
    match error {
        WithdrawError::NotFound => unknown(),
        WithdrawError::InForce => {
            Problem::conflict("price_in_force", "The price is or was in force")
                .detail("set another one: what was in force stays in the history")
        }
        WithdrawError::Db(error) => error.into(),
    }
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("price_not_found", "There is no such price")
}
