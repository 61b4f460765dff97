//! What happened to a level, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use domain::{PageSize, VariantId};

/// A change of the counters of a variant.
#[derive(Clone, Debug, Queryable)]
pub struct Movement {
    pub id: i64,
    /// Units that came, or went when negative.
    pub on_hand_delta: i64,
    /// Units that were promised, or are promised no more when negative.
    pub reserved_delta: i64,
    /// `initial`, `count`, `import`, one of [`REASONS`], or what an order did.
    pub reason: String,
    pub order_id: Option<i64>,
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
    struct ListMovements { variant_id: i64 => BigInt, before: i64 => BigInt, limit: i64 => BigInt }
        -> (BigInt, BigInt, BigInt, Text, Nullable<BigInt>, Nullable<Text>, Nullable<BigInt>, Timestamptz) =
    "SELECT id, on_hand_delta, reserved_delta, reason, order_id, note, actor_id, occurred_at \
       FROM catalog.stock_movements WHERE variant_id = $1 AND location_id = 1 AND id < $2 ORDER BY id DESC LIMIT $3"
}

/// Lists the movements of a variant below the id `before`; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    variant_id: VariantId,
    before: i64,
    size: PageSize,
) -> QueryResult<Vec<Movement>> {
    ListMovements {
        variant_id: variant_id.get(),
        before,
        limit: size.get() + 1,
    }
    .load(conn)
}
