//! What bundles are made of.
//!
//! A variant with parts is a bundle: it has no stock, and as many can be had as its parts make. Parts are no bundles. They
//! are written under the locks of the products of the bundle and of all its parts, so that nobody makes a part a bundle
//! meanwhile; orders copy what they took.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use domain::{ProductId, UserId, VariantId, VariantKind};

use super::lock::touch;
use super::{VariantError, editing, kinds};
use crate::editing::lock_all;

/// Most parts of one bundle.
pub const MAX_PARTS: usize = 50;
/// Most units of a part in one of a bundle.
pub const MAX_QUANTITY: i64 = 10_000;

/// So many units of a variant in one of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPart {
    pub variant_id: VariantId,
    /// 1 to [`MAX_QUANTITY`].
    pub quantity: i64,
}

/// A part of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Part {
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    pub sku: String,
    #[diesel(deserialize_as = String)]
    pub kind: VariantKind,
    /// Whether it has left the shop: the bundle cannot be bought any more.
    pub is_archived: bool,
    /// Units in one of the bundle.
    pub quantity: i64,
}

db::statement! {
    /// Each bundle is looked up by itself.
    struct ListParts { bundle_ids: Vec<i64> => Array<BigInt> } -> (BigInt, (BigInt, BigInt, Text, Text, Bool, BigInt)) =
    "SELECT b.bundle_id, b.part_id, v.product_id, v.sku, v.kind, v.archived_at IS NOT NULL, b.quantity \
       FROM unnest($1::bigint[]) AS w (id) \
      CROSS JOIN LATERAL (SELECT * FROM catalog.bundle_parts WHERE bundle_id = w.id ORDER BY position) b \
       JOIN catalog.variants v ON v.id = b.part_id ORDER BY b.bundle_id, b.position"
}

db::statement! {
    struct FindKinds { ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text) =
    "SELECT id, kind FROM catalog.variants WHERE id = ANY($1) AND archived_at IS NULL"
}

db::statement! {
    struct FindBundle { part_id: i64 => BigInt } -> Text =
    "SELECT v.sku FROM catalog.bundle_parts b JOIN catalog.variants v ON v.id = b.bundle_id WHERE b.part_id = $1 \
        AND v.archived_at IS NULL ORDER BY b.bundle_id LIMIT 1"
}

db::statement! {
    struct RemoveParts { bundle_id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.bundle_parts WHERE bundle_id = $1 RETURNING part_id"
}

db::statement! {
    struct InsertParts {
        bundle_id: i64 => BigInt,
        part_ids: Vec<i64> => Array<BigInt>,
        positions: Vec<i32> => Array<Integer>,
        quantities: Vec<i64> => Array<BigInt>,
    } -> BigInt =
    "INSERT INTO catalog.bundle_parts (bundle_id, part_id, position, quantity) \
     SELECT $1, p.part_id, p.position, p.quantity FROM unnest($2::bigint[], $3::int[], $4::bigint[]) AS p (part_id, position, quantity) \
     RETURNING part_id"
}

db::statement! {
    struct CountChange { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET version = version + 1 WHERE id = $1 RETURNING version"
}

/// Lists the parts of bundles, each as they were named.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    bundles: &[VariantId],
) -> QueryResult<HashMap<VariantId, Vec<Part>>> {
    let mut parts = HashMap::<VariantId, Vec<Part>>::new();
    if bundles.is_empty() {
        return Ok(parts);
    }
    let bundle_ids = bundles.iter().map(|id| id.get()).collect();
    for (bundle, part) in (ListParts { bundle_ids }).load::<(i64, Part)>(conn)? {
        if let Ok(bundle) = bundle.try_into() {
            parts.entry(bundle).or_default().push(part);
        }
    }
    Ok(parts)
}

/// Says what a variant is made of. With parts it is a bundle; without any it is a physical one again, of which none is
/// there. Orders that were placed keep what they took.
///
/// # Errors
///
/// [`VariantError`]; an index names the part that is at fault. [`VariantError::HasStock`] where units of the variant itself are
/// counted or promised.
pub fn set(
    conn: &mut PgConnection,
    (product_id, id): (ProductId, VariantId),
    parts: &[NewPart],
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    let part_ids: Vec<i64> = parts.iter().map(|part| part.variant_id.get()).collect();
    lock_all(conn, vec![product_id.get()], part_ids.clone())?;
    let (_, current) = editing::lock(conn, product_id, id, expected_version)?;
    refuse_bad_parts(conn, id, parts)?;
    let bundle_id = id.get();
    let kind = match (parts, current.kind) {
        ([], VariantKind::Bundle) => VariantKind::Physical,
        ([], kind) => kind,
        _ => VariantKind::Bundle,
    };
    if kind == VariantKind::Bundle {
        let whole: Option<String> = FindBundle { part_id: bundle_id }
            .get_result(conn)
            .optional()?;
        if let Some(whole) = whole {
            return Err(VariantError::IsPart(whole));
        }
    }
    kinds::change(conn, id, current.kind, kind)?;
    RemoveParts { bundle_id }.execute(conn)?;
    InsertParts {
        bundle_id,
        part_ids,
        positions: (1..).take(parts.len()).collect(),
        quantities: parts.iter().map(|part| part.quantity).collect(),
    }
    .execute(conn)?;
    CountChange { id: bundle_id }.execute(conn)?;
    touch(conn, product_id, 0, actor)
}

fn refuse_bad_parts(
    conn: &mut PgConnection,
    bundle: VariantId,
    parts: &[NewPart],
) -> Result<(), VariantError> {
    let ids = parts.iter().map(|part| part.variant_id.get()).collect();
    let kinds: HashMap<i64, String> = HashMap::from_iter(FindKinds { ids }.load(conn)?);
    let mut named = HashSet::new();
    for (index, part) in parts.iter().enumerate() {
        if part.variant_id == bundle {
            return Err(VariantError::PartOfItself(index));
        }
        if !named.insert(part.variant_id) {
            return Err(VariantError::PartTwice(index));
        }
        match kinds.get(&part.variant_id.get()).map(String::as_str) {
            None => return Err(VariantError::UnknownPart(index)),
            Some("bundle") => return Err(VariantError::PartIsBundle(index)),
            Some(_) => {}
        }
    }
    Ok(())
}
