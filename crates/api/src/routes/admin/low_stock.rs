//! What is low, for whoever orders more of it.

use actix_web::get;
use actix_web::web::Data;
use catalog::stock::low::{self, LowLevel};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{LocationId, PageSize, PairCursor, ProductId, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{Answer, Params, Problem, Staff, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// A level of which no more can be promised than `lowAt`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LowStock)]
pub struct LowStockBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    #[schema(value_type = i64)]
    location_id: LocationId,
    on_hand: i64,
    reserved: i64,
    /// What can still be promised there.
    available: i64,
    #[schema(required = true)]
    low_at: Option<i64>,
    low_since: DateTime<Utc>,
}

impl From<LowLevel> for LowStockBody {
    fn from(level: LowLevel) -> Self {
        Self {
            product_id: level.product_id,
            variant_id: level.variant_id,
            sku: level.sku,
            location_id: level.location_id,
            on_hand: level.on_hand,
            reserved: level.reserved,
            available: level.available,
            low_at: level.low_at,
            low_since: level.low_since,
        }
    }
}

/// A page of what is low, by variant and location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LowStockPage)]
pub struct LowStockPageBody {
    levels: Vec<LowStockBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<PairCursor>,
}

impl LowStockPageBody {
    fn new(mut rows: Vec<LowLevel>, size: PageSize) -> Self {
        let wanted = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let has_more = rows.len() > wanted;
        rows.truncate(wanted);
        let place =
            |level: &LowLevel| PairCursor::at(level.variant_id.get(), level.location_id.get());
        Self {
            limit: size.get(),
            has_more,
            next_cursor: rows.last().filter(|_| has_more).map(place),
            levels: rows.into_iter().map(Into::into).collect(),
        }
    }
}

/// Which levels.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LowStockQuery {
    /// All active locations where it is left out.
    #[param(value_type = Option<i64>)]
    location_id: Option<String>,
    /// Levels on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists what is low of what is on sale, by variant and location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(LowStockQuery),
    responses(
        (status = 200, body = LowStockPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/stock/low")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<LowStockQuery>,
) -> Result<Answer, Problem> {
    let location = params::parse("locationId", query.0.location_id.as_deref())?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let cursor = params::parse::<PairCursor>("cursor", query.0.cursor.as_deref())?;
    let after = cursor.map_or((0, 0), PairCursor::position);
    let read = move |conn: &mut PgConnection| {
        let rows = low::list(conn, after, location, size)?;
        Ok(Answer::ok(&LowStockPageBody::new(rows, size)))
    };
    state.db.run(read).await
}
