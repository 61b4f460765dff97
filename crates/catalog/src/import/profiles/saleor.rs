//! A dump of Saleor's database: records of all tables in any order, so it is read as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{array, measure, plain, slug};
use crate::categories::MAX_DEPTH;
use crate::import::row::{Cells, Refusal, refuse};
use crate::import::{ImportError, Sink};

#[derive(Deserialize)]
struct Record<'r> {
    model: &'r str,
    /// A number, or a UUID.
    pk: serde_json::Value,
    #[serde(borrow)]
    fields: &'r RawValue,
}

#[derive(Deserialize)]
struct Product {
    name: String,
    slug: String,
    description_plaintext: String,
    weight: Option<String>,
    category: Option<u64>,
    seo_title: Option<String>,
    seo_description: Option<String>,
}

#[derive(Deserialize)]
struct Variant {
    sku: Option<String>,
    name: String,
    product: u64,
    sort_order: Option<i64>,
    weight: Option<String>,
}

#[derive(Deserialize)]
struct Price {
    variant: u64,
    currency: String,
    price_amount: Option<String>,
}

#[derive(Deserialize)]
struct Listing {
    product: u64,
    is_published: bool,
    published_at: Option<String>,
}

#[derive(Deserialize)]
struct Category {
    name: String,
    parent: Option<u64>,
}

/// A value of an attribute that says something of a product as a whole.
#[derive(Deserialize)]
struct OfProduct {
    product: u64,
    value: u64,
}

/// A value, and whose it is.
#[derive(Deserialize)]
struct Value {
    name: String,
    attribute: u64,
}

#[derive(Deserialize)]
struct Stock {
    product_variant: u64,
    quantity: i64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Which attribute tells the variants of a type of products apart.
#[derive(Deserialize)]
struct AttributeOfType {
    attribute: u64,
    sort_order: Option<i64>,
}

#[derive(Deserialize)]
struct Assigned {
    variant: u64,
    /// An [`AttributeOfType`].
    assignment: u64,
}

#[derive(Deserialize)]
struct AssignedValue {
    value: u64,
    /// An [`Assigned`].
    assignment: u64,
}

/// Where an option stands: the order of its attribute, and the attribute itself where that is not set.
type Place = (Option<i64>, u64);

/// What of the dump is needed, by primary key.
#[derive(Default)]
struct Dump {
    products: BTreeMap<u64, Product>,
    /// With the number of the record.
    variants: BTreeMap<u64, (u64, Variant)>,
    prices: BTreeMap<u64, Price>,
    /// Products that a channel shows, with the times since when.
    published: HashMap<u64, Vec<String>>,
    categories: HashMap<u64, Category>,
    of_products: Vec<OfProduct>,
    stocks: Vec<Stock>,
    attributes: HashMap<u64, Named>,
    values: HashMap<u64, Value>,
    of_types: HashMap<u64, AttributeOfType>,
    assigned: BTreeMap<u64, Assigned>,
    assigned_values: BTreeMap<u64, AssignedValue>,
}

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut dump = Dump::default();
    array::read(source, |number, element| {
        match dump.keep(number, element.get()) {
            Ok(()) => Ok(()),
            Err(error) => sink(
                number,
                Cells::default(),
                Err(refuse("row", error.to_string())),
            ),
        }
    })?;
    dump.tell(sink)
}

fn numbered<T: DeserializeOwned>(record: &Record) -> Result<(u64, T), serde_json::Error> {
    let pk = u64::deserialize(&record.pk)?;
    Ok((pk, serde_json::from_str(record.fields.get())?))
}

impl Dump {
    fn keep(&mut self, number: u64, text: &str) -> Result<(), serde_json::Error> {
        let record: Record = serde_json::from_str(text)?;
        match record.model {
            "product.product" => self.products.extend([numbered(&record)?]),
            "product.productvariant" => {
                let (pk, variant) = numbered(&record)?;
                self.variants.insert(pk, (number, variant));
            }
            "product.productvariantchannellisting" => self.prices.extend([numbered(&record)?]),
            "product.productchannellisting" => {
                let listing: Listing = numbered(&record)?.1;
                if listing.is_published {
                    let since = self.published.entry(listing.product).or_default();
                    since.extend(listing.published_at);
                }
            }
            "product.category" => self.categories.extend([numbered(&record)?]),
            "attribute.assignedproductattributevalue" => {
                self.of_products.push(numbered(&record)?.1);
            }
            "warehouse.stock" => self.stocks.push(numbered(&record)?.1),
            "attribute.attribute" => self.attributes.extend([numbered(&record)?]),
            "attribute.attributevalue" => self.values.extend([numbered(&record)?]),
            "attribute.attributevariant" => self.of_types.extend([numbered(&record)?]),
            "attribute.assignedvariantattribute" => self.assigned.extend([numbered(&record)?]),
            "attribute.assignedvariantattributevalue" => {
                self.assigned_values.extend([numbered(&record)?]);
            }
            _ => {}
        }
        Ok(())
    }

