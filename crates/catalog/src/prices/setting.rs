//! Many prices at once, for now or for later, in a fixed number of statements.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use domain::{Money, ProductId, Sku, UserId, VariantId};

use crate::editing;

/// A price to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrice {
    pub sku: Sku,
    pub price: Money,
    /// `None` for now, by the clock of the database.
    pub valid_from: Option<DateTime<Utc>>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force.
    Set,
    /// It will be.
    Scheduled,
    /// It was in force already.
    Unchanged,
    /// No variant that is not archived has the SKU.
    UnknownSku,
    /// Another one before it is of the same SKU, currency and moment.
    Repeated,
    /// Its moment has passed.
    Past,
}

db::statement! {
    /// Locks products in id order, as every writer does.
    struct LockPriced { skus: Vec<String> => Array<Text> } -> (Text, BigInt, BigInt) =
    "SELECT v.sku, v.id, p.id FROM (SELECT DISTINCT unnest($1::text[]) AS sku) w \
       JOIN catalog.variants v ON v.sku = w.sku AND v.archived_at IS NULL \
       JOIN catalog.products p ON p.id = v.product_id AND p.archived_at IS NULL \
      ORDER BY p.id FOR UPDATE OF p"
}

db::statement! {
    /// Not in the statement that waits for the locks: it would compare with prices as they were before.
    struct SetNow {
        variant_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        amounts: Vec<i64> => Array<BigInt>,
    } -> (BigInt, Text) =
    "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
     SELECT w.variant_id, w.currency, w.amount, clock_timestamp() \
       FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS w (variant_id, currency, amount) \
      WHERE w.amount IS DISTINCT FROM (SELECT amount_minor FROM catalog.prices \
              WHERE variant_id = w.variant_id AND currency = w.currency AND valid_from <= statement_timestamp() \
              ORDER BY valid_from DESC, id DESC LIMIT 1) \
     RETURNING variant_id, currency"
}

db::statement! {
    /// What was to be in force from the same moment on is replaced: nobody has seen it.
    struct Schedule {
        variant_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        amounts: Vec<i64> => Array<BigInt>,
        moments: Vec<DateTime<Utc>> => Array<Timestamptz>,
    } -> (BigInt, Text, Timestamptz) =
    "WITH wanted AS MATERIALIZED ( \
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[]) AS w (variant_id, currency, amount, moment) \
        WHERE moment > clock_timestamp() \
     ), replaced AS ( \
       DELETE FROM catalog.prices p USING wanted w \
        WHERE p.variant_id = w.variant_id AND p.currency = w.currency AND p.valid_from = w.moment \
     ) INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from, scheduled) \
       SELECT variant_id, currency, amount, moment, true FROM wanted RETURNING variant_id, currency, valid_from"
}

db::statement! {
    struct CountChanges { variant_ids: Vec<i64> => Array<BigInt>, product_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "WITH variants AS (UPDATE catalog.variants SET version = version + 1 WHERE id = ANY($1)) \
     UPDATE catalog.products SET version = version + 1, updated_at = now() WHERE id = ANY($2) RETURNING id, version"
}

db::statement! {
    struct Withdraw { id: i64 => BigInt, variant_id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.prices WHERE id = $1 AND variant_id = $2 AND valid_from > clock_timestamp() RETURNING id"
}

db::statement! {
    struct FindPrice { id: i64 => BigInt, variant_id: i64 => BigInt } -> BigInt =
    "SELECT id FROM catalog.prices WHERE id = $1 AND variant_id = $2"
}

/// Sets prices, and tells what became of each. What cannot be set is not written; the caller decides about the others.
///
/// # Errors
///
/// Those of the database.
pub fn set_all(
    conn: &mut PgConnection,
    prices: &[NewPrice],
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
        let outcome = match variants.get(new.sku.as_str()) {
            None => Outcome::UnknownSku,
            Some((variant, _))
                if !seen.insert((*variant, new.price.currency(), micros(new.valid_from))) =>
            {
                Outcome::Repeated
            }
            Some((variant, _)) => {
                wanted.push((outcomes.len(), *variant, new));
                new.valid_from.map_or(Outcome::Unchanged, |_| Outcome::Past)
            }
        };
        outcomes.push(outcome);
    }

    let set = set_now(conn, &wanted)?;
    let scheduled = schedule(conn, &wanted)?;
    let mut changed = HashSet::new();
    for (index, variant, new) in wanted {
        let code = new.price.currency().code();
        let happened = match new.valid_from {
            None => set
                .contains(&(variant, code.to_owned()))
                .then_some(Outcome::Set),
            Some(moment) => scheduled
                .contains(&(variant, code.to_owned(), moment.timestamp_micros()))
                .then_some(Outcome::Scheduled),
        };
        if let Some(happened) = happened {
            outcomes[index] = happened;
            changed.extend(variants.get(new.sku.as_str()));
        }
    }
    tell(conn, changed, actor)?;
    Ok(outcomes)
}

/// Locks the products of variants that are not archived: SKU, variant and product.
pub(super) fn lock_priced<'s>(
    conn: &mut PgConnection,
    skus: impl Iterator<Item = &'s Sku>,
) -> QueryResult<Vec<(String, i64, i64)>> {
    let skus = skus.map(|sku| sku.as_str().to_owned()).collect();
    LockPriced { skus }.load(conn)
}

