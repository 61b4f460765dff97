//! Stock of a variant at a location: counted, corrected and limited.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{get, patch, post, put};
use catalog::locations;
use catalog::stock::movements::REASONS;
use catalog::stock::{self, Cause, Level, Limits, MAX_ON_HAND, StockError};
use catalog::variants::{self, Variant};
use diesel::PgConnection;
use domain::{Currency, LocationId, ProductId, VariantId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::stock_bodies::{AdjustmentBody, CountBody, LimitsBody, Place, VariantStockBody};
use super::unknown;
use super::variants::{Ids, variant_id};
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params, text};
use crate::routes::money::ProblemBody;
use crate::routes::stock::{blind, check_on_hand, no_location, refuse, reserved};
use crate::state::State;

/// Where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// The main location where it is left out.
    #[param(value_type = Option<i64>)]
    location_id: Option<String>,
}

/// Reads the stock of a variant at a location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), PlaceQuery),
    responses(
        (status = 200, body = VariantStockBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/stock")]
pub async fn get(
    state: Data<State>,
    _staff: Staff,
    ids: Path<Ids>,
    query: Params<PlaceQuery>,
) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let location = params::parse("locationId", query.0.location_id.as_deref())?;
    let location = location.unwrap_or(LocationId::MAIN);
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let variant = find(conn, ids, currency)?;
        if locations::find(conn, location)?.is_none() {
            return Err(params::invalid("locationId", "there is no such location"));
        }
        // Where nothing was ever written, nothing is.
        let level = stock::find_level(conn, ids.1, location)?.unwrap_or_default();
        Ok(Answer::ok(&VariantStockBody::new(
            &variant, location, level,
        )))
    };
    state.db.run(read).await
}

