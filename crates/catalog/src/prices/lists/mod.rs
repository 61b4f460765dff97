//! Price lists: prices for some customers, quantities, countries or a while.
//!
//! Of the lists that apply and have a price of the variant in the currency, the one of the highest priority counts, the
//! older of two equal ones; of its prices that of the greatest quantity that is reached. Where none has, the price of the
//! variant itself is in force. `catalog.list_price` is the one place that decides this, and `catalog.price_at` does for any
//! moment: a list begins and ends by the clock of the database, without anybody's doing.
//!
//! - [`editing`]: what staff write
//! - [`setting`]: the prices of a list

pub mod editing;
pub mod setting;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use domain::{Country, Currency, PageSize, PriceListId, Sku, Slug, VariantId};

use super::damaged;

/// The most lists of a shop: each is looked at for each price.
pub const MAX_LISTS: i64 = 1_000;

/// A price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    pub id: PriceListId,
    pub code: Slug,
    pub name: String,
    pub terms: Terms,
    /// Counts the changes to the list itself, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Whether it applies at all, now, by the clock of the database.
    pub is_in_force: bool,
}

/// When a list applies, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Of several lists the one with the greatest counts.
    pub priority: i32,
    pub is_active: bool,
    /// `None` for always.
    pub starts_at: Option<DateTime<Utc>>,
    /// Not in force any more from then on; `None` for never.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where orders go; empty for everywhere.
    pub countries: Vec<Country>,
    /// Of which a customer has one; empty for everybody.
    pub customer_groups: Vec<Slug>,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    code: String,
    name: String,
    priority: i32,
    is_active: bool,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    countries: Vec<String>,
    customer_groups: Vec<String>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    is_in_force: bool,
}

type Columns = (
    BigInt,
    Text,
    Text,
    Integer,
    Bool,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Array<Text>,
    Array<Text>,
    BigInt,
    Timestamptz,
    Timestamptz,
    Bool,
);

macro_rules! select_lists {
    ($rest:literal) => {
        concat!(
            "SELECT id, code, name, priority, is_active, nullif(starts_at, '-infinity'), nullif(ends_at, 'infinity'), \
                    countries, customer_groups, version, created_at, updated_at, \
                    is_active AND starts_at <= statement_timestamp() AND ends_at > statement_timestamp() \
               FROM catalog.price_lists WHERE ",
            $rest
        )
    };
}

db::statement! {
    struct FindList { id: i64 => BigInt } -> Columns = select_lists!("id = $1")
}

db::statement! {
    struct ListLists { after: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_lists!("id > $1 ORDER BY id LIMIT $2")
}

impl TryFrom<Row> for PriceList {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        Ok(Self {
            id: row.id.try_into().map_err(damaged)?,
            code: row.code.try_into().map_err(damaged)?,
            name: row.name,
            terms: Terms {
                priority: row.priority,
                is_active: row.is_active,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                countries: parsed(row.countries)?,
                customer_groups: parsed(row.customer_groups)?,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            is_in_force: row.is_in_force,
        })
    }
}

fn parsed<T>(texts: Vec<String>) -> QueryResult<Vec<T>>
where
    T: TryFrom<String, Error: std::error::Error + Send + Sync + 'static>,
{
    texts
        .into_iter()
        .map(|text| T::try_from(text).map_err(damaged))
        .collect()
}

/// Finds a price list.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: PriceListId) -> QueryResult<Option<PriceList>> {
    let row: Option<Row> = FindList { id: id.get() }.get_result(conn).optional()?;
    row.map(TryInto::try_into).transpose()
}

/// Lists price lists, oldest first; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, after: i64, size: PageSize) -> QueryResult<Vec<PriceList>> {
    let limit = size.get() + 1;
    let rows: Vec<Row> = ListLists { after, limit }.load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A price that was, is or will be in a list.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ListPrice {
    pub id: i64,
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    #[diesel(deserialize_as = String)]
    pub sku: Sku,
    #[diesel(deserialize_as = String)]
    pub currency: Currency,
    /// From so many pieces on.
    pub min_quantity: i64,
    /// Unit price in minor units of `currency`; `None`: the list has none from then on.
    pub amount_minor: Option<i64>,
    /// What it is shown as reduced from, in minor units; `None` for the price of the variant itself.
    pub compare_at_minor: Option<i64>,
    pub valid_from: DateTime<Utc>,
    /// Whether it is still to come.
    pub is_to_come: bool,
}

db::statement! {
    struct ListPrices { list_id: i64 => BigInt, before: i64 => BigInt, limit: i64 => BigInt }
        -> (BigInt, BigInt, Text, Text, BigInt, Nullable<BigInt>, Nullable<BigInt>, Timestamptz, Bool) =
    "SELECT e.id, e.variant_id, v.sku, e.currency, e.min_quantity, e.amount_minor, e.compare_at_minor, e.valid_from, \
            e.valid_from > statement_timestamp() \
       FROM catalog.list_prices e JOIN catalog.variants v ON v.id = e.variant_id \
      WHERE e.list_id = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3"
}

/// Lists all prices a list had, has and will have, the last written first; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn prices(
    conn: &mut PgConnection,
    id: PriceListId,
    before: i64,
    size: PageSize,
) -> QueryResult<Vec<ListPrice>> {
    ListPrices {
        list_id: id.get(),
        before,
        limit: size.get() + 1,
    }
    .load(conn)
}
