//! Many prices of a list at once, for now or for later, in a fixed number of statements.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::{Currency, PriceListId, Sku, UserId};

use crate::prices::setting::{Outcome, WithdrawError, lock_priced, tell};

/// A price of a list to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewListPrice {
    pub sku: Sku,
    pub currency: Currency,
    /// From so many pieces on; at least 1.
    pub min_quantity: i64,
    /// Unit price in minor units of `currency`; `None` takes it off the list.
    pub amount_minor: Option<i64>,
    /// What it is shown as reduced from; more than the price itself.
    pub compare_at_minor: Option<i64>,
    /// `None` for now, by the clock of the database.
    pub valid_from: Option<DateTime<Utc>>,
}

db::statement! {
    /// Those to come replace what was to come from the same moment on: nobody has seen it. One row for each that was written,
    /// by its place among those wanted. What is in force is compared after the lock is had, so not in its statement.
    struct SetListPrices {
        list_id: i64 => BigInt,
        variant_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        quantities: Vec<i64> => Array<BigInt>,
        amounts: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        compare_ats: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        moments: Vec<Option<DateTime<Utc>>> => Array<Nullable<Timestamptz>>,
    } -> BigInt =
    "WITH wanted AS MATERIALIZED ( \
       SELECT w.* FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[]) \
              WITH ORDINALITY AS w (variant_id, currency, min_quantity, amount, compare_at, moment, position) \
         LEFT JOIN LATERAL (SELECT amount_minor, compare_at_minor FROM catalog.list_prices \
                WHERE variant_id = w.variant_id AND list_id = $1 AND currency = w.currency AND min_quantity = w.min_quantity \
                  AND valid_from <= statement_timestamp() \
                ORDER BY valid_from DESC, id DESC LIMIT 1) c ON true \
        WHERE moment > clock_timestamp() \
           OR moment IS NULL AND (w.amount, w.compare_at) IS DISTINCT FROM (c.amount_minor, c.compare_at_minor) \
     ), replaced AS ( \
       DELETE FROM catalog.list_prices p USING wanted w \
        WHERE p.variant_id = w.variant_id AND p.list_id = $1 AND p.currency = w.currency \
          AND p.min_quantity = w.min_quantity AND p.valid_from = w.moment \
     ), written AS ( \
       INSERT INTO catalog.list_prices \
              (list_id, variant_id, currency, min_quantity, amount_minor, compare_at_minor, valid_from, scheduled) \
       SELECT $1, variant_id, currency, min_quantity, amount, compare_at, coalesce(moment, clock_timestamp()), moment IS NOT NULL \
         FROM wanted \
     ) SELECT position FROM wanted"
}

db::statement! {
    struct MarkListed { variant_ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "UPDATE catalog.variants SET in_lists = true WHERE id = ANY($1) AND NOT in_lists RETURNING id"
}

/// Sets prices of a list that exists, and tells what became of each. What cannot be set is not written; the caller decides
/// about the others.
///
/// # Errors
///
/// Those of the database.
pub fn set_all(
    conn: &mut PgConnection,
    list: PriceListId,
    prices: &[NewListPrice],
    actor: Option<UserId>,
) -> QueryResult<Vec<Outcome>> {
    let locked = lock_priced(conn, prices.iter().map(|new| &new.sku))?;
    let variants: HashMap<&str, (i64, i64)> = locked
        .iter()
        .map(|(sku, variant, product)| (sku.as_str(), (*variant, *product)))
        .collect();

    let mut seen = HashSet::new();
    let mut outcomes = Vec::with_capacity(prices.len());
    let mut wanted = Vec::with_capacity(prices.len());
    for new in prices {
        let moment = new.valid_from.map(|moment| moment.timestamp_micros());
        outcomes.push(match variants.get(new.sku.as_str()) {
            None => Outcome::UnknownSku,
            Some(ids) if !seen.insert((ids, new.currency, new.min_quantity, moment)) => {
                Outcome::Repeated
            }
            Some(ids) => {
                wanted.push((outcomes.len(), *ids, new));
                new.valid_from.map_or(Outcome::Unchanged, |_| Outcome::Past)
            }
        });
    }

    let mut changed = HashSet::new();
    for position in write(conn, list, &wanted)? {
        let written = usize::try_from(position - 1)
            .ok()
            .and_then(|index| wanted.get(index));
        if let Some((index, ids, new)) = written {
            outcomes[*index] = new.valid_from.map_or(Outcome::Set, |_| Outcome::Scheduled);
            changed.insert(*ids);
        }
    }
    let variant_ids = changed.iter().map(|(variant, _)| *variant).collect();
    MarkListed { variant_ids }.execute(conn)?;
    tell(conn, changed, actor)?;
    Ok(outcomes)
}

fn write(
    conn: &mut PgConnection,
    list: PriceListId,
    wanted: &[(usize, (i64, i64), &NewListPrice)],
) -> QueryResult<Vec<i64>> {
    let all = || wanted.iter().map(|(.., new)| *new);
    SetListPrices {
        list_id: list.get(),
        variant_ids: wanted.iter().map(|(_, (variant, _), _)| *variant).collect(),
        currencies: all().map(|new| new.currency.code()).collect(),
        quantities: all().map(|new| new.min_quantity).collect(),
        amounts: all().map(|new| new.amount_minor).collect(),
        compare_ats: all().map(|new| new.compare_at_minor).collect(),
        moments: all().map(|new| new.valid_from).collect(),
    }
    .load(conn)
}

db::statement! {
    struct FindSku { id: i64 => BigInt, list_id: i64 => BigInt } -> Text =
    "SELECT v.sku FROM catalog.list_prices e JOIN catalog.variants v ON v.id = e.variant_id WHERE e.id = $1 AND e.list_id = $2"
}

db::statement! {
    struct Withdraw { id: i64 => BigInt, list_id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.list_prices WHERE id = $1 AND list_id = $2 AND valid_from > clock_timestamp() RETURNING variant_id"
}

/// Takes back a price of a list that is still to come.
///
/// # Errors
///
/// [`WithdrawError::NotFound`], also for a variant that is archived, and [`WithdrawError::InForce`].
pub fn withdraw(
    conn: &mut PgConnection,
    list: PriceListId,
    id: i64,
    actor: Option<UserId>,
) -> Result<(), WithdrawError> {
    let list_id = list.get();
    let sku: Option<String> = FindSku { id, list_id }.get_result(conn).optional()?;
    let sku = sku.and_then(|sku| Sku::try_from(sku).ok());
    let sku = sku.ok_or(WithdrawError::NotFound)?;
    let locked = lock_priced(conn, std::iter::once(&sku))?;
    let (_, variant, product) = locked.into_iter().next().ok_or(WithdrawError::NotFound)?;
    if (Withdraw { id, list_id }.execute(conn)?) == 0 {
        return Err(WithdrawError::InForce);
    }
    Ok(tell(conn, HashSet::from([(variant, product)]), actor)?)
}