    fn tell(&self, sink: Sink) -> Result<(), ImportError> {
        let options = self.options();
        let mut on_hand: HashMap<u64, i64> = HashMap::new();
        for stock in &self.stocks {
            let units = on_hand.entry(stock.product_variant).or_default();
            *units = units.saturating_add(stock.quantity);
        }
        let mut prices: HashMap<u64, Vec<&Price>> = HashMap::new();
        for price in self.prices.values() {
            prices.entry(price.variant).or_default().push(price);
        }
        let mut variants: Vec<(&u64, &(u64, Variant))> = self.variants.iter().collect();
        variants.sort_by_key(|(pk, (_, variant))| (variant.product, variant.sort_order, **pk));
        for (pk, (number, variant)) in variants {
            let (mut cells, fault) = match self.row(variant) {
                Ok(cells) => (cells, Ok(())),
                Err(refusal) => (Cells::default(), Err(refusal)),
            };
            cells.sku = variant.sku.clone().unwrap_or_default();
            cells.options = options.get(pk).cloned().unwrap_or_default();
            cells.on_hand = on_hand.get(pk).map(i64::to_string).unwrap_or_default();
            let prices = prices.get(pk).map_or(&[][..], Vec::as_slice);
            tell_prices(*number, &cells, &fault, prices, sink)?;
        }
        Ok(())
    }

    fn row(&self, variant: &Variant) -> Result<Cells, Refusal> {
        let product = self.products.get(&variant.product);
        let product = product.ok_or_else(|| refuse("product", "is not in the file"))?;
        if variant.sku.as_ref().is_none_or(|sku| sku.trim().is_empty()) {
            let message = format!(
                "is missing for `{:.40}` of `{:.80}`",
                variant.name, product.name
            );
            return Err(refuse("sku", message));
        }
        let since = self.published.get(&variant.product);
        // The first channel that shows it; they are all in UTC, so their texts are in order.
        let publish_at = since.and_then(|since| since.iter().min());
        let status = match (since, publish_at) {
            (None, _) => "draft",
            (Some(_), None) => "active",
            (Some(_), Some(_)) => "",
        };
        let weight = variant.weight.as_ref().or(product.weight.as_ref());
        let (number, unit) = weight
            .and_then(|weight| weight.split_once(':'))
            .unwrap_or_default();
        Ok(Cells {
            product: product.slug.clone(),
            name: product.name.clone(),
            description: product.description_plaintext.clone(),
            weight_grams: measure::whole("weight", number, unit)?,
            slug: slug(&product.slug),
            brand: self.brand(variant.product),
            categories: product
                .category
                .map(|id| self.path(id))
                .into_iter()
                .collect(),
            seo_title: product.seo_title.clone().unwrap_or_default(),
            seo_description: product.seo_description.clone().unwrap_or_default(),
            status: status.to_owned(),
            publish_at: publish_at.cloned().unwrap_or_default(),
            ..Cells::default()
        })
    }

    /// The names from the root on.
    fn path(&self, id: u64) -> Vec<String> {
        let mut path = Vec::new();
        let mut next = self.categories.get(&id);
        while let Some(category) = next.filter(|_| path.len() <= MAX_DEPTH) {
            path.insert(0, category.name.clone());
            next = category.parent.and_then(|id| self.categories.get(&id));
        }
        path
    }

    /// The value of the attribute of this name.
    fn brand(&self, product: u64) -> String {
        let mut of = self.of_products.iter().filter(|of| of.product == product);
        let brand = of.find_map(|of| {
            let value = self.values.get(&of.value)?;
            let attribute = self.attributes.get(&value.attribute)?;
            (attribute.name == "Brand").then(|| value.name.clone())
        });
        brand.unwrap_or_default()
    }

    /// What is chosen of each variant.
    fn options(&self) -> HashMap<u64, Vec<(String, String)>> {
        let mut sorted: HashMap<u64, BTreeMap<Place, (String, String)>> = HashMap::new();
        for assigned in self.assigned_values.values() {
            let chosen = || {
                let value = self.values.get(&assigned.value)?;
                let variant = self.assigned.get(&assigned.assignment)?;
                let of_type = self.of_types.get(&variant.assignment)?;
                let attribute = self.attributes.get(&of_type.attribute)?;
                let place = (of_type.sort_order, of_type.attribute);
                let option = (attribute.name.clone(), value.name.clone());
                Some((variant.variant, place, option))
            };
            if let Some((variant, place, option)) = chosen() {
                sorted.entry(variant).or_default().insert(place, option);
            }
        }
        let in_order = |(variant, options): (u64, BTreeMap<Place, _>)| {
            (variant, options.into_values().collect())
        };
        sorted.into_iter().map(in_order).collect()
    }
}

/// A row for the price of each channel.
fn tell_prices(
    number: u64,
    cells: &Cells,
    fault: &Result<(), Refusal>,
    prices: &[&Price],
    sink: Sink,
) -> Result<(), ImportError> {
    let mut priced = prices
        .iter()
        .filter_map(|price| Some((price.price_amount.as_deref()?, price.currency.as_str())))
        .peekable();
    if fault.is_err() {
        return sink(number, cells.clone(), fault.clone());
    }
    if priced.peek().is_none() {
        let refusal = refuse("price", "is in no channel");
        return sink(number, cells.clone(), Err(refusal));
    }
    let mut currencies = HashSet::new();
    for (amount, currency) in priced {
        let cells = Cells {
            price: plain(amount).to_owned(),
            currency: currency.to_owned(),
            ..cells.clone()
        };
        let is_new = currencies.insert(currency);
        let repeated = || refuse("price", format!("is in two channels with {currency:.3}"));
        sink(number, cells, if is_new { Ok(()) } else { Err(repeated()) })?;
    }
    Ok(())
}
