//! What happened to the stock of a variant, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use domain::{LocationId, PageSize, VariantId};

/// A change of the counters of a variant.
#[derive(Clone, Debug, Queryable)]
pub struct Movement {
    pub id: i64,
    pub location_id: i64,
    /// Units that came, or went when negative.
    pub on_hand_delta: i64,
    /// Units that were promised, or are promised no more when negative.
    pub reserved_delta: i64,
    /// `initial`, `count`, `import`, one of [`REASONS`], or what an order, a transfer or a hold did.
    pub reason: String,
    pub order_id: Option<i64>,
    pub transfer_id: Option<i64>,
    pub hold_id: Option<i64>,
    pub note: Option<String>,
    /// `None` for the system, and for callers without a token.
    pub actor_id: Option<i64>,
    pub occurred_at: DateTime<Utc>,
}

/// Why staff corrects what is on hand.
pub const REASONS: [&str; 6] = [
    "received",
    "returned",
    "found",
    "damaged",
    "lost",
    "correction",
];

db::statement! {
    /// The newest of each level, and of these the newest.
    struct ListMovements {
        variant_id: i64 => BigInt,
        location_id: Option<i64> => Nullable<BigInt>,
        before: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt, BigInt, BigInt, Text, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>,
          Nullable<BigInt>, Timestamptz) =
    "SELECT m.id, m.location_id, m.on_hand_delta, m.reserved_delta, m.reason, m.order_id, m.transfer_id, m.hold_id, m.note, \
            m.actor_id, m.occurred_at \
       FROM catalog.stock_levels s CROSS JOIN LATERAL ( \
            SELECT * FROM catalog.stock_movements \
             WHERE variant_id = s.variant_id AND location_id = s.location_id AND id < $3 ORDER BY id DESC LIMIT $4) m \
      WHERE s.variant_id = $1 AND ($2 IS NULL OR s.location_id = $2) ORDER BY m.id DESC LIMIT $4"
}

/// Lists the movements of a variant, at one location or at all of them, below the id `before`; one more than `size`
/// where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    variant_id: VariantId,
    location_id: Option<LocationId>,
    before: i64,
    size: PageSize,
) -> QueryResult<Vec<Movement>> {
    ListMovements {
        variant_id: variant_id.get(),
        location_id: location_id.map(LocationId::get),
        before,
        limit: size.get() + 1,
    }
    .load(conn)
}
