//! The options of a product, and the matrix of variants they make.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Text};
use domain::{Choices, Money, Options, ProductId, Sku, UserId, VariantId, VariantKind};

use super::adding::{NewVariant, insert};
use super::lock::{announce, lock_product};
use super::{MAX_VARIANTS, Traits, VariantError, as_json};
use crate::custom_fields::attributes::AttributeChanges;

db::statement! {
    /// Variants whose choices the new options do not have.
    struct FindStranded { product_id: i64 => BigInt, options: serde_json::Value => Jsonb } -> (BigInt, Text) =
    "SELECT v.id, v.sku FROM catalog.variants v \
      WHERE v.product_id = $1 AND v.archived_at IS NULL AND v.choices <> '{}' \
        AND ((SELECT count(*) FROM jsonb_object_keys(v.choices)) <> jsonb_array_length($2) \
             OR EXISTS (SELECT FROM jsonb_array_elements($2) o \
                         WHERE NOT coalesce(o -> 'values' ? (v.choices ->> (o ->> 'name')), false))) \
      ORDER BY v.id LIMIT 1"
}

db::statement! {
    struct SetOptions { product_id: i64 => BigInt, options: serde_json::Value => Jsonb } -> BigInt =
    "UPDATE catalog.products SET options = $2, version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

db::statement! {
    /// Titles name the values in the order of the options, which may have changed.
    struct Retitle { product_id: i64 => BigInt, options: serde_json::Value => Jsonb } -> BigInt =
    "UPDATE catalog.variants v SET title = t.title, version = version + 1 \
       FROM (SELECT x.id, string_agg(x.choices ->> (o.option ->> 'name'), ' / ' ORDER BY o.position) AS title \
               FROM catalog.variants x CROSS JOIN jsonb_array_elements($2) WITH ORDINALITY AS o (option, position) \
              WHERE x.product_id = $1 AND x.archived_at IS NULL AND x.choices <> '{}' GROUP BY x.id) t \
      WHERE v.id = t.id AND v.title <> t.title RETURNING v.id"
}

db::statement! {
    struct ListChoices { product_id: i64 => BigInt } -> (BigInt, Text, Jsonb, Bool) =
    "SELECT id, sku, choices, is_default FROM catalog.variants WHERE product_id = $1 AND archived_at IS NULL"
}

db::statement! {
    struct Choose { id: i64 => BigInt, choices: serde_json::Value => Jsonb, title: String => Text } -> BigInt =
    "UPDATE catalog.variants SET choices = $2, title = $3, version = version + 1 WHERE id = $1 RETURNING id"
}

/// Sets what a product is chosen by and returns the product's new version.
///
/// Variants keep what was chosen for them, so an option or a value that one of them has stays.
///
/// # Errors
///
/// [`VariantError::ProductNotFound`], [`VariantError::StaleProduct`], and [`VariantError::OptionInUse`]
/// with the SKU of a variant that would have no place.
pub fn set_options(
    conn: &mut PgConnection,
    product_id: ProductId,
    options: &Options,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<i64, VariantError> {
    let product = lock_product(conn, product_id)?;
    if expected_version.is_some_and(|expected| expected != product.version) {
        return Err(VariantError::StaleProduct(product.version));
    }
    let stored = serde_json::to_value(options)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let stranded = FindStranded {
        product_id: product_id.get(),
        options: stored.clone(),
    };
    if let Some((_, sku)) = stranded.get_result::<(i64, String)>(conn).optional()? {
        return Err(VariantError::OptionInUse(sku));
    }
    let version = SetOptions {
        product_id: product_id.get(),
        options: stored.clone(),
    }
    .get_result(conn)?;
    Retitle {
        product_id: product_id.get(),
        options: stored,
    }
    .execute(conn)?;
    announce(conn, product_id, version, actor)?;
    Ok(version)
}

/// What the variants of a matrix begin with; each is then a variant like any other.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// SKUs are this and the values, joined by hyphens: `TEE` makes `TEE-M-RED`.
    pub sku_prefix: String,
    pub price: Money,
    /// Counted units of each.
    pub on_hand: i64,
}

/// Most variants that one call adds: what a request can wait for.
pub const MAX_GENERATED: usize = 1_000;

/// What a call of [`generate`] has added, and whether there is more to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub variant_ids: Vec<VariantId>,
    pub has_more: bool,
}

