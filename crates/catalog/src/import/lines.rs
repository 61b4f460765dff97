//! The shop's own form as NDJSON, a product a line: `docs/import-format.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::bounded::MAX_ROW;
use super::custom::Cell;
use super::references::{Image, NamedCollection};
use super::row::{Cells, Refusal, refuse};
use super::translated::{self, Of, Said};
use super::{ImportError, Sink};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    product: Option<String>,
    name: Option<String>,
    description: Option<String>,
    description_html: Option<String>,
    image: Option<String>,
    brand: Option<String>,
    tags: Option<Vec<String>>,
    /// Each by the names on the way to it.
    categories: Option<Vec<Vec<String>>>,
    slug: Option<String>,
    seo_title: Option<String>,
    seo_description: Option<String>,
    status: Option<String>,
    publish_at: Option<String>,
    unpublish_at: Option<String>,
    tax_class: Option<String>,
    collections: Option<Vec<NamedCollection>>,
    /// SKUs of other products, as are the next two.
    related: Option<Vec<String>>,
    up_sell: Option<Vec<String>>,
    cross_sell: Option<Vec<String>>,
    images: Option<Vec<Image>>,
    custom_fields: Option<Map<String, Value>>,
    /// What is said in other languages, by these.
    translations: Option<BTreeMap<String, Translation>>,
    /// Names, in the order in which they are asked for.
    options: Option<Vec<String>>,
    variants: Vec<Variant>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Translation {
    name: Option<String>,
    description: Option<String>,
    description_html: Option<String>,
    seo_title: Option<String>,
    seo_description: Option<String>,
    custom_fields: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Variant {
    sku: String,
    choices: Option<BTreeMap<String, String>>,
    kind: Option<String>,
    components: Option<Vec<Part>>,
    on_hand: Option<u64>,
    barcode: Option<String>,
    weight_grams: Option<u64>,
    length_mm: Option<u64>,
    width_mm: Option<u64>,
    height_mm: Option<u64>,
    prices: Vec<Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    sku: String,
    /// One, where it is not said.
    quantity: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Price {
    currency: String,
    price: String,
}

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    each(source, sink, tell)
}

/// Reads an object from each line, and has its rows told of.
pub(super) fn each<L: DeserializeOwned>(
    source: impl Read,
    sink: Sink,
    tell: fn(u64, L, Sink) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut source = BufReader::new(source);
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        bytes.clear();
        let most = u64::try_from(MAX_ROW).unwrap_or(u64::MAX);
        let read = source.by_ref().take(most).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(());
        }
        if read == MAX_ROW && !bytes.ends_with(b"\n") {
            source.skip_until(b'\n')?;
            let refusal = refuse("line", format!("is longer than {MAX_ROW} bytes"));
            sink(number, Cells::default(), Err(refusal))?;
            continue;
        }
        let text = bytes.trim_ascii();
        let text = match number {
            1 => text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text),
            _ => text,
        };
        if text.is_empty() {
            continue;
        }
        match parse(text) {
            Ok(line) => tell(number, line, sink)?,
            Err(refusal) => sink(number, Cells::default(), Err(refusal))?,
        }
    }
}

fn parse<L: DeserializeOwned>(text: &[u8]) -> Result<L, Refusal> {
    // serde would also take an array, as the fields in their order.
    if text.first() != Some(&b'{') {
        return Err(refuse("line", "must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let line: L = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            String::new()
        } else {
            format!("{path}: ")
        };
        refuse("line", format!("{place}{}", error.inner()))
    })?;
    json.end()
        .map_err(|error| refuse("line", error.to_string()))?;
    Ok(line)
}

