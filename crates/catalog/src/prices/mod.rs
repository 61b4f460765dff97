//! Prices over time: those in force at a moment, those to come, and those that were.
//!
//! A price is in force from its moment on until the next one of its variant and currency. It needs nobody to bring it
//! into force: every reader compares with the clock of the database. What was in force is never changed or taken away.
//!
//! - [`setting`]: prices of variants, many at once
//! - [`lists`]: prices for some customers, quantities, countries or a while
//! - [`lookup`]: what a customer pays, and why
//! - [`market`]: for whom

pub mod lists;
pub mod lookup;
pub mod market;
pub mod setting;

pub use self::market::Market;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{Currency, PageSize, VariantId};

/// A price in force at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct InForce {
    pub id: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// In minor units of `currency`, as are all amounts here.
    pub amount_minor: i64,
    pub valid_from: DateTime<Utc>,
    /// The lowest price of the thirty days before this one came into force, perhaps by several entries of the same amount, which is what a reduction has to be
    /// compared with (Directive 98/6/EC, Article 6a); `None` where there was none.
    pub lowest_30d_minor: Option<i64>,
    /// What follows: id, amount and from when on.
    pub next: Option<(i64, i64, DateTime<Utc>)>,
}

/// A price that was, is or will be in force.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Price {
    pub id: i64,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    pub amount_minor: i64,
    pub valid_from: DateTime<Utc>,
    /// Whether it is still to come.
    pub is_to_come: bool,
}

db::statement! {
    struct ListInForce { variant_id: i64 => BigInt, as_of: Option<DateTime<Utc>> => Nullable<Timestamptz> }
        -> (BigInt, Text, BigInt, Timestamptz, Nullable<BigInt>, Nullable<(BigInt, BigInt, Timestamptz)>) =
    "SELECT c.id, c.currency, c.amount_minor, c.valid_from, \
            (SELECT min(amount_minor) FROM ( \
               SELECT amount_minor FROM catalog.prices WHERE variant_id = $1 AND currency = c.currency \
                  AND valid_from > b.valid_from - interval '30 days' AND (valid_from, id) < (b.valid_from, b.id) \
               UNION ALL \
               (SELECT amount_minor FROM catalog.prices WHERE variant_id = $1 AND currency = c.currency \
                  AND valid_from <= b.valid_from - interval '30 days' ORDER BY valid_from DESC, id DESC LIMIT 1)) before), \
            n.id, n.amount_minor, n.valid_from \
       FROM (SELECT DISTINCT ON (currency) id, currency, amount_minor, valid_from FROM catalog.prices \
              WHERE variant_id = $1 AND valid_from <= coalesce($2, statement_timestamp()) \
              ORDER BY currency, valid_from DESC, id DESC) c \
       LEFT JOIN LATERAL (SELECT id, valid_from FROM catalog.prices \
              WHERE variant_id = $1 AND currency = c.currency AND (valid_from, id) < (c.valid_from, c.id) \
                AND amount_minor <> c.amount_minor ORDER BY valid_from DESC, id DESC LIMIT 1) other ON true \
      CROSS JOIN LATERAL (SELECT id, valid_from FROM catalog.prices \
              WHERE variant_id = $1 AND currency = c.currency AND (valid_from, id) <= (c.valid_from, c.id) \
                AND (other.id IS NULL OR (valid_from, id) > (other.valid_from, other.id)) ORDER BY valid_from, id LIMIT 1) b \
       LEFT JOIN LATERAL (SELECT id, amount_minor, valid_from FROM catalog.prices \
              WHERE variant_id = $1 AND currency = c.currency AND valid_from > coalesce($2, statement_timestamp()) \
              ORDER BY valid_from, id DESC LIMIT 1) n ON true \
      ORDER BY c.currency"
}

db::statement! {
    struct ListHistory {
        variant_id: i64 => BigInt,
        currency: Option<&'static str> => Nullable<Text>,
        before: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, Text, BigInt, Timestamptz, Bool) =
    "SELECT id, currency, amount_minor, valid_from, valid_from > statement_timestamp() FROM catalog.prices \
      WHERE variant_id = $1 AND ($2 IS NULL OR currency = $2) AND id < $3 ORDER BY id DESC LIMIT $4"
}

/// Lists the prices of a variant that were in force at a moment, one for each currency; now without a moment.
///
/// # Errors
///
/// Those of the database.
pub fn in_force(
    conn: &mut PgConnection,
    variant: VariantId,
    as_of: Option<DateTime<Utc>>,
) -> QueryResult<Vec<InForce>> {
    ListInForce {
        variant_id: variant.get(),
        as_of,
    }
    .load(conn)
}

/// Lists prices of a variant, the last written first; one more than `size` is returned where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn history(
    conn: &mut PgConnection,
    variant: VariantId,
    currency: Option<Currency>,
    before: i64,
    size: PageSize,
) -> QueryResult<Vec<Price>> {
    ListHistory {
        variant_id: variant.get(),
        currency: currency.map(Currency::code),
        before,
        limit: size.get() + 1,
    }
    .load(conn)
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(error.into())
}
