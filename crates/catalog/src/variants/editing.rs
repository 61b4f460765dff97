//! Changing and archiving variants.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text};
use domain::{CustomResource, Money, ProductId, Sku, UserId, VariantId, VariantKind};

use super::lock::{LockedProduct, lock_product, touch};
use super::{VariantError, as_json, kinds};
use crate::custom_fields::attributes::AttributeChanges;
use crate::custom_fields::writing;
use crate::editing;

/// What is to change of [`Traits`](super::Traits); `None` stays, and `Some(None)` is unknown again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraitChanges {
    pub barcode: Option<Option<String>>,
    pub weight_grams: Option<Option<i64>>,
    pub length_mm: Option<Option<i64>>,
    pub width_mm: Option<Option<i64>>,
    pub height_mm: Option<Option<i64>>,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct VariantChanges {
    pub sku: Option<Sku>,
    pub choices: Option<BTreeMap<String, String>>,
    pub price: Option<Money>,
    pub traits: TraitChanges,
    /// Physical or digital; bundles are made by their [`parts`](super::parts).
    pub kind: Option<VariantKind>,
    /// Whether it is to stand for the product from now on. The one that does cannot cease to by itself.
    pub is_default: Option<bool>,
    pub attributes: AttributeChanges,
}

/// A variant as it is before it changes.
#[derive(Queryable)]
pub(super) struct Current {
    version: i64,
    sku: String,
    is_default: bool,
    choices: serde_json::Value,
    title: String,
    #[diesel(deserialize_as = String)]
    pub(super) kind: VariantKind,
}

db::statement! {
    struct ReadVariant { id: i64 => BigInt, product_id: i64 => BigInt } -> (BigInt, Text, Bool, Jsonb, Text, Text) =
    "SELECT version, sku, is_default, choices, title, kind FROM catalog.variants \
      WHERE id = $1 AND product_id = $2 AND archived_at IS NULL"
}

db::statement! {
    struct UpdateVariant {
        id: i64 => BigInt,
        sku: String => Text,
        choices: serde_json::Value => Jsonb,
        title: String => Text,
    } -> BigInt =
    "UPDATE catalog.variants SET sku = $2, choices = $3, title = $4, version = version + 1 WHERE id = $1 RETURNING id"
}

db::statement! {
    /// Each value is written where the flag before it says so.
    struct SetTraits {
        id: i64 => BigInt,
        sets_barcode: bool => Bool,
        barcode: Option<String> => Nullable<Text>,
        sets_weight: bool => Bool,
        weight: Option<i64> => Nullable<BigInt>,
        sets_length: bool => Bool,
        length: Option<i64> => Nullable<BigInt>,
        sets_width: bool => Bool,
        width: Option<i64> => Nullable<BigInt>,
        sets_height: bool => Bool,
        height: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "UPDATE catalog.variants SET barcode = CASE WHEN $2 THEN $3 ELSE barcode END, \
            weight_grams = CASE WHEN $4 THEN $5 ELSE weight_grams END, \
            length_mm = CASE WHEN $6 THEN $7 ELSE length_mm END, \
            width_mm = CASE WHEN $8 THEN $9 ELSE width_mm END, \
            height_mm = CASE WHEN $10 THEN $11 ELSE height_mm END \
      WHERE id = $1 RETURNING id"
}

db::statement! {
    struct ClearDefault { product_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET is_default = false, version = version + 1 \
      WHERE product_id = $1 AND is_default RETURNING id"
}

db::statement! {
    /// After the other one has ceased to be it: a unique index is checked row by row.
    struct SetDefault { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET is_default = true WHERE id = $1 RETURNING id"
}

db::statement! {
    struct ArchiveVariant { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET archived_at = now(), version = version + 1 WHERE id = $1 RETURNING id"
}

/// Changes a variant that is on sale.
///
/// # Errors
///
/// [`VariantError::ProductNotFound`], [`VariantError::NotFound`], [`VariantError::Stale`] when `expected_version` is not the current one,
/// and what the new values are refused for, with index 0.
pub fn update(
    conn: &mut PgConnection,
    (product_id, id): (ProductId, VariantId),
    changes: VariantChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    let (product, current) = lock(conn, product_id, id, expected_version)?;
    let Current {
        sku,
        is_default,
        mut choices,
        mut title,
        kind,
        ..
    } = current;
    if let Some(wanted) = changes.choices {
        let chosen = product.options.choose(&wanted);
        let chosen = chosen.map_err(|error| VariantError::Choices(0, error))?;
        (choices, title) = (as_json(&chosen), chosen.title());
    }
    UpdateVariant {
        id: id.get(),
        sku: changes.sku.map_or(sku, |sku| sku.as_str().to_owned()),
        choices,
        title,
    }
    .execute(conn)?;
    set_traits(conn, id, changes.traits)?;
    match changes.kind {
        Some(wanted) if wanted != kind && [wanted, kind].contains(&VariantKind::Bundle) => {
            return Err(VariantError::IsBundle);
        }
        Some(wanted) => kinds::change(conn, id, kind, wanted)?,
        None => {}
    }
    writing::write(conn, CustomResource::Variant, id.get(), changes.attributes)
        .map_err(|error| VariantError::of_attributes(0, error))?;
    if let Some(price) = changes.price {
        editing::insert_price(conn, id, price)?;
    }
    if changes.is_default == Some(false) && is_default {
        return Err(VariantError::IsDefault);
    }
    if changes.is_default == Some(true) && !is_default {
        ClearDefault {
            product_id: product.id.get(),
        }
        .execute(conn)?;
        SetDefault { id: id.get() }.execute(conn)?;
    }
    touch(conn, product.id, 0, actor)
}

fn set_traits(conn: &mut PgConnection, id: VariantId, changes: TraitChanges) -> QueryResult<()> {
    if changes == TraitChanges::default() {
        return Ok(());
    }
    SetTraits {
        id: id.get(),
        sets_barcode: changes.barcode.is_some(),
        barcode: changes.barcode.flatten(),
        sets_weight: changes.weight_grams.is_some(),
        weight: changes.weight_grams.flatten(),
        sets_length: changes.length_mm.is_some(),
        length: changes.length_mm.flatten(),
        sets_width: changes.width_mm.is_some(),
        width: changes.width_mm.flatten(),
        sets_height: changes.height_mm.is_some(),
        height: changes.height_mm.flatten(),
    }
    .execute(conn)?;
    Ok(())
}

/// Takes a variant off sale. Orders keep what they copied of it, and stock what was promised.
///
/// # Errors
///
/// [`VariantError::NotFound`], [`VariantError::Stale`], and [`VariantError::IsDefault`].
pub fn archive(
    conn: &mut PgConnection,
    (product_id, id): (ProductId, VariantId),
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    let (product, current) = lock(conn, product_id, id, expected_version)?;
    if current.is_default {
        return Err(VariantError::IsDefault);
    }
    ArchiveVariant { id: id.get() }.execute(conn)?;
    touch(conn, product.id, -1, actor)
}

/// Locks a product, and reads one of its variants.
pub(super) fn lock(
    conn: &mut PgConnection,
    product_id: ProductId,
    id: VariantId,
    expected_version: Option<i64>,
) -> Result<(LockedProduct, Current), VariantError> {
    let product = lock_product(conn, product_id)?;
    let current: Option<Current> = ReadVariant {
        id: id.get(),
        product_id: product_id.get(),
    }
    .get_result(conn)
    .optional()?;
    let current = current.ok_or(VariantError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != current.version) {
        return Err(VariantError::Stale(current.version));
    }
    Ok((product, current))
}
