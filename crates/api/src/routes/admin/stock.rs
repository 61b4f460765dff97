//! Stock of a variant: counted, corrected, limited, and explained.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{get, patch, post, put};
use catalog::stock::movements::{self, Movement, REASONS};
use catalog::stock::{self, Cause, Level, Limits, MAX_ON_HAND, StockError};
use catalog::variants;
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{Currency, Cursor, Page, ProductId, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::unknown;
use super::variants::{Ids, variant_id};
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params, text};
use crate::routes::money::ProblemBody;
use crate::routes::stock::{blind, check_on_hand, refuse, reserved};
use crate::routes::variants::VariantQuery;
use crate::state::State;

/// Counted and promised units of a variant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VariantStock)]
pub struct VariantStockBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    /// Counted.
    on_hand: i64,
    /// Promised to open orders.
    reserved: i64,
    /// Kept back.
    safety: i64,
    /// How far orders may go beyond what is there.
    backorder_limit: i64,
    /// What can still be promised.
    available: i64,
}

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = VariantCount)]
pub struct CountBody {
    #[schema(minimum = 0)]
    on_hand: i64,
    /// What the count was before, as far as the caller knows.
    expected_on_hand: Option<i64>,
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Units that came or went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockAdjustment)]
pub struct AdjustmentBody {
    /// Units that came, or went when negative.
    #[schema(example = 12)]
    on_hand_delta: i64,
    /// `received`, `returned`, `found`, `damaged`, `lost` or `correction`.
    #[schema(example = "received")]
    reason: String,
    #[schema(max_length = 500, example = "delivery note 4711")]
    note: Option<String>,
}

/// How much of what is on hand may be sold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockLimits)]
pub struct LimitsBody {
    /// Units that are kept back.
    #[schema(minimum = 0)]
    safety: Option<i64>,
    /// Units that may be sold beyond what is on hand.
    #[schema(minimum = 0)]
    backorder_limit: Option<i64>,
}

/// A change of the counters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockMovement)]
pub struct MovementBody {
    id: i64,
    on_hand_delta: i64,
    reserved_delta: i64,
    reason: String,
    #[schema(required = true)]
    order_id: Option<i64>,
    #[schema(required = true)]
    note: Option<String>,
    /// The user who caused it; null for the system and for callers without a token.
    #[schema(required = true)]
    actor_id: Option<i64>,
    occurred_at: DateTime<Utc>,
}

impl From<Movement> for MovementBody {
    fn from(movement: Movement) -> Self {
        Self {
            id: movement.id,
            on_hand_delta: movement.on_hand_delta,
            reserved_delta: movement.reserved_delta,
            reason: movement.reason,
            order_id: movement.order_id,
            note: movement.note,
            actor_id: movement.actor_id,
            occurred_at: movement.occurred_at,
        }
    }
}

/// A page of movements, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockMovementPage)]
pub struct MovementPageBody {
    movements: Vec<MovementBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

/// Reads the stock of a variant. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    responses(
        (status = 200, body = VariantStockBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/stock")]
pub async fn get(state: Data<State>, _staff: Staff, ids: Path<Ids>) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let sku = find_sku(conn, ids, currency)?;
        let level = stock::find_level(conn, ids.1)?.ok_or_else(unknown)?;
        Ok(Answer::ok(&body(ids.1, sku, level)))
    };
    state.db.run(read).await
}

/// Sets the counted stock of a variant, if it still is what the caller saw. Staff only.
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
        on_hand,
        expected_on_hand,
        note,
    } = body.value;
    let cause = cause("count", note, &staff)?;
    let write = Write::new(&state, staff, key, &ids, &body.bytes)?;
    check_on_hand(on_hand)?;
    let expected = expected_on_hand.ok_or_else(blind)?;
    write
        .run(move |conn, id| {
            stock::set_on_hand(conn, id, expected, on_hand, &cause).map_err(refuse)
        })
        .await
}

/// Adds units to what is on hand of a variant, or takes them away. Staff only.
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
    let write = Write::new(&state, staff, key, &ids, &body.bytes)?;
    if write.key.is_none() {
        return Err(keyless());
    }
    write
        .run(move |conn, id| {
            stock::adjust(conn, id, on_hand_delta, &cause).map_err(|error| match error {
                StockError::Insufficient(_) => reserved("onHandDelta"),
                other => refuse(other),
            })
        })
        .await
}

/// Sets what is kept back of a variant, and how far orders may go beyond what there is. Staff only.
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
    };
    check_limit("safety", limits.safety)?;
    check_limit("backorderLimit", limits.backorder_limit)?;
    let cause = cause("limits", None, &staff)?;
    let write = Write::new(&state, staff, key, &ids, &body.bytes)?;
    write
        .run(move |conn, id| {
            stock::set_limits(conn, id, limits, &cause).map_err(|error| match error {
                StockError::Insufficient(_) if limits.safety.is_some() => reserved("safety"),
                StockError::Insufficient(_) => reserved("backorderLimit"),
                other => refuse(other),
            })
        })
        .await
}

/// Lists what happened to the stock of a variant, newest first. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), VariantQuery),
    responses(
        (status = 200, body = MovementPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/stock/movements")]
pub async fn list_movements(
    state: Data<State>,
    _staff: Staff,
    ids: Path<Ids>,
    query: Params<VariantQuery>,
) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let (size, _) = query.0.part()?;
    let before = params::position(query.0.cursor())?.unwrap_or(i64::MAX);
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        find_sku(conn, ids, currency)?;
        let rows = movements::list(conn, ids.1, before, size)?;
        let page = Page::from_overfetched(rows, size, |movement: &Movement| movement.id);
        Ok(Answer::ok(&MovementPageBody {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            movements: page.items.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}

/// What every write of stock needs, apart from what it does.
struct Write<'s> {
    state: &'s State,
    key: Option<db::idempotency::RequestKey>,
    ids: (ProductId, VariantId),
}

impl<'s> Write<'s> {
    fn new(
        state: &'s State,
        staff: Staff,
        key: Key,
        ids: &Ids,
        body: &[u8],
    ) -> Result<Self, Problem> {
        Ok(Self {
            state,
            key: key.bind(&Caller::User(staff.0), body),
            ids: variant_id(ids)?,
        })
    }

    async fn run<F>(self, work: F) -> Result<Answer, Problem>
    where
        F: FnOnce(&mut PgConnection, VariantId) -> Result<Level, Problem> + Send + 'static,
    {
        let Self { state, key, ids } = self;
        let currency = state.config.shop.currency;
        idempotency::once(&state.db, key, move |conn| {
            let sku = find_sku(conn, ids, currency)?;
            let level = work(conn, ids.1)?;
            Ok(Answer::ok(&body(ids.1, sku, level)))
        })
        .await
    }
}

fn find_sku(
    conn: &mut PgConnection,
    ids: (ProductId, VariantId),
    currency: Currency,
) -> Result<String, Problem> {
    let variant = variants::find(conn, ids, currency)?.ok_or_else(unknown)?;
    Ok(variant.sku.to_string())
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

fn keyless() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "idempotency_key_required",
        "An adjustment needs an Idempotency-Key",
    )
    .detail("send a new key, such as a UUID, and the same one to repeat the request")
}

fn body(variant_id: VariantId, sku: String, level: Level) -> VariantStockBody {
    VariantStockBody {
        variant_id,
        sku,
        on_hand: level.on_hand,
        reserved: level.reserved,
        safety: level.safety,
        backorder_limit: level.backorder_limit,
        available: level.available(),
    }
}
