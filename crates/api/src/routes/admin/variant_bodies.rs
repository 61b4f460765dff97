//! Variants as staff sends and sees them.

use std::collections::BTreeMap;

use catalog::custom_fields::attributes::Attributes;
use catalog::variants::adding::NewVariant;
use catalog::variants::editing::{TraitChanges, VariantChanges};
use catalog::variants::parts::Part;
use catalog::variants::{Traits, Variant};
use domain::{Currency, Cursor, Money, ProductId, Sku, VariantId, VariantKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::components::PartBody;
use crate::http::{Problem, given, text};
use crate::routes::attributes::{self, FileBody, Object};
use crate::routes::product_writes::price;
use crate::routes::stock::check_on_hand;
use crate::routes::variants::choices;

/// More than any parcel weighs in grams, or measures in millimetres.
const MAX_MEASURE: i64 = 1_000_000_000;

/// A variant on sale, with its stock.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffVariant)]
pub struct StaffVariantBody {
    #[schema(value_type = i64)]
    pub id: VariantId,
    #[schema(value_type = i64)]
    product_id: ProductId,
    sku: String,
    /// The chosen values; empty where there is nothing to choose.
    title: String,
    choices: BTreeMap<String, String>,
    /// Whether it stands for the product where none is chosen.
    is_default: bool,
    /// `physical`, `digital` (never out of stock, and not sent) or `bundle` (made of `components`).
    #[schema(value_type = String, example = "physical")]
    kind: VariantKind,
    /// What one of a bundle is made of; absent for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<PartBody>>)]
    components: Option<Vec<PartBody>>,
    /// Unit price in major units of `currency`.
    price: String,
    #[schema(value_type = String)]
    currency: Currency,
    #[schema(required = true)]
    barcode: Option<String>,
    #[schema(required = true)]
    weight_grams: Option<i64>,
    #[schema(required = true)]
    length_mm: Option<i64>,
    #[schema(required = true)]
    width_mm: Option<i64>,
    #[schema(required = true)]
    height_mm: Option<i64>,
    /// Counted.
    on_hand: i64,
    /// Promised to open orders.
    reserved: i64,
    /// What can still be promised: of a bundle as many as its parts make; null for as many as anybody likes.
    #[schema(required = true)]
    available: Option<i64>,
    /// Values of custom fields, by their keys.
    #[schema(value_type = Object)]
    custom_fields: Object,
    /// The files that values of custom fields name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FileBody>>)]
    files: Option<Vec<FileBody>>,
    /// What programs keep there for everybody to read.
    #[schema(value_type = Object)]
    metadata: Object,
    /// What programs keep there for staff.
    #[schema(value_type = Object)]
    private_metadata: Object,
}

impl StaffVariantBody {
    /// `parts` are those of a bundle.
    pub fn new(variant: Variant, parts: Vec<Part>, kept: Attributes) -> Self {
        let is_bundle = variant.kind == VariantKind::Bundle;
        let components = || parts.into_iter().map(Into::into).collect();
        Self {
            kind: variant.kind,
            components: is_bundle.then(components),
            id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku.to_string(),
            title: variant.title,
            choices: choices(variant.choices),
            is_default: variant.is_default,
            price: Money::new(variant.price_minor, variant.currency).to_decimal(),
            currency: variant.currency,
            barcode: variant.barcode,
            weight_grams: variant.weight_grams,
            length_mm: variant.length_mm,
            width_mm: variant.width_mm,
            height_mm: variant.height_mm,
            on_hand: variant.on_hand,
            reserved: variant.reserved,
            available: variant.available,
            custom_fields: kept.all_values(),
            files: attributes::files(&kept.files),
            metadata: kept.metadata,
            private_metadata: kept.private_metadata,
        }
    }
}

/// A page of variants.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffVariantPage)]
pub struct StaffVariantPageBody {
    pub variants: Vec<StaffVariantBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

/// The variants that were made, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewVariantIds)]
pub struct MadeBody {
    pub variants: Vec<MadeVariantBody>,
}

/// A variant that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewVariantId)]
pub struct MadeVariantBody {
    #[schema(value_type = i64)]
    pub id: VariantId,
    pub sku: String,
}

/// Variants to be made, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVariants)]
pub struct NewVariantsBody {
    #[schema(min_items = 1, max_items = 500)]
    pub variants: Vec<NewVariantBody>,
}

/// A variant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewVariant)]
pub struct NewVariantBody {
    #[schema(value_type = String, example = "TEE-M-RED")]
    sku: Sku,
    /// A value for each option of the product.
    #[schema(example = json!({"Size": "M"}))]
    choices: BTreeMap<String, String>,
    /// In major units of `currency`.
    #[schema(example = "19.90")]
    price: String,
    /// The shop's currency where it is left out.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// `physical` where it is left out, or `digital`.
    #[schema(value_type = Option<String>)]
    kind: Option<VariantKind>,
    /// Counted units; none of what is digital.
    #[serde(default)]
    #[schema(minimum = 0)]
    on_hand: i64,
    #[schema(max_length = 100)]
    barcode: Option<String>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    weight_grams: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    length_mm: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    width_mm: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    height_mm: Option<i64>,
    /// Values of custom fields, by their keys.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// Anything, up to 16 KiB, for everybody to read.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same for staff alone.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl NewVariantBody {
    /// Checks what can be checked without the product.
    pub fn checked(self, shop_currency: Currency) -> Result<NewVariant, Problem> {
        check_on_hand(self.on_hand)?;
        let kind = self.kind.map_or(Ok(VariantKind::Physical), no_bundle)?;
        if !kind.keeps_stock() && self.on_hand != 0 {
            let rule = "what is digital has no stock: leave it out";
            return Err(Problem::invalid("onHand", "not_stocked", rule));
        }
        Ok(NewVariant {
            kind,
            price: price(&self.price, self.currency.unwrap_or(shop_currency))?,
            traits: Traits {
                barcode: self.barcode.map(barcode).transpose()?,
                weight_grams: self
                    .weight_grams
                    .map(|n| measure("weightGrams", n))
                    .transpose()?,
                length_mm: self.length_mm.map(|n| measure("lengthMm", n)).transpose()?,
                width_mm: self.width_mm.map(|n| measure("widthMm", n)).transpose()?,
                height_mm: self.height_mm.map(|n| measure("heightMm", n)).transpose()?,
            },
            sku: self.sku,
            choices: self.choices,
            on_hand: self.on_hand,
            attributes: attributes::changes(
                self.custom_fields,
                self.metadata,
                self.private_metadata,
            ),
        })
    }
}

/// What is to be different; `null` takes a barcode or a measure away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = VariantChanges)]
pub struct VariantChangesBody {
    #[schema(value_type = Option<String>)]
    sku: Option<Sku>,
    choices: Option<BTreeMap<String, String>>,
    /// In major units of `currency`.
    price: Option<String>,
    /// The currency of `price`; the shop's where it is left out.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 100)]
    barcode: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    weight_grams: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    length_mm: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    width_mm: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    height_mm: Option<Option<i64>>,
    /// `physical` or `digital`.
    #[schema(value_type = Option<String>)]
    kind: Option<VariantKind>,
    /// `true` makes it stand for the product; the one that did ceases to.
    is_default: Option<bool>,
    /// Values of custom fields to set, by their keys; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// Members to set; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl VariantChangesBody {
    /// Checks what can be checked without the variant.
    pub fn checked(self, shop_currency: Currency) -> Result<VariantChanges, Problem> {
        let currency = self.currency.unwrap_or(shop_currency);
        let measured = |name, given: Option<Option<i64>>| {
            let check = |number: Option<i64>| number.map(|n| measure(name, n)).transpose();
            given.map(check).transpose()
        };
        Ok(VariantChanges {
            price: self.price.map(|text| price(&text, currency)).transpose()?,
            traits: TraitChanges {
                barcode: self
                    .barcode
                    .map(|given| given.map(barcode).transpose())
                    .transpose()?,
                weight_grams: measured("weightGrams", self.weight_grams)?,
                length_mm: measured("lengthMm", self.length_mm)?,
                width_mm: measured("widthMm", self.width_mm)?,
                height_mm: measured("heightMm", self.height_mm)?,
            },
            sku: self.sku,
            choices: self.choices,
            kind: self.kind.map(no_bundle).transpose()?,
            is_default: self.is_default,
            attributes: attributes::changes(
                self.custom_fields,
                self.metadata,
                self.private_metadata,
            ),
        })
    }
}

/// A bundle is made by what it is made of.
fn no_bundle(kind: VariantKind) -> Result<VariantKind, Problem> {
    if kind == VariantKind::Bundle {
        let rule = "must be physical or digital: set components to make a bundle";
        return Err(Problem::invalid("kind", "invalid", rule));
    }
    Ok(kind)
}

fn barcode(written: String) -> Result<String, Problem> {
    text("barcode", written, 1, 100)
}

fn measure(field: &'static str, number: i64) -> Result<i64, Problem> {
    if (0..=MAX_MEASURE).contains(&number) {
        return Ok(number);
    }
    let rule = format!("must be 0 to {MAX_MEASURE}");
    Err(Problem::invalid(field, "out_of_range", rule))
}
