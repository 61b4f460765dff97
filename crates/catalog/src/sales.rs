//! What sells: units that were ordered in the last thirty days, by product, which listings by sales are sorted by.
//!
//! Days are those of UTC, and today is one of the thirty. Orders that were cancelled count for nothing. Whoever follows the log of
//! events counts, in the transaction of its position; nothing of this is on the way of an order.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};

/// Days that are forgotten in one transaction, of all products together.
pub const BATCH: i32 = 1_000;

/// Units of a product that were ordered at a moment, or, where they are negative, were ordered then and are cancelled by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    pub product_id: i64,
    pub at: DateTime<Utc>,
    pub units: i64,
}

db::statement! {
    struct Count {
        product_ids: Vec<i64> => Array<BigInt>,
        moments: Vec<DateTime<Utc>> => Array<Timestamptz>,
        units: Vec<i64> => Array<BigInt>,
    } -> Text = "SELECT catalog.count_sales($1, $2, $3)::text"
}

db::statement! {
    struct Forget { most: i32 => Integer } -> Integer = "SELECT catalog.forget_sales($1)"
}

db::statement! {
    struct LockWindow {} -> Text = "SELECT since::text FROM catalog.sales_window FOR UPDATE"
}

db::statement! {
    struct ForgetDays {} -> BigInt = "DELETE FROM catalog.sales_days"
}

db::statement! {
    struct ForgetSums {} -> BigInt = "DELETE FROM catalog.product_sales"
}

/// Counts what was sold, or cancelled, as far as its day counts.
///
/// # Errors
///
/// Those of the database.
pub fn count(conn: &mut PgConnection, sold: &[Sold]) -> QueryResult<()> {
    if sold.is_empty() {
        return Ok(());
    }
    Count {
        product_ids: sold.iter().map(|sold| sold.product_id).collect(),
        moments: sold.iter().map(|sold| sold.at).collect(),
        units: sold.iter().map(|sold| sold.units).collect(),
    }
    .execute(conn)
    .map(|_| ())
}

/// Forgets days that do not count any more, and returns how many; where they are as many as [`BATCH`], there may be more.
///
/// # Errors
///
/// Those of the database.
pub fn forget_old(conn: &mut PgConnection) -> QueryResult<i32> {
    Forget { most: BATCH }.get_result(conn)
}

/// Forgets all that was counted, in the caller's transaction, so that it can be counted again.
///
/// # Errors
///
/// Those of the database.
pub fn forget_all(conn: &mut PgConnection) -> QueryResult<()> {
    LockWindow {}.get_result::<String>(conn)?;
    ForgetDays {}.execute(conn)?;
    ForgetSums {}.execute(conn).map(|_| ())
}
