//! The prices of price lists, as staff sets and reads them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, post};
use catalog::prices::lists::setting::{self, NewListPrice};
use catalog::prices::lists::{self, ListPrice};
use diesel::PgConnection;
use domain::Page;

use super::list_price_bodies::{ListPricePageBody, NewListPricesBody};
use super::price_bodies::{SetPricesBody, judged};
use super::price_lists::{list_id, unknown};
use super::prices::{refuse_any, refuse_withdrawal, result, stops, within_bounds};
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::routes::variants::VariantQuery;
use crate::state::State;

/// Sets prices of a list, for now or for later. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path)),
    request_body = NewListPricesBody,
    responses(
        (status = 200, body = SetPricesBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/{id}/prices")]
pub async fn set(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    body: Body<NewListPricesBody>,
) -> Result<Answer, Problem> {
    let id = list_id(&id)?;
    let currency = state.config.shop.currency;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let stops = stops(body.value.on_error.as_deref())?;
    within_bounds(body.value.prices.len())?;
    let prices = body.value.prices.into_iter();
    let checked: Vec<Result<NewListPrice, Problem>> =
        prices.map(|new| new.checked(currency)).collect();
    if stops {
        refuse_any(checked.iter().map(|new| new.as_ref().err()))?;
    }
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        lists::find(conn, id)?.ok_or_else(unknown)?;
        let good: Vec<NewListPrice> = checked.iter().flatten().cloned().collect();
        let mut outcomes = setting::set_all(conn, id, &good, Some(actor))?.into_iter();
        let judge = |new: Result<_, Problem>| {
            let outcome = new.map(|_| outcomes.next());
            outcome.and_then(|outcome| judged(outcome.ok_or_else(Problem::internal)?))
        };
        let results: Vec<Result<&str, Problem>> = checked.into_iter().map(judge).collect();
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

/// Lists all prices a list had, has and will have, the last written first. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), VariantQuery),
    responses(
        (status = 200, body = ListPricePageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/{id}/prices")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
    query: Params<VariantQuery>,
) -> Result<Answer, Problem> {
    let id = list_id(&id)?;
    let size = query.0.part()?.0;
    let before = params::position(query.0.cursor())?.unwrap_or(i64::MAX);
    let read = move |conn: &mut PgConnection| {
        lists::find(conn, id)?.ok_or_else(unknown)?;
        let rows = lists::prices(conn, id, before, size)?;
        let page = Page::from_overfetched(rows, size, |price: &ListPrice| price.id);
        Ok(Answer::ok(&ListPricePageBody {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            prices: page.items.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}

/// Takes back a price of a list that is still to come. Staff only.
#[utoipa::path(
    tag = "prices",
    security(("token" = [])),
    params(("id" = i64, Path), ("priceId" = i64, Path)),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/{id}/prices/{priceId}")]
pub async fn withdraw(
    state: Data<State>,
    staff: Staff,
    key: Key,
    path: Path<(String, String)>,
) -> Result<Answer, Problem> {
    let id = list_id(&path.0)?;
    let price: i64 = path.1.parse().map_err(|_| super::prices::unknown())?;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        setting::withdraw(conn, id, price, Some(actor)).map_err(refuse_withdrawal)?;
        Ok(Answer::no_content())
    })
    .await?;
    state.cache.many_products_changed().await;
    Ok(answer)
}
