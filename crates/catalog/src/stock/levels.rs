//! The counters of a variant, at one location and at all of them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{LocationId, VariantId};

use super::{StockError, holds};

/// The counters of a variant at a location, in units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable)]
pub struct Level {
    pub on_hand: i64,
    pub reserved: i64,
    pub safety: i64,
    pub backorder_limit: i64,
    /// As many available units, or fewer, are low; `None` where nobody wants to know.
    pub low_at: Option<i64>,
}

impl Level {
    /// What can still be promised.
    #[must_use]
    pub fn available(self) -> i64 {
        self.on_hand - self.safety + self.backorder_limit - self.reserved
    }
}

/// A level, and where it is.
#[derive(Clone, Debug, Queryable)]
pub struct LevelAt {
    #[diesel(deserialize_as = i64)]
    pub location_id: LocationId,
    pub code: String,
    pub name: String,
    /// Whether orders take from it.
    pub is_active: bool,
    /// Orders take from the least first.
    pub priority: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub safety: i64,
    pub backorder_limit: i64,
    pub low_at: Option<i64>,
    /// Since when it is low.
    pub low_since: Option<DateTime<Utc>>,
}

impl LevelAt {
    /// The counters alone.
    #[must_use]
    pub fn level(&self) -> Level {
        Level {
            on_hand: self.on_hand,
            reserved: self.reserved,
            safety: self.safety,
            backorder_limit: self.backorder_limit,
            low_at: self.low_at,
        }
    }
}

type Counters = (BigInt, BigInt, BigInt, BigInt, Nullable<BigInt>);

db::statement! {
    struct FindLevel { variant_id: i64 => BigInt, location_id: i64 => BigInt } -> Counters =
    "SELECT on_hand, reserved, safety, backorder_limit, low_at FROM catalog.stock_levels \
      WHERE variant_id = $1 AND location_id = $2"
}

db::statement! {
    struct ListLevels { variant_id: i64 => BigInt }
        -> (BigInt, Text, Text, Bool, BigInt, BigInt, BigInt, BigInt, BigInt, Nullable<BigInt>, Nullable<Timestamptz>) =
    "SELECT l.id, l.code, l.name, l.deactivated_at IS NULL, l.priority, \
            s.on_hand, s.reserved, s.safety, s.backorder_limit, s.low_at, s.low_since \
       FROM catalog.stock_levels s JOIN catalog.locations l ON l.id = s.location_id \
      WHERE s.variant_id = $1 ORDER BY l.priority, l.id"
}

db::statement! {
    /// The one at the main location first.
    struct LockLevels { variant_id: i64 => BigInt, location_id: i64 => BigInt } -> (BigInt, Bool, Counters) =
    "SELECT location_id, keeps_stock, on_hand, reserved, safety, backorder_limit, low_at FROM catalog.stock_levels \
      WHERE variant_id = $1 AND location_id IN (1, $2) ORDER BY location_id FOR UPDATE"
}

db::statement! {
    struct CreateLevel { variant_id: i64 => BigInt, location_id: i64 => BigInt } -> BigInt =
    "INSERT INTO catalog.stock_levels (variant_id, location_id) \
     SELECT $1, id FROM catalog.locations WHERE id = $2 FOR KEY SHARE ON CONFLICT DO NOTHING RETURNING location_id"
}

/// Finds the counters of a variant at a location; `None` where nothing was ever written there.
///
/// # Errors
///
/// Those of the database.
pub fn find_level(
    conn: &mut PgConnection,
    variant_id: VariantId,
    location_id: LocationId,
) -> QueryResult<Option<Level>> {
    FindLevel {
        variant_id: variant_id.get(),
        location_id: location_id.get(),
    }
    .get_result(conn)
    .optional()
}

/// Lists the levels of a variant, in the order in which orders take from them.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, variant_id: VariantId) -> QueryResult<Vec<LevelAt>> {
    ListLevels {
        variant_id: variant_id.get(),
    }
    .load(conn)
}

/// Locks the level of a variant at a location until the transaction ends, and makes it where there is none.
pub(super) fn lock(
    conn: &mut PgConnection,
    variant_id: VariantId,
    location_id: LocationId,
) -> Result<Level, StockError> {
    let (variant, location) = (variant_id.get(), location_id.get());
    let lock = LockLevels {
        variant_id: variant,
        location_id: location,
    };
    let levels: Vec<(i64, bool, Level)> = lock.load(conn)?;
    let main = levels
        .first()
        .map(|(id, keeps_stock, _)| (*id, *keeps_stock));
    if main != Some((LocationId::MAIN.get(), true)) {
        return Err(StockError::NotStocked(variant_id));
    }
    let gave_back = holds::release_expired(conn, vec![variant])?;
    let found = levels.into_iter().find(|(id, ..)| *id == location);
    if let (Some((.., level)), false) = (found, gave_back) {
        return Ok(level);
    }
    let create = CreateLevel {
        variant_id: variant,
        location_id: location,
    };
    match create.get_result::<i64>(conn).optional()? {
        Some(_) => Ok(Level::default()),
        // It is there, and since the lock nobody else changes it.
        None => {
            find_level(conn, variant_id, location_id)?.ok_or(StockError::NoLocation(location_id))
        }
    }
}
