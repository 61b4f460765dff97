//! Adding, changing and archiving variants, all under the lock of their product.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text};
use domain::{Choices, InvalidChoices, Money, Options, ProductId, Sku, UserId, VariantId};

use crate::editing;

/// Most variants of one product.
pub const MAX_VARIANTS: usize = 10_000;

/// What is measured of a variant, and printed on it. `None` where nobody has said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    pub barcode: Option<String>,
    pub weight_grams: Option<i64>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
}

/// What is to change of [`Traits`]; `None` stays, and `Some(None)` is unknown again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraitChanges {
    pub barcode: Option<Option<String>>,
    pub weight_grams: Option<Option<i64>>,
    pub length_mm: Option<Option<i64>>,
    pub width_mm: Option<Option<i64>>,
    pub height_mm: Option<Option<i64>>,
}

/// A variant to be added.
#[derive(Clone, Debug)]
pub struct NewVariant {
    pub sku: Sku,
    /// A value for each option of the product, by the option's name.
    pub choices: BTreeMap<String, String>,
    pub price: Money,
    /// Counted units.
    pub on_hand: i64,
    pub traits: Traits,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct VariantChanges {
    pub sku: Option<Sku>,
    pub choices: Option<BTreeMap<String, String>>,
    pub price: Option<Money>,
    pub traits: TraitChanges,
    /// Whether it is to stand for the product from now on. The one that does cannot cease to by itself.
    pub is_default: Option<bool>,
}

/// Why a variant was not written. An index counts the variants of the request from 0.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    #[error("no such product on sale")]
    ProductNotFound,
    #[error("the product has version {0} by now")]
    StaleProduct(i64),
    #[error("no such variant on sale")]
    NotFound,
    #[error("the variant has version {0} by now")]
    Stale(i64),
    #[error("the variant `{0}` has an option or a value that would go")]
    OptionInUse(String),
    #[error("the product has no options")]
    NoOptions,
    #[error("a product has at most {MAX_VARIANTS} variants")]
    TooMany,
    #[error("`{0}` makes no SKU")]
    NoSku(String),
    /// Which one is not known where somebody else was faster.
    #[error("the SKU of variant {0:?} is taken")]
    SkuTaken(Option<usize>),
    #[error("the SKU `{0}` that the matrix makes is taken")]
    GeneratedSkuTaken(String),
    #[error("another variant has the choices of variant {0:?}")]
    ChoicesTaken(Option<usize>),
    #[error("variant {0}: {1}")]
    Choices(usize, InvalidChoices),
    #[error("the default variant stands for its product")]
    IsDefault,
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for VariantError {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) = &error {
            match info.constraint_name() {
                Some("variants_sku_key") => return Self::SkuTaken(None),
                Some("variants_choices_key") => return Self::ChoicesTaken(None),
                _ => {}
            }
        }
        Self::Db(error)
    }
}

/// A product on sale that nobody else changes until the transaction ends.
pub(super) struct LockedProduct {
    id: ProductId,
    pub(super) version: i64,
    pub(super) options: Options,
    variant_count: i32,
}

db::statement! {
    struct LockProduct { id: i64 => BigInt } -> (BigInt, Jsonb, Integer) =
    "SELECT version, options, variant_count FROM catalog.products WHERE id = $1 AND archived_at IS NULL FOR UPDATE"
}

db::statement! {
    struct TouchProduct { id: i64 => BigInt, more_variants: i32 => Integer } -> BigInt =
    "UPDATE catalog.products SET version = version + 1, updated_at = now(), variant_count = variant_count + $2 \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    struct FindTakenSkus { skus: Vec<String> => Array<Text> } -> Text =
    "SELECT sku FROM catalog.variants WHERE sku = ANY($1)"
}

db::statement! {
    struct FindTakenChoices { product_id: i64 => BigInt, choices: Vec<serde_json::Value> => Array<Jsonb> } -> Jsonb =
    "SELECT v.choices FROM unnest($2::jsonb[]) AS w (choices) \
      CROSS JOIN LATERAL (SELECT choices FROM catalog.variants \
             WHERE product_id = $1 AND md5(choices::text) = md5(w.choices::text) \
               AND archived_at IS NULL AND choices <> '{}' LIMIT 1) v"
}

