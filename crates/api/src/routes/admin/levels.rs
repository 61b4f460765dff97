//! Stock of a variant at every location.

use actix_web::get;
use actix_web::web::{Data, Path};
use catalog::stock::levels::{self, LevelAt};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{LocationId, VariantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::stock::find;
use super::variants::{Ids, variant_id};
use crate::http::{Answer, Problem, Staff};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// The stock of a variant, all together and at each location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockLevels)]
pub struct LevelsBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    /// What can still be promised: at all locations that orders take from; of a bundle as many as its parts make, null for as
    /// many as anybody likes.
    #[schema(required = true)]
    available: Option<i64>,
    /// In the order in which orders take from them; those that were ever written.
    levels: Vec<LevelBody>,
}

/// Counted and promised units of a variant at a location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockLevel)]
pub struct LevelBody {
    #[schema(value_type = i64)]
    location_id: LocationId,
    #[schema(example = "main")]
    code: String,
    name: String,
    /// Whether orders take from it.
    is_active: bool,
    priority: i64,
    on_hand: i64,
    reserved: i64,
    safety: i64,
    backorder_limit: i64,
    /// What could still be promised there.
    available: i64,
    /// As many available units, or fewer, are low; null where nobody wants to know.
    #[schema(required = true)]
    low_at: Option<i64>,
    /// Since when they are.
    #[schema(required = true)]
    low_since: Option<DateTime<Utc>>,
}

impl From<LevelAt> for LevelBody {
    fn from(level: LevelAt) -> Self {
        let available = level.level().available();
        Self {
            location_id: level.location_id,
            code: level.code,
            name: level.name,
            is_active: level.is_active,
            priority: level.priority,
            on_hand: level.on_hand,
            reserved: level.reserved,
            safety: level.safety,
            backorder_limit: level.backorder_limit,
            available,
            low_at: level.low_at,
            low_since: level.low_since,
        }
    }
}

/// Lists the stock of a variant at every location. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path), ("variantId" = i64, Path)),
    responses(
        (status = 200, body = LevelsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/variants/{variantId}/stock/levels")]
pub async fn list(state: Data<State>, _staff: Staff, ids: Path<Ids>) -> Result<Answer, Problem> {
    let ids = variant_id(&ids)?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let variant = find(conn, ids, currency)?;
        let levels = levels::list(conn, ids.1)?;
        let active = levels.iter().filter(|level| level.is_active);
        let available = match variant.kind.keeps_stock() {
            true => Some(active.map(|level| level.level().available()).sum()),
            false => variant.available,
        };
        Ok(Answer::ok(&LevelsBody {
            variant_id: variant.id,
            sku: variant.sku.to_string(),
            available,
            levels: levels.into_iter().map(Into::into).collect(),
        }))
    };
    state.db.run(read).await
}