/// Sets the counted stock of a variant at a location, if it still is what the caller saw. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    request_body = CountBody,
    responses(
        (status = 200, body = VariantStockBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/variants/{variantId}/stock")]
pub async fn count(
    state: Data<State>,
    staff: Staff,
    key: Key,
    ids: Path<Ids>,
    body: Body<CountBody>,
) -> Result<Answer, Problem> {
    let CountBody {
        location_id,
        on_hand,
        expected_on_hand,
        note,
    } = body.value;
    let cause = cause("count", note, &staff)?;
    let write = Write::new(&state, staff, key, &ids, location_id, &body.bytes)?;
    check_on_hand(on_hand)?;
    let expected = expected_on_hand.ok_or_else(blind)?;
    write
        .run(move |conn, place| {
            stock::set_on_hand(conn, place, expected, on_hand, &cause).map_err(refuse)
        })
        .await
}

/// Adds units to what is on hand of a variant at a location, or takes them away. Staff only.
///
/// Two who unpack at once both count. An `Idempotency-Key` is needed, because a repeat without it would
/// count twice.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    request_body = AdjustmentBody,
    responses(
        (status = 200, body = VariantStockBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/products/{id}/variants/{variantId}/stock/adjustments")]
pub async fn adjust(
    state: Data<State>,
    staff: Staff,
    key: Key,
    ids: Path<Ids>,
    body: Body<AdjustmentBody>,
) -> Result<Answer, Problem> {
    let AdjustmentBody {
        location_id,
        on_hand_delta,
        reason,
        note,
    } = body.value;
    let reason = REASONS.into_iter().find(|known| **known == reason);
    let reason = reason.ok_or_else(|| {
        let known = format!("must be one of {}", REASONS.join(", "));
        Problem::invalid("reason", "unknown", known)
    })?;
    if on_hand_delta == 0 || on_hand_delta.unsigned_abs() > MAX_ON_HAND.unsigned_abs() {
        let rule = format!("must be 1 to {MAX_ON_HAND}, or -1 to -{MAX_ON_HAND}");
        return Err(Problem::invalid("onHandDelta", "out_of_range", rule));
    }
    let cause = cause(reason, note, &staff)?;
    let write = Write::new(&state, staff, key, &ids, location_id, &body.bytes)?;
    if write.key.is_none() {
        return Err(keyless("An adjustment needs an Idempotency-Key"));
    }
    write
        .run(move |conn, place| {
            stock::adjust(conn, place, on_hand_delta, &cause).map_err(|error| match error {
                StockError::Insufficient(_) => reserved("onHandDelta"),
                other => refuse(other),
            })
        })
        .await
}

/// Sets what is kept back of a variant at a location, how far orders may go beyond what there is, and when
/// that is little. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    request_body = LimitsBody,
    responses(
        (status = 200, body = VariantStockBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/products/{id}/variants/{variantId}/stock")]
pub async fn limit(
    state: Data<State>,
    staff: Staff,
    key: Key,
    ids: Path<Ids>,
    body: Body<LimitsBody>,
) -> Result<Answer, Problem> {
    let limits = Limits {
        safety: body.value.safety,
        backorder_limit: body.value.backorder_limit,
        low_at: body.value.low_at,
    };
    check_limit("safety", limits.safety)?;
    check_limit("backorderLimit", limits.backorder_limit)?;
    check_limit("lowAt", limits.low_at.flatten())?;
    let cause = cause("limits", None, &staff)?;
    let location_id = body.value.location_id;
    let write = Write::new(&state, staff, key, &ids, location_id, &body.bytes)?;
    write
        .run(move |conn, place| {
            stock::set_limits(conn, place, limits, &cause).map_err(|error| match error {
                StockError::Insufficient(_) if limits.safety.is_some() => reserved("safety"),
                StockError::Insufficient(_) => reserved("backorderLimit"),
                other => refuse(other),
            })
        })
        .await
}

/// What every write of stock needs, apart from what it does.
struct Write<'s> {
    state: &'s State,
    key: Option<db::idempotency::RequestKey>,
    ids: (ProductId, VariantId),
    location: LocationId,
}

impl<'s> Write<'s> {
    fn new(
        state: &'s State,
        staff: Staff,
        key: Key,
        ids: &Ids,
        location: Option<LocationId>,
        body: &[u8],
    ) -> Result<Self, Problem> {
        Ok(Self {
            state,
            key: key.bind(&Caller::User(staff.0), body),
            ids: variant_id(ids)?,
            location: location.unwrap_or(LocationId::MAIN),
        })
    }

    async fn run<F>(self, work: F) -> Result<Answer, Problem>
    where
        F: FnOnce(&mut PgConnection, Place) -> Result<Level, Problem> + Send + 'static,
    {
        let Self {
            state,
            key,
            ids,
            location,
        } = self;
        let currency = state.config.shop.currency;
        idempotency::once(&state.db, key, move |conn| {
            let variant = find(conn, ids, currency)?;
            if locations::find(conn, location)?.is_none() {
                return Err(no_location("locationId"));
            }
            let level = work(conn, (variant.id, location))?;
            Ok(Answer::ok(&VariantStockBody::new(
                &variant, location, level,
            )))
        })
        .await
    }
}

pub(super) fn find_sku(
    conn: &mut PgConnection,
    ids: (ProductId, VariantId),
    currency: Currency,
) -> Result<String, Problem> {
    Ok(find(conn, ids, currency)?.sku.to_string())
}

pub(super) fn find(
    conn: &mut PgConnection,
    ids: (ProductId, VariantId),
    currency: Currency,
) -> Result<Variant, Problem> {
    variants::find(conn, ids, currency)?.ok_or_else(unknown)
}

fn cause(reason: &'static str, note: Option<String>, staff: &Staff) -> Result<Cause, Problem> {
    Ok(Cause {
        reason,
        order_id: None,
        actor: Some(staff.0.id),
        note: note.map(|note| text("note", note, 1, 500)).transpose()?,
    })
}

fn check_limit(field: &'static str, units: Option<i64>) -> Result<(), Problem> {
    if units.is_none_or(|units| (0..=MAX_ON_HAND).contains(&units)) {
        return Ok(());
    }
    Err(Problem::invalid(
        field,
        "out_of_range",
        format!("must be 0 to {MAX_ON_HAND}"),
    ))
}

/// 428: a repeat of what adds up would count twice.
pub(super) fn keyless(title: &'static str) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "idempotency_key_required",
        title,
    )
    .detail("send a new key, such as a UUID, and the same one to repeat the request")
}