db::statement! {
    struct InsertVariants {
        product_id: i64 => BigInt,
        skus: Vec<String> => Array<Text>,
        choices: Vec<serde_json::Value> => Array<Jsonb>,
        titles: Vec<String> => Array<Text>,
        barcodes: Vec<Option<String>> => Array<Nullable<Text>>,
        weights: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        lengths: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        widths: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        heights: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        amounts: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        on_hand: Vec<i64> => Array<BigInt>,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "WITH input AS MATERIALIZED ( \
       SELECT nextval('catalog.variants_id_seq') AS id, i.* \
         FROM unnest($2::text[], $3::jsonb[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], \
                     $9::bigint[], $10::bigint[], $11::text[], $12::bigint[]) WITH ORDINALITY \
           AS i (sku, choices, title, barcode, weight, length, width, height, amount, currency, on_hand, position) \
     ), variants AS ( \
       INSERT INTO catalog.variants (id, product_id, sku, is_default, choices, title, barcode, weight_grams, \
                                     length_mm, width_mm, height_mm) OVERRIDING SYSTEM VALUE \
       SELECT id, $1, sku, false, choices, title, barcode, weight, length, width, height FROM input \
     ), prices AS ( \
       INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, currency, amount FROM input \
     ), levels AS ( \
       INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, on_hand FROM input \
     ), movements AS ( \
       INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, actor_id) \
       SELECT id, 1, on_hand, 0, 'initial', $13 FROM input WHERE on_hand <> 0 \
     ) SELECT id FROM input ORDER BY position"
}

/// Adds variants to a product, all or none, and returns their ids in order.
///
/// # Errors
///
/// [`VariantError`] with the first variant that is at fault.
pub fn create_all(
    conn: &mut PgConnection,
    product_id: ProductId,
    new: &[NewVariant],
    actor: Option<UserId>,
) -> Result<Vec<VariantId>, VariantError> {
    let product = lock_product(conn, product_id)?;
    insert(conn, &product, new, actor)
}

pub(super) fn insert(
    conn: &mut PgConnection,
    product: &LockedProduct,
    new: &[NewVariant],
    actor: Option<UserId>,
) -> Result<Vec<VariantId>, VariantError> {
    let more = i32::try_from(new.len()).map_err(|_| VariantError::TooMany)?;
    let all = product.variant_count.saturating_add(more);
    if usize::try_from(all).is_ok_and(|all| all > MAX_VARIANTS) {
        return Err(VariantError::TooMany);
    }
    let choose = |(index, variant): (usize, &NewVariant)| {
        let chosen = product.options.choose(&variant.choices);
        chosen.map_err(|error| VariantError::Choices(index, error))
    };
    let choices: Vec<Choices> = new
        .iter()
        .enumerate()
        .map(choose)
        .collect::<Result<_, _>>()?;
    refuse_taken(conn, product.id, new, &choices)?;
    let traits = |field: fn(&Traits) -> Option<i64>| new.iter().map(|v| field(&v.traits)).collect();
    let inserted: Vec<i64> = InsertVariants {
        product_id: product.id.get(),
        skus: new.iter().map(|v| v.sku.as_str().to_owned()).collect(),
        choices: choices.iter().map(as_json).collect(),
        titles: choices.iter().map(Choices::title).collect(),
        barcodes: new.iter().map(|v| v.traits.barcode.clone()).collect(),
        weights: traits(|t| t.weight_grams),
        lengths: traits(|t| t.length_mm),
        widths: traits(|t| t.width_mm),
        heights: traits(|t| t.height_mm),
        amounts: new.iter().map(|v| v.price.minor()).collect(),
        currencies: new.iter().map(|v| v.price.currency().code()).collect(),
        on_hand: new.iter().map(|v| v.on_hand).collect(),
        actor_id: actor.map(UserId::get),
    }
    .load(conn)?;
    touch(conn, product.id, more, actor)?;
    Ok(inserted
        .into_iter()
        .filter_map(|id| id.try_into().ok())
        .collect())
}

/// Names the variant that is at fault, which a constraint would not.
fn refuse_taken(
    conn: &mut PgConnection,
    product_id: ProductId,
    new: &[NewVariant],
    choices: &[Choices],
) -> Result<(), VariantError> {
    let skus = new.iter().map(|v| v.sku.as_str().to_owned()).collect();
    let mut taken_skus: HashSet<String> = HashSet::from_iter(FindTakenSkus { skus }.load(conn)?);
    let json: Vec<serde_json::Value> = choices.iter().map(as_json).collect();
    let mut taken_choices: HashSet<serde_json::Value> = HashSet::from_iter(
        FindTakenChoices {
            product_id: product_id.get(),
            choices: json.clone(),
        }
        .load(conn)?,
    );
    for (index, (variant, choices)) in new.iter().zip(json).enumerate() {
        if !taken_skus.insert(variant.sku.as_str().to_owned()) {
            return Err(VariantError::SkuTaken(Some(index)));
        }
        let is_new = taken_choices.insert(choices);
        // Without options a second variant would have nothing that tells it from the first one.
        if !is_new || variant.choices.is_empty() {
            return Err(VariantError::ChoicesTaken(Some(index)));
        }
    }
    Ok(())
}

type Current = (i64, String, bool, serde_json::Value, String);

db::statement! {
    struct ReadVariant { id: i64 => BigInt, product_id: i64 => BigInt } -> (BigInt, Text, Bool, Jsonb, Text) =
    "SELECT version, sku, is_default, choices, title FROM catalog.variants \
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
    let (_, sku, is_default, mut choices, mut title) = current;
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
    let (product, (_, _, is_default, ..)) = lock(conn, product_id, id, expected_version)?;
    if is_default {
        return Err(VariantError::IsDefault);
    }
    ArchiveVariant { id: id.get() }.execute(conn)?;
    touch(conn, product.id, -1, actor)
}

/// Locks a product, and reads one of its variants.
fn lock(
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
    if expected_version.is_some_and(|expected| expected != current.0) {
        return Err(VariantError::Stale(current.0));
    }
    Ok((product, current))
}

pub(super) fn lock_product(
    conn: &mut PgConnection,
    id: ProductId,
) -> Result<LockedProduct, VariantError> {
    let locked = LockProduct { id: id.get() }
        .get_result::<(i64, serde_json::Value, i32)>(conn)
        .optional()?;
    let (version, options, variant_count) = locked.ok_or(VariantError::ProductNotFound)?;
    Ok(LockedProduct {
        id,
        version,
        options: super::read_options(options)?,
        variant_count,
    })
}

fn touch(
    conn: &mut PgConnection,
    id: ProductId,
    more_variants: i32,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    let version = TouchProduct {
        id: id.get(),
        more_variants,
    }
    .get_result(conn)?;
    announce(conn, id, version, actor)
}

pub(super) fn announce(
    conn: &mut PgConnection,
    id: ProductId,
    version: i64,
    actor: Option<UserId>,
) -> Result<(), VariantError> {
    Ok(editing::announce(conn, &[(id, version)], actor)?)
}

/// As it is stored: an object of texts.
pub(super) fn as_json(choices: &Choices) -> serde_json::Value {
    let by_name: HashMap<&str, &str> = choices
        .as_slice()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    serde_json::json!(by_name)
}
