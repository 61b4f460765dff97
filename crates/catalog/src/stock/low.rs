//! What is low: levels of which no more can be promised than staff wants to have.
//!
//! A trigger of the table notes when a level becomes low and when it is not any more, and tells of both,
//! whoever changed the counters.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use domain::{LocationId, PageSize, ProductId, VariantId};

/// A level that is low.
#[derive(Clone, Debug, Queryable)]
pub struct LowLevel {
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    pub sku: String,
    #[diesel(deserialize_as = i64)]
    pub location_id: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
    /// Units that can still be promised there.
    pub available: i64,
    pub low_at: Option<i64>,
    pub low_since: DateTime<Utc>,
}

db::statement! {
    /// Of what is on sale, where orders take from.
    struct ListLow {
        variant_id: i64 => BigInt,
        location_id: i64 => BigInt,
        only: Option<i64> => Nullable<BigInt>,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt, Text, BigInt, BigInt, BigInt, BigInt, Nullable<BigInt>, Timestamptz) =
    "SELECT v.product_id, v.id, v.sku, s.location_id, s.on_hand, s.reserved, \
            s.on_hand - s.safety + s.backorder_limit - s.reserved, s.low_at, s.low_since \
       FROM catalog.stock_levels s \
       JOIN catalog.variants v ON v.id = s.variant_id AND v.archived_at IS NULL \
      WHERE s.low_since IS NOT NULL AND (s.variant_id, s.location_id) > ($1, $2) AND ($3 IS NULL OR s.location_id = $3) \
        AND s.location_id <> ALL (ARRAY(SELECT id FROM catalog.locations WHERE deactivated_at IS NOT NULL)) \
      ORDER BY s.variant_id, s.location_id LIMIT $4"
}

/// Lists what is low behind a variant and location, at one location or at all that orders take from; one more than
/// `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    after: (i64, i64),
    only: Option<LocationId>,
    size: PageSize,
) -> QueryResult<Vec<LowLevel>> {
    ListLow {
        variant_id: after.0,
        location_id: after.1,
        only: only.map(LocationId::get),
        limit: size.get() + 1,
    }
    .load(conn)
}
