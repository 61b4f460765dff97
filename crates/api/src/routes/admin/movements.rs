//! What happened to the stock of a variant.

use actix_web::get;
use actix_web::web::{Data, Path};
use catalog::stock::movements::{self, Movement};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{Cursor, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::stock::find_sku;
use super::variants::{Ids, variant_id};
use crate::http::{Answer, Params, Problem, Staff, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// A change of the counters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockMovement)]
pub struct MovementBody {
    id: i64,
    location_id: i64,
    on_hand_delta: i64,
    reserved_delta: i64,
    reason: String,
    #[schema(required = true)]
    order_id: Option<i64>,
    #[schema(required = true)]
    transfer_id: Option<i64>,
    #[schema(required = true)]
    hold_id: Option<i64>,
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
            location_id: movement.location_id,
            on_hand_delta: movement.on_hand_delta,
            reserved_delta: movement.reserved_delta,
            reason: movement.reason,
            order_id: movement.order_id,
            transfer_id: movement.transfer_id,
            hold_id: movement.hold_id,
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

/// Which movements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MovementQuery {
    /// All locations where it is left out.
    #[param(value_type = Option<i64>)]
    location_id: Option<String>,
    /// Movements on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists what happened to the stock of a variant, newest first. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path), MovementQuery),
    responses(
        (status = 200, body = MovementPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/stock/movements")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    ids: Path<Ids>,
    query: Params<MovementQuery>,
) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let location = params::parse("locationId", query.0.location_id.as_deref())?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let before = params::position(query.0.cursor.as_deref())?.unwrap_or(i64::MAX);
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        find_sku(conn, ids, currency)?;
        let rows = movements::list(conn, ids.1, location, before, size)?;
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