/// Adds combinations of the product's options that no variant has, [`MAX_GENERATED`] at a time.
///
/// The only variant of a product that had no options becomes the first combination.
///
/// # Errors
///
/// [`VariantError::NoOptions`], [`VariantError::TooMany`], [`VariantError::NoSku`] with a combination
/// that makes no SKU, and those of [`create_all`](super::adding::create_all).
pub fn generate(
    conn: &mut PgConnection,
    product_id: ProductId,
    matrix: &Matrix,
    actor: Option<UserId>,
) -> Result<Generated, VariantError> {
    let product = lock_product(conn, product_id)?;
    if product.options.as_slice().is_empty() {
        return Err(VariantError::NoOptions);
    }
    if product
        .options
        .combinations()
        .is_none_or(|all| all > MAX_VARIANTS)
    {
        return Err(VariantError::TooMany);
    }
    let known: Vec<(i64, String, serde_json::Value, bool)> = ListChoices {
        product_id: product_id.get(),
    }
    .load(conn)?;
    let taken: HashSet<&serde_json::Value> =
        known.iter().map(|(_, _, choices, _)| choices).collect();
    let mut missing: Vec<Choices> = product
        .options
        .matrix()
        .filter(|choices| !taken.contains(&as_json(choices)))
        .take(MAX_GENERATED + 1)
        .collect();
    if missing.is_empty() {
        return Ok(Generated {
            variant_ids: Vec::new(),
            has_more: false,
        });
    }
    let has_more = missing.len() > MAX_GENERATED;
    missing.truncate(MAX_GENERATED);
    let undecided = known.iter().find(|(_, _, choices, is_default)| {
        *is_default && choices.as_object().is_some_and(|c| c.is_empty())
    });
    if let Some((id, ..)) = undecided {
        let first = missing.remove(0);
        Choose {
            id: *id,
            choices: as_json(&first),
            title: first.title(),
        }
        .execute(conn)?;
    }
    let mut made: HashSet<Sku> = known
        .iter()
        .filter_map(|(_, sku, ..)| sku.parse().ok())
        .collect();
    let new = missing.into_iter().map(|choices| {
        Ok(NewVariant {
            sku: sku(&matrix.sku_prefix, &choices, &mut made)?,
            choices: choices.as_slice().iter().cloned().collect(),
            price: matrix.price,
            kind: VariantKind::Physical,
            on_hand: matrix.on_hand,
            traits: Traits::default(),
            attributes: AttributeChanges::default(),
        })
    });
    let new = new.collect::<Result<Vec<_>, VariantError>>()?;
    let inserted = insert(conn, &product, &new, actor).map_err(|error| match error {
        VariantError::SkuTaken(Some(index)) if index < new.len() => {
            VariantError::GeneratedSkuTaken(new[index].sku.to_string())
        }
        other => other,
    });
    Ok(Generated {
        variant_ids: inserted?,
        has_more,
    })
}

/// Letters and digits of each value in capitals; what lies between them is left out. Values that look the
/// same then, such as `1.5` and `15`, are told apart by a number.
fn sku(prefix: &str, choices: &Choices, made: &mut HashSet<Sku>) -> Result<Sku, VariantError> {
    let mut text = prefix.to_owned();
    for value in choices.values() {
        text.push('-');
        text.extend(
            value
                .chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_uppercase),
        );
    }
    let no_sku = || VariantError::NoSku(choices.title());
    let mut sku: Sku = text.parse().map_err(|_| no_sku())?;
    let mut number = 2;
    while !made.insert(sku.clone()) {
        sku = format!("{text}-{number}").parse().map_err(|_| no_sku())?;
        number += 1;
    }
    Ok(sku)
}
