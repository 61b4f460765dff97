//! One row: from the texts of a file to values that cannot be wrong.

use std::borrow::Cow;

use domain::{Currency, Money, Options, ProductOption, Sku, VariantKind};

use super::custom::Cell;
use super::details::Details;
use super::references::{Image, Wanted};
use super::translated::Said;
use crate::stock::MAX_ON_HAND;
use crate::variants::Traits;

/// Most grams and millimetres of a variant.
const MAX_MEASURE: i64 = 1_000_000_000;

/// A row as a file spells it; an empty text says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    pub product: String,
    pub sku: String,
    pub name: String,
    pub description: String,
    /// A decimal in major units of `currency`.
    pub price: String,
    pub currency: String,
    pub image: String,
    pub on_hand: String,
    pub barcode: String,
    pub weight_grams: String,
    pub length_mm: String,
    pub width_mm: String,
    pub height_mm: String,
    /// Option and value, in the order of the options.
    pub options: Vec<(String, String)>,
    pub slug: String,
    pub brand: String,
    pub tags: Vec<String>,
    /// The names from a root on.
    pub categories: Vec<Vec<String>>,
    pub status: String,
    pub publish_at: String,
    pub unpublish_at: String,
    pub description_html: String,
    pub seo_title: String,
    pub seo_description: String,
    pub tax_class: String,
    /// Of the variant: physical, digital or bundle.
    pub kind: String,
    /// SKUs, and how many of each; empty is one.
    pub components: Vec<(String, String)>,
    /// SKUs.
    pub related: Vec<String>,
    pub up_sell: Vec<String>,
    pub cross_sell: Vec<String>,
    /// Slugs and names; the latter may be empty.
    pub collections: Vec<(String, String)>,
    pub images: Vec<Image>,
    /// Keys and values of custom fields of the product.
    pub custom: Vec<(String, Cell)>,
    /// What is said in other languages; nothing that says nothing.
    pub translations: Vec<Said>,
    /// Of a collection or a category, how its products are listed.
    pub product_order: String,
    /// Of a collection.
    pub rules: Option<Cell>,
    /// The SKU of a product in a collection.
    pub member: String,
    /// Of that product, or of a category at the top.
    pub position: String,
    /// Slugs of categories, and the place below each; empty where it is not said.
    pub parents: Vec<(String, String)>,
    /// Of a price.
    pub valid_from: String,
}

impl Cells {
    /// About how many bytes there are of texts that may be long.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.description, &self.description_html, &self.name];
        let own = texts.into_iter().map(String::len);
        let custom = self.custom.iter().map(|(_, cell)| cell.bytes());
        let translated = self.translations.iter().map(|(_, cell)| cell.bytes());
        own.chain(custom).chain(translated).sum()
    }
}

/// A variant as the file tells of it; `None` leaves what is there.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Rows with the same handle are of one product; without one, a new variant has its own.
    pub product: Option<String>,
    pub sku: Sku,
    pub name: Option<String>,
    pub details: Details,
    /// Each with the only value that is chosen.
    pub options: Options,
    pub price: Money,
    /// Counted units.
    pub on_hand: Option<i64>,
    pub traits: Traits,
    /// What a new variant is, and a known one becomes.
    pub kind: Option<VariantKind>,
    /// What it says of other things.
    pub wanted: Wanted,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The column at fault.
    pub field: Cow<'static, str>,
    pub message: String,
}

/// Why a variant that is digital, or a bundle, is not counted.
pub(super) const NOT_STOCKED: &str = "has no stock of its own: it is digital, or a bundle";

pub(super) fn refuse(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Refusal {
    Refusal {
        field: field.into(),
        message: message.into(),
    }
}

impl Cells {
    pub(super) fn check(&self) -> Result<Row, Refusal> {
        let sku = sku(self)?;
        let name = checked_text("name", &self.name, 300)?;
        let price = price(self)?;
        let product = checked_text("product", &self.product, 300)?;
        let options = self.chosen()?;
        // Else nothing would say which variants these options tell apart.
        if product.is_none() && !options.as_slice().is_empty() {
            return Err(refuse("product", "is required beside options"));
        }
        let (wanted, kind) = Wanted::check(self, &sku)?;
        Ok(Row {
            product,
            sku,
            name,
            details: Details::check(self)?,
            options,
            price,
            on_hand: whole("on_hand", &self.on_hand, MAX_ON_HAND)?,
            traits: Traits {
                barcode: checked_text("barcode", &self.barcode, 100)?,
                weight_grams: whole("weight_grams", &self.weight_grams, MAX_MEASURE)?,
                length_mm: whole("length_mm", &self.length_mm, MAX_MEASURE)?,
                width_mm: whole("width_mm", &self.width_mm, MAX_MEASURE)?,
                height_mm: whole("height_mm", &self.height_mm, MAX_MEASURE)?,
            },
            kind,
            wanted,
        })
    }

    fn chosen(&self) -> Result<Options, Refusal> {
        let chosen: Vec<ProductOption> = self
            .options
            .iter()
            .filter_map(|(name, value)| {
                Some(ProductOption {
                    name: name.clone(),
                    values: vec![said(value)?.to_owned()],
                })
            })
            .collect();
        Options::new(&chosen).map_err(|error| refuse("option", error.to_string()))
    }
}

fn required<'t>(field: &'static str, text: &'t str) -> Result<&'t str, Refusal> {
    said(text).ok_or_else(|| refuse(field, "is required"))
}

pub(super) fn sku(cells: &Cells) -> Result<Sku, Refusal> {
    let sku = required("sku", &cells.sku)?;
    Sku::try_from(sku).map_err(|error| refuse("sku", error.to_string()))
}

pub(super) fn price(cells: &Cells) -> Result<Money, Refusal> {
    let currency = Currency::try_from(required("currency", &cells.currency)?)
        .map_err(|error| refuse("currency", error.to_string()))?;
    let price = Money::parse_decimal(required("price", &cells.price)?, currency)
        .map_err(|error| refuse("price", error.to_string()))?;
    if price.is_negative() {
        return Err(refuse("price", "must not be negative"));
    }
    Ok(price)
}

/// What a cell says, if anything.
pub(super) fn said(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

pub(super) fn whole(field: &'static str, text: &str, max: i64) -> Result<Option<i64>, Refusal> {
    let Some(text) = said(text) else {
        return Ok(None);
    };
    let are_digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if are_digits && number <= max => Ok(Some(number)),
        _ => Err(refuse(
            field,
            format!("must be a whole number from 0 to {max}"),
        )),
    }
}

pub(super) fn checked_text(
    field: &'static str,
    text: &str,
    limit: usize,
) -> Result<Option<String>, Refusal> {
    let Some(text) = said(text) else {
        return Ok(None);
    };
    if text.chars().count() > limit {
        let message = format!("must have at most {limit} characters");
        return Err(refuse(field, message));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(refuse(field, "must not contain control characters"));
    }
    Ok(Some(text.to_owned()))
}
