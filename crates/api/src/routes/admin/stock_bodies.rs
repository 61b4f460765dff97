//! Stock of a variant as staff sends and sees it.

use catalog::stock::Level;
use catalog::variants::Variant;
use domain::{LocationId, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::given;
use crate::routes::stock::available;

/// Counted and promised units of a variant at a location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VariantStock)]
pub struct VariantStockBody {
    #[schema(value_type = i64)]
    pub variant_id: VariantId,
    #[schema(value_type = i64)]
    pub location_id: LocationId,
    pub sku: String,
    /// Counted.
    pub on_hand: i64,
    /// Promised to open orders.
    pub reserved: i64,
    /// Kept back.
    pub safety: i64,
    /// How far orders may go beyond what is there.
    pub backorder_limit: i64,
    /// What can still be promised there; of a bundle as many as its parts make, null for as many as anybody likes.
    #[schema(required = true)]
    pub available: Option<i64>,
    /// As many available units, or fewer, are low; null where nobody wants to know.
    #[schema(required = true)]
    pub low_at: Option<i64>,
}

/// A variant, and where.
pub type Place = (VariantId, LocationId);

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = VariantCount)]
pub struct CountBody {
    /// Where; the main location where it is left out.
    #[schema(value_type = Option<i64>)]
    pub location_id: Option<LocationId>,
    #[schema(minimum = 0)]
    pub on_hand: i64,
    /// What the count was before, as far as the caller knows.
    pub expected_on_hand: Option<i64>,
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// Units that came or went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockAdjustment)]
pub struct AdjustmentBody {
    /// Where; the main location where it is left out.
    #[schema(value_type = Option<i64>)]
    pub location_id: Option<LocationId>,
    /// Units that came, or went when negative.
    #[schema(example = 12)]
    pub on_hand_delta: i64,
    /// `received`, `returned`, `found`, `damaged`, `lost` or `correction`.
    #[schema(example = "received")]
    pub reason: String,
    #[schema(max_length = 500, example = "delivery note 4711")]
    pub note: Option<String>,
}

/// How much of what is on hand may be sold, and when that is little.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockLimits)]
pub struct LimitsBody {
    /// Where; the main location where it is left out.
    #[schema(value_type = Option<i64>)]
    pub location_id: Option<LocationId>,
    /// Units that are kept back.
    #[schema(minimum = 0)]
    pub safety: Option<i64>,
    /// Units that may be sold beyond what is on hand.
    #[schema(minimum = 0)]
    pub backorder_limit: Option<i64>,
    /// As many available units, or fewer, are low, which is told once; null where nobody wants to know.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub low_at: Option<Option<i64>>,
}

impl VariantStockBody {
    pub fn new(variant: &Variant, location_id: LocationId, level: Level) -> Self {
        Self {
            variant_id: variant.id,
            location_id,
            sku: variant.sku.to_string(),
            on_hand: level.on_hand,
            reserved: level.reserved,
            safety: level.safety,
            backorder_limit: level.backorder_limit,
            available: available(variant, level),
            low_at: level.low_at,
        }
    }
}
