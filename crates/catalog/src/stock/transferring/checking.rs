//! Whether what is to be moved is there and free, under the locks it needs.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{LocationId, VariantId};

use super::{Moved, NewLine, TransferError};
use crate::stock::{MAX_ON_HAND, holds};

db::statement! {
    /// Also those that are not on sale any more: what is left of them is somewhere.
    struct FindVariants { ids: Vec<Option<i64>> => Array<Nullable<BigInt>>, skus: Vec<Option<String>> => Array<Nullable<Text>> }
        -> Nullable<BigInt> =
    "SELECT coalesce(i.id, s.id) FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (id, sku, position) \
       LEFT JOIN catalog.variants i ON i.id = w.id LEFT JOIN catalog.variants s ON s.sku = w.sku ORDER BY w.position"
}

db::statement! {
    struct FindLocations { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.locations WHERE id = ANY($1) ORDER BY id FOR KEY SHARE"
}

db::statement! {
    /// Whoever writes any level of a variant does this first.
    struct LockVariants { ids: Vec<i64> => Array<BigInt> } -> (BigInt, Bool) =
    "SELECT variant_id, keeps_stock FROM catalog.stock_levels WHERE variant_id = ANY($1) AND location_id = 1 ORDER BY variant_id FOR UPDATE"
}

db::statement! {
    struct CreateLevels { variant_ids: Vec<i64> => Array<BigInt>, location_ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "INSERT INTO catalog.stock_levels (variant_id, location_id) \
     SELECT DISTINCT v, l FROM unnest($1::bigint[], $2::bigint[]) AS w (v, l) ORDER BY v, l \
         ON CONFLICT DO NOTHING RETURNING variant_id"
}

db::statement! {
    /// In a statement of its own: one that waited for locks would not see levels that were made meanwhile.
    struct ReadLevels { variant_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt, BigInt, BigInt) =
    "SELECT variant_id, location_id, on_hand, greatest(on_hand - safety - reserved, 0) \
       FROM catalog.stock_levels WHERE variant_id = ANY($1)"
}

/// Locks what the lines name, makes levels where there are none yet, and returns each line's variant.
pub(super) fn lock(
    conn: &mut PgConnection,
    lines: &[NewLine],
) -> Result<Vec<VariantId>, TransferError> {
    let named: Vec<&Moved> = lines.iter().map(|line| &line.moved).collect();
    let variants = variants_of(conn, &named)?;
    refuse_unknown_locations(conn, lines)?;
    let ids: Vec<i64> = variants.iter().map(|id| id.get()).collect();
    let locked: HashMap<i64, bool> =
        HashMap::from_iter(LockVariants { ids: ids.clone() }.load(conn)?);
    for (line, id) in ids.iter().enumerate() {
        match locked.get(id) {
            None => return Err(TransferError::UnknownVariant(line)),
            Some(false) => return Err(TransferError::NotStocked(line)),
            Some(true) => {}
        }
    }
    let create = CreateLevels {
        variant_ids: ids.clone(),
        location_ids: lines.iter().map(|line| line.to.get()).collect(),
    };
    create.execute(conn)?;
    holds::release_expired(conn, ids.clone())?;
    refuse_what_does_not_fit(conn, lines, &ids)?;
    Ok(variants)
}

/// The variants that lines name, in their order.
///
/// # Errors
///
/// [`TransferError::UnknownVariant`] with the first line that names none.
pub fn variants_of(
    conn: &mut PgConnection,
    lines: &[&Moved],
) -> Result<Vec<VariantId>, TransferError> {
    let id = |moved: &&Moved| match moved {
        Moved::Variant(id) => Some(id.get()),
        Moved::Sku(_) => None,
    };
    let sku = |moved: &&Moved| match moved {
        Moved::Variant(_) => None,
        Moved::Sku(sku) => Some(sku.as_str().to_owned()),
    };
    let find = FindVariants {
        ids: lines.iter().map(id).collect(),
        skus: lines.iter().map(sku).collect(),
    };
    let found: Vec<Option<i64>> = find.load(conn)?;
    let known = |(line, found): (usize, Option<i64>)| {
        let id = found.and_then(|id| id.try_into().ok());
        id.ok_or(TransferError::UnknownVariant(line))
    };
    found.into_iter().enumerate().map(known).collect()
}

/// Nobody deletes those that are there until the transaction ends.
fn refuse_unknown_locations(
    conn: &mut PgConnection,
    lines: &[NewLine],
) -> Result<(), TransferError> {
    let named: BTreeSet<LocationId> = lines.iter().flat_map(|line| [line.from, line.to]).collect();
    let ids = named.into_iter().map(LocationId::get).collect();
    let known: HashSet<i64> = HashSet::from_iter(FindLocations { ids }.load(conn)?);
    for (index, line) in lines.iter().enumerate() {
        for location in [line.from, line.to] {
            if !known.contains(&location.get()) {
                return Err(TransferError::UnknownLocation {
                    line: index,
                    location,
                });
            }
        }
    }
    Ok(())
}

/// Units that come are not among those that may go: the lines do not depend on their order.
fn refuse_what_does_not_fit(
    conn: &mut PgConnection,
    lines: &[NewLine],
    variants: &[i64],
) -> Result<(), TransferError> {
    let read = ReadLevels {
        variant_ids: variants.to_vec(),
    };
    let levels: HashMap<(i64, i64), (i64, i64)> = read
        .load::<(i64, i64, i64, i64)>(conn)?
        .into_iter()
        .map(|(variant, location, on_hand, free)| ((variant, location), (on_hand, free)))
        .collect();
    let (mut going, mut coming) = (HashMap::new(), HashMap::new());
    for (variant, line) in variants.iter().zip(lines) {
        for (units, location) in [(&mut going, line.from), (&mut coming, line.to)] {
            let all: &mut i64 = units.entry((*variant, location.get())).or_default();
            *all = all.saturating_add(line.quantity);
        }
    }
    let mut short = Vec::new();
    for (index, (variant, line)) in variants.iter().zip(lines).enumerate() {
        let (from, to) = ((*variant, line.from.get()), (*variant, line.to.get()));
        let free = levels.get(&from).map_or(0, |(_, free)| *free);
        if going[&from] > free {
            short.push((index, free));
        }
        let there = levels.get(&to).map_or(0, |(on_hand, _)| *on_hand);
        if coming[&to].saturating_add(there) > MAX_ON_HAND {
            return Err(TransferError::TooMany(index));
        }
    }
    if short.is_empty() {
        return Ok(());
    }
    Err(TransferError::Insufficient(short))
}
