//! Holds as they are shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{LocationId, PageSize, StockHoldId, VariantId};

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody wants it any more.
    Released,
    /// Its time is over.
    Expired,
    /// It became an order.
    Ordered,
}

impl Outcome {
    /// As it is stored and told.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Ordered => "ordered",
        }
    }

    /// Why stock moved.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Released => "hold_released",
            Self::Expired => "hold_expired",
            Self::Ordered => "hold_ordered",
        }
    }
}

/// Stock that is kept for somebody, or was.
#[derive(Clone, Debug, Queryable)]
pub struct Hold {
    #[diesel(deserialize_as = i64)]
    pub id: StockHoldId,
    pub expires_at: DateTime<Utc>,
    /// Whether its time is over, by the database's clock.
    pub is_late: bool,
    pub ended_at: Option<DateTime<Utc>>,
    /// `released`, `expired` or `ordered`.
    pub outcome: Option<String>,
    pub order_id: Option<i64>,
    pub note: Option<String>,
    pub actor_id: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// What is kept where, or was.
#[derive(Clone, Debug, Queryable)]
pub struct Line {
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    pub sku: String,
    #[diesel(deserialize_as = i64)]
    pub location_id: LocationId,
    pub units: i64,
}

type Columns = (
    BigInt,
    Timestamptz,
    Bool,
    Nullable<Timestamptz>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Timestamptz,
);

macro_rules! select_holds {
    ($rest:literal) => {
        concat!(
            "SELECT id, expires_at, expires_at <= statement_timestamp(), ended_at, outcome, order_id, note, actor_id, created_at \
               FROM catalog.stock_holds ",
            $rest
        )
    };
}

db::statement! {
    struct FindHold { id: i64 => BigInt } -> Columns = select_holds!("WHERE id = $1")
}

db::statement! {
    struct ListHolds { before: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_holds!("WHERE id < $1 ORDER BY id DESC LIMIT $2")
}

db::statement! {
    struct ListLines { id: i64 => BigInt } -> (BigInt, Text, BigInt, BigInt) =
    "SELECT l.variant_id, v.sku, l.location_id, l.units \
       FROM catalog.stock_hold_lines l JOIN catalog.variants v ON v.id = l.variant_id \
      WHERE l.hold_id = $1 ORDER BY l.variant_id, l.location_id"
}

db::statement! {
    struct ListExpired { limit: i64 => BigInt } -> BigInt =
    "SELECT id FROM catalog.stock_holds WHERE ended_at IS NULL AND expires_at <= clock_timestamp() \
      ORDER BY expires_at, id LIMIT $1"
}

/// Finds a hold and what it keeps, or kept.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: StockHoldId) -> QueryResult<Option<(Hold, Vec<Line>)>> {
    let hold: Option<Hold> = FindHold { id: id.get() }.get_result(conn).optional()?;
    let Some(hold) = hold else { return Ok(None) };
    let lines = ListLines { id: id.get() }.load(conn)?;
    Ok(Some((hold, lines)))
}

/// Lists holds below an id, newest first; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, before: i64, size: PageSize) -> QueryResult<Vec<Hold>> {
    let limit = size.get() + 1;
    ListHolds { before, limit }.load(conn)
}

/// Holds whose time is over and that nobody has swept up yet, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn list_expired(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<StockHoldId>> {
    let ids: Vec<i64> = ListExpired { limit }.load(conn)?;
    Ok(ids
        .into_iter()
        .filter_map(|id| id.try_into().ok())
        .collect())
}
