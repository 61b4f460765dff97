//! Stock of a product, for staff.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{get, put};
use catalog::stock::{self, Cause, Level, MAX_ON_HAND, StockError};
use catalog::variants::{self, Variant};
use diesel::PgConnection;
use domain::{Currency, LocationId, ProductId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::money::ProblemBody;
use super::products::{not_found, product_id};
use crate::http::{Answer, Body, Caller, Key, Problem, Staff, idempotency};
use crate::state::State;

/// Counted and promised units of a product at the main location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stock)]
pub struct StockBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    sku: String,
    /// Counted.
    on_hand: i64,
    /// Promised to open orders.
    reserved: i64,
    /// Kept back.
    safety: i64,
    /// How far orders may go beyond what is there.
    backorder_limit: i64,
    /// What can still be promised there; of a bundle as many as its parts make, null for as many as anybody likes.
    #[schema(required = true)]
    available: Option<i64>,
}

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockCount)]
pub struct StockCountBody {
    #[schema(minimum = 0)]
    on_hand: i64,
    /// What the count was before, as far as the caller knows.
    expected_on_hand: Option<i64>,
}

/// Reads the stock of a product at the main location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = StockBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products/{id}/stock")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    state
        .db
        .run(move |conn| {
            let variant = variant(conn, id, currency)?;
            let level =
                stock::find_level(conn, variant.id, LocationId::MAIN)?.ok_or_else(not_found)?;
            Ok(Answer::ok(&body(id, &variant, level)))
        })
        .await
}

/// Sets the counted stock at the main location, if it still is what the caller saw. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    request_body = StockCountBody,
    responses(
        (status = 200, body = StockBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/products/{id}/stock")]
pub async fn put(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    body: Body<StockCountBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    let cause = Cause {
        reason: "count",
        order_id: None,
        actor: Some(staff.0.id),
        note: None,
    };
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let StockCountBody {
        on_hand,
        expected_on_hand,
    } = body.value;
    check_on_hand(on_hand)?;
    let expected = expected_on_hand.ok_or_else(blind)?;
    idempotency::once(&state.db, request_key, move |conn| {
        let variant = variant(conn, id, currency)?;
        let place = (variant.id, LocationId::MAIN);
        let level = stock::set_on_hand(conn, place, expected, on_hand, &cause).map_err(refuse)?;
        Ok(Answer::ok(&self::body(id, &variant, level)))
    })
    .await
}

/// 428: a count that does not say what it replaces could undo another one.
pub(super) fn blind() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "precondition_required",
        "A count needs to know what it replaces",
    )
    .field(
        "expectedOnHand",
        "missing",
        "send the onHand that was read before counting",
    )
}

/// Checks that a shop may have counted so many.
pub(super) fn check_on_hand(on_hand: i64) -> Result<(), Problem> {
    if (0..=MAX_ON_HAND).contains(&on_hand) {
        return Ok(());
    }
    let rule = format!("must be 0 to {MAX_ON_HAND}");
    Err(Problem::invalid("onHand", "out_of_range", rule))
}

/// The variant that stands for a product.
fn variant(conn: &mut PgConnection, id: ProductId, currency: Currency) -> Result<Variant, Problem> {
    variants::find_default(conn, id, currency)?.ok_or_else(not_found)
}

/// What can still be promised of a variant where its level is; of what has no stock of its own everywhere.
pub(super) fn available(variant: &Variant, level: Level) -> Option<i64> {
    if variant.kind.keeps_stock() {
        Some(level.available())
    } else {
        variant.available
    }
}

fn body(product_id: ProductId, variant: &Variant, level: Level) -> StockBody {
    StockBody {
        product_id,
        sku: variant.sku.to_string(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        safety: level.safety,
        backorder_limit: level.backorder_limit,
        available: available(variant, level),
    }
}

pub(super) fn refuse(error: StockError) -> Problem {
    match error {
        StockError::Changed { actual, .. } => {
            Problem::conflict("stock_changed", "The stock is not what it was")
                .field(
                    "expectedOnHand",
                    "stale",
                    format!("onHand is {actual} by now"),
                )
                .with("onHand", actual)
        }
        StockError::Insufficient(_) => reserved("onHand"),
        StockError::TooMany => {
            let rule = format!("a shop counts at most {MAX_ON_HAND} of a variant");
            Problem::invalid("onHandDelta", "out_of_range", rule)
        }
        StockError::NotStocked(_) => not_stocked(),
        StockError::NoLocation(_) => no_location("locationId"),
        StockError::Db(error) => error.into(),
    }
}

/// 409: what is digital, or a bundle, has no units that could be counted or kept.
pub(super) fn not_stocked() -> Problem {
    Problem::conflict("not_stocked", "The variant has no stock of its own")
        .detail("it is digital, or a bundle that takes the stock of its components")
}

/// 422: a location that is named does not exist.
pub(super) fn no_location(field: impl Into<String>) -> Problem {
    Problem::unprocessable("unknown_location", "A location does not exist").field(
        field,
        "unknown",
        "there is no such location",
    )
}

/// 409: what orders have reserved must stay covered.
pub(super) fn reserved(field: &'static str) -> Problem {
    Problem::conflict("stock_reserved", "Less would be left than is reserved and kept back").field(
        field,
        "below_reserved",
        "must cover what open orders have reserved and what is kept back (safety), less the backorder limit",
    )
}
