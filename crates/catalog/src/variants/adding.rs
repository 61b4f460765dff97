//! Adding variants to a product, all or none.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use domain::{Choices, CustomResource, Money, ProductId, Sku, UserId, VariantId, VariantKind};

use super::lock::{LockedProduct, lock_product, touch};
use super::{MAX_VARIANTS, Traits, VariantError, as_json};
use crate::custom_fields::attributes::AttributeChanges;
use crate::custom_fields::writing;

/// A variant to be added.
#[derive(Clone, Debug)]
pub struct NewVariant {
    pub sku: Sku,
    /// A value for each option of the product, by the option's name.
    pub choices: BTreeMap<String, String>,
    pub price: Money,
    /// Physical or digital: bundles are made by their [`parts`](super::parts).
    pub kind: VariantKind,
    /// Counted units; none of what is not physical.
    pub on_hand: i64,
    pub traits: Traits,
    pub attributes: AttributeChanges,
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
        product_ids: Vec<i64> => Array<BigInt>,
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
        are_default: Vec<bool> => Array<Bool>,
        kinds: Vec<&'static str> => Array<Text>,
        keep_stock: Vec<bool> => Array<Bool>,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "WITH input AS MATERIALIZED ( \
       SELECT nextval('catalog.variants_id_seq') AS id, i.* \
         FROM unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], \
                     $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::text[], $15::boolean[]) \
              WITH ORDINALITY \
           AS i (product_id, sku, choices, title, barcode, weight, length, width, height, amount, currency, on_hand, \
                 is_default, kind, keeps_stock, position) \
     ), variants AS ( \
       INSERT INTO catalog.variants (id, product_id, sku, is_default, choices, title, barcode, weight_grams, \
                                     length_mm, width_mm, height_mm, kind) OVERRIDING SYSTEM VALUE \
       SELECT id, product_id, sku, is_default, choices, title, barcode, weight, length, width, height, kind FROM input \
     ), prices AS ( \
       INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, currency, amount FROM input \
     ), levels AS ( \
       INSERT INTO catalog.stock_levels (variant_id, on_hand, keeps_stock) SELECT id, on_hand, keeps_stock FROM input \
     ), movements AS ( \
       INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, actor_id) \
       SELECT id, 1, on_hand, 0, 'initial', $16 FROM input WHERE on_hand <> 0 \
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
    let additions: Vec<Addition> = new
        .iter()
        .zip(&choices)
        .map(|(variant, choices)| Addition {
            product_id: product.id.get(),
            is_default: false,
            sku: &variant.sku,
            choices,
            price: variant.price,
            kind: variant.kind,
            on_hand: variant.on_hand,
            traits: &variant.traits,
        })
        .collect();
    let inserted = insert_all(conn, &additions, actor)?;
    let given = new.iter().map(|variant| variant.attributes.clone());
    let given = inserted.iter().copied().zip(given).collect();
    writing::write_all(conn, CustomResource::Variant, given)
        .map_err(|(index, error)| VariantError::of_attributes(index, error))?;
    touch(conn, product.id, more, actor)?;
    Ok(inserted
        .into_iter()
        .filter_map(|id| id.try_into().ok())
        .collect())
}

/// A variant of a product that is locked, and has no variant with these choices.
pub(crate) struct Addition<'v> {
    pub(crate) product_id: i64,
    pub(crate) is_default: bool,
    pub(crate) sku: &'v Sku,
    pub(crate) choices: &'v Choices,
    pub(crate) price: Money,
    pub(crate) kind: VariantKind,
    /// Counted units.
    pub(crate) on_hand: i64,
    pub(crate) traits: &'v Traits,
}

/// Inserts variants of any products in one statement and returns their ids in order.
pub(crate) fn insert_all(
    conn: &mut PgConnection,
    new: &[Addition],
    actor: Option<UserId>,
) -> QueryResult<Vec<i64>> {
    let traits = |field: fn(&Traits) -> Option<i64>| new.iter().map(|v| field(v.traits)).collect();
    InsertVariants {
        product_ids: new.iter().map(|v| v.product_id).collect(),
        skus: new.iter().map(|v| v.sku.as_str().to_owned()).collect(),
        choices: new.iter().map(|v| as_json(v.choices)).collect(),
        titles: new.iter().map(|v| v.choices.title()).collect(),
        barcodes: new.iter().map(|v| v.traits.barcode.clone()).collect(),
        weights: traits(|t| t.weight_grams),
        lengths: traits(|t| t.length_mm),
        widths: traits(|t| t.width_mm),
        heights: traits(|t| t.height_mm),
        amounts: new.iter().map(|v| v.price.minor()).collect(),
        currencies: new.iter().map(|v| v.price.currency().code()).collect(),
        on_hand: new.iter().map(|v| v.on_hand).collect(),
        are_default: new.iter().map(|v| v.is_default).collect(),
        kinds: new.iter().map(|v| v.kind.code()).collect(),
        keep_stock: new.iter().map(|v| v.kind.keeps_stock()).collect(),
        actor_id: actor.map(UserId::get),
    }
    .load(conn)
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