/// A row for each price of each variant, the first one of which tells of the product.
fn tell(number: u64, line: Line, sink: Sink) -> Result<(), ImportError> {
    let Some(first) = line.variants.first() else {
        let refusal = refuse("variants", "must be one or more");
        return sink(number, Cells::default(), Err(refusal));
    };
    let handle = line.product.filter(|handle| !handle.trim().is_empty());
    let handle = handle.unwrap_or_else(|| first.sku.clone());
    let text = Option::unwrap_or_default;
    let (translations, mut fault) = match said(line.translations) {
        Ok(said) => (said, Ok(())),
        Err(refusal) => (Vec::new(), Err(refusal)),
    };
    let custom = line.custom_fields.into_iter().flatten();
    let collections = line.collections.into_iter().flatten();
    let mut told = Some(Cells {
        name: text(line.name),
        description: text(line.description),
        description_html: text(line.description_html),
        image: text(line.image),
        brand: text(line.brand),
        tags: line.tags.unwrap_or_default(),
        categories: line.categories.unwrap_or_default(),
        slug: text(line.slug),
        seo_title: text(line.seo_title),
        seo_description: text(line.seo_description),
        status: text(line.status),
        publish_at: text(line.publish_at),
        unpublish_at: text(line.unpublish_at),
        tax_class: text(line.tax_class),
        collections: collections.map(|one| (one.slug, one.name)).collect(),
        related: line.related.unwrap_or_default(),
        up_sell: line.up_sell.unwrap_or_default(),
        cross_sell: line.cross_sell.unwrap_or_default(),
        images: line.images.unwrap_or_default(),
        custom: custom
            .map(|(key, value)| (key, Cell::Json(value)))
            .collect(),
        translations,
        ..Cells::default()
    });
    let names = line.options.unwrap_or_default();
    for variant in line.variants {
        let measure = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let parts = variant.components.into_iter().flatten();
        let parts = parts.map(|part| (part.sku, measure(part.quantity)));
        let mut cells = Cells {
            product: handle.clone(),
            sku: variant.sku,
            kind: text(variant.kind),
            components: parts.collect(),
            on_hand: measure(variant.on_hand),
            barcode: text(variant.barcode),
            weight_grams: measure(variant.weight_grams),
            length_mm: measure(variant.length_mm),
            width_mm: measure(variant.width_mm),
            height_mm: measure(variant.height_mm),
            ..told.take().unwrap_or_default()
        };
        // Of the first row, which tells of the product.
        let mut fault = std::mem::replace(&mut fault, Ok(()));
        match chosen(&names, variant.choices.unwrap_or_default()) {
            Ok(options) => cells.options = options,
            Err(refusal) => fault = fault.and(Err(refusal)),
        }
        if variant.prices.is_empty() {
            let refusal = refuse("prices", "must be one or more");
            sink(number, cells, fault.and(Err(refusal)))?;
            continue;
        }
        for Price { currency, price } in variant.prices {
            cells.currency = currency;
            cells.price = price;
            sink(number, cells.clone(), fault.clone())?;
        }
    }
    Ok(())
}

/// What the product says in other languages.
fn said(translations: Option<BTreeMap<String, Translation>>) -> Result<Vec<Said>, Refusal> {
    let mut all = Vec::new();
    for (locale, texts) in translations.into_iter().flatten() {
        let text = |text: Option<String>| text.map(Value::String);
        let of_product = [
            (Of::Name, "name", text(texts.name)),
            (Of::Description, "description", text(texts.description)),
            (
                Of::DescriptionHtml,
                "descriptionHtml",
                text(texts.description_html),
            ),
            (Of::SeoTitle, "seoTitle", text(texts.seo_title)),
            (
                Of::SeoDescription,
                "seoDescription",
                text(texts.seo_description),
            ),
        ];
        let custom = texts.custom_fields.into_iter().flatten();
        let custom = custom.map(|(key, value)| (Of::Custom(key), "customFields", Some(value)));
        all.extend(translated::members(
            &locale,
            of_product.into_iter().chain(custom),
        )?);
    }
    Ok(all)
}

/// What is chosen, in the order in which it is asked for.
fn chosen(
    names: &[String],
    mut choices: BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, Refusal> {
    if names.is_empty() {
        return Ok(choices.into_iter().collect());
    }
    let choose = |name: &String| Some((name.clone(), choices.remove(name)?));
    let options = names.iter().filter_map(choose).collect();
    match choices.into_keys().next() {
        None => Ok(options),
        Some(other) => Err(refuse(
            "choices",
            format!("`{other:.80}` is not among the options"),
        )),
    }
}

/// What a column of the CSV form is called here.
pub(super) fn member(column: Cow<'static, str>) -> Cow<'static, str> {
    let member = match column.as_ref() {
        "description_html" => "descriptionHtml",
        "seo_title" => "seoTitle",
        "seo_description" => "seoDescription",
        "publish_at" => "publishAt",
        "unpublish_at" => "unpublishAt",
        "tax_class" => "taxClass",
        "up_sell" => "upSell",
        "cross_sell" => "crossSell",
        "on_hand" => "onHand",
        "weight_grams" => "weightGrams",
        "length_mm" => "lengthMm",
        "width_mm" => "widthMm",
        "height_mm" => "heightMm",
        "option" => "choices",
        "custom" => "customFields",
        _ => return column,
    };
    member.into()
}