/// As the database tells moments apart.
fn micros(moment: Option<DateTime<Utc>>) -> Option<i64> {
    moment.map(|moment| moment.timestamp_micros())
}

type Wanted<'p> = (usize, i64, &'p NewPrice);

fn set_now(conn: &mut PgConnection, wanted: &[Wanted<'_>]) -> QueryResult<HashSet<(i64, String)>> {
    let now = || wanted.iter().filter(|(_, _, new)| new.valid_from.is_none());
    let statement = SetNow {
        variant_ids: now().map(|(_, variant, _)| *variant).collect(),
        currencies: now().map(|(.., new)| new.price.currency().code()).collect(),
        amounts: now().map(|(.., new)| new.price.minor()).collect(),
    };
    let set: Vec<(i64, String)> = statement.load(conn)?;
    Ok(set.into_iter().collect())
}

fn schedule(
    conn: &mut PgConnection,
    wanted: &[Wanted<'_>],
) -> QueryResult<HashSet<(i64, String, i64)>> {
    let later = || {
        let moment = |(_, variant, new): &Wanted<'_>| Some((*variant, new.price, new.valid_from?));
        wanted.iter().filter_map(moment)
    };
    let statement = Schedule {
        variant_ids: later().map(|(variant, ..)| variant).collect(),
        currencies: later()
            .map(|(_, price, _)| price.currency().code())
            .collect(),
        amounts: later().map(|(_, price, _)| price.minor()).collect(),
        moments: later().map(|(.., moment)| moment).collect(),
    };
    let scheduled: Vec<(i64, String, DateTime<Utc>)> = statement.load(conn)?;
    let micros = |(variant, code, moment): (i64, String, DateTime<Utc>)| {
        (variant, code, moment.timestamp_micros())
    };
    Ok(scheduled.into_iter().map(micros).collect())
}

/// Counts the change up in each variant and product, and announces it.
pub(super) fn tell(
    conn: &mut PgConnection,
    changed: HashSet<(i64, i64)>,
    actor: Option<UserId>,
) -> QueryResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let (variant_ids, product_ids) = changed.into_iter().unzip();
    let statement = CountChanges {
        variant_ids,
        product_ids,
    };
    let versions: Vec<(i64, i64)> = statement.load(conn)?;
    let products: Vec<(ProductId, i64)> = versions
        .into_iter()
        .filter_map(|(id, version)| Some((id.try_into().ok()?, version)))
        .collect();
    editing::announce(conn, &products, actor)
}

/// Why a price was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    #[error("the variant has no such price")]
    NotFound,
    #[error("the price is or was in force")]
    InForce,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Takes back a price that is still to come, of the variant with this id and SKU.
///
/// # Errors
///
/// [`WithdrawError::NotFound`], also for a variant that is archived, and [`WithdrawError::InForce`].
pub fn withdraw(
    conn: &mut PgConnection,
    (product, variant): (ProductId, VariantId),
    sku: String,
    id: i64,
    actor: Option<UserId>,
) -> Result<(), WithdrawError> {
    let lock = LockPriced { skus: vec![sku] };
    let locked: Option<(String, i64, i64)> = lock.get_result(conn).optional()?;
    let ids = (variant.get(), product.get());
    if locked.is_none_or(|(_, variant, product)| (variant, product) != ids) {
        return Err(WithdrawError::NotFound);
    }
    let variant_id = variant.get();
    let withdrawn = Withdraw { id, variant_id }.execute(conn)?;
    if withdrawn == 0 {
        let found: Option<i64> = FindPrice { id, variant_id }.get_result(conn).optional()?;
        return Err(found.map_or(WithdrawError::NotFound, |_| WithdrawError::InForce));
    }
    Ok(tell(conn, HashSet::from([ids]), actor)?)
}
