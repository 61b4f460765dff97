//! Products with their variants as an export reads them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use domain::{Currency, CustomResource, Money};
use serde_json::{Map, Value};

use super::Scope;
use super::beside::{self, Beside};
use super::translated::{Columns, Translations};
use crate::categories::paths::Path;
use crate::custom_fields::{self, CustomField, attributes};
use crate::import::references::Component;
use crate::import::{exact, is_portable};

/// The most variants that are read at a time, and how many at first.
const PAGE: i64 = 1_000;
const FIRST_PAGE: i64 = 125;
/// Bytes of texts on a page from which on the next one has fewer variants.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A product as a file tells of it; texts without the white space around them.
#[derive(Debug)]
pub(super) struct Product {
    pub id: i64,
    pub texts: Texts,
    /// `active` or `draft`, where no time says since when.
    pub status: &'static str,
    pub publish_at: String,
    pub unpublish_at: String,
    /// Values of custom fields, by their keys.
    pub fields: Map<String, Value>,
    /// Where any product says anything in another language.
    pub translations: Translations,
    /// By their paths, in the order of these.
    pub categories: Vec<Path>,
    pub beside: Beside,
    /// The default one first, whose SKU is the handle.
    pub variants: Vec<Variant>,
    /// Of each of these, in their order.
    pub components: Vec<Vec<Component>>,
}

impl Product {
    /// About how many bytes there are of texts that may be long.
    fn bytes(&self) -> usize {
        let said = self.translations.values();
        let said = said.flat_map(|texts| [&texts.description, &texts.description_html]);
        let said = said.flatten().map(String::len);
        let own = [&self.texts.description, &self.texts.description_html];
        said.chain(own.map(String::len)).sum()
    }

    /// Takes the next variants of the same product.
    pub(super) fn extend(&mut self, more: Self) {
        self.variants.extend(more.variants);
        self.components.extend(more.components);
    }
}

/// What a product is called and described as.
#[derive(Debug, Queryable)]
pub(super) struct Texts {
    id: i64,
    pub name: String,
    pub description: String,
    pub description_html: String,
    pub image: String,
    pub slug: Option<String>,
    pub brand: String,
    pub tags: Vec<String>,
    pub seo_title: String,
    pub seo_description: String,
    pub tax_class: String,
    /// Names of options, in their order.
    pub options: Vec<String>,
    is_draft: bool,
    published_at: Option<DateTime<Utc>>,
    unpublished_at: Option<DateTime<Utc>>,
    categories: Vec<i64>,
}

#[derive(Debug, Queryable)]
pub(super) struct Variant {
    product_id: i64,
    is_default: bool,
    id: i64,
    pub sku: String,
    /// The SKU of the default variant, by which the rows of a product know each other.
    pub handle: String,
    pub choices: serde_json::Value,
    pub barcode: Option<String>,
    pub weight_grams: Option<i64>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    pub on_hand: i64,
    pub kind: String,
    /// With the amounts, in the order in which these came into force: the last one counts where the
    /// preferred currency is missing.
    currencies: Vec<String>,
    /// Minor units.
    amounts: Vec<i64>,
}

impl Variant {
    pub(super) fn prices(&self) -> usize {
        self.currencies.len()
    }

    /// Each with its currency, in major units.
    pub(super) fn decimals(&self) -> QueryResult<Vec<(&'static str, String)>> {
        let prices = self.currencies.iter().zip(&self.amounts);
        let decimal = |(currency, amount): (&String, &i64)| {
            let currency = Currency::try_from(currency.as_str())
                .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
            Ok((currency.code(), Money::new(*amount, currency).to_decimal()))
        };
        prices.map(decimal).collect()
    }
}

/// Where `$1` says so, those on sale when the export began, which is when its transaction did: `catalog.is_on_sale` asks
/// the clock anew in each statement.
macro_rules! is_exported {
    () => {
        "p.archived_at IS NULL AND (NOT $1 OR p.published_at <= now() AND p.unpublished_at > now())"
    };
}
pub(super) use is_exported;

db::statement! {
    /// Names of options that variants have, in the order in which products ask for them.
    struct ListOptions { on_sale_only: bool => Bool } -> Text =
    concat!(
        "SELECT name FROM ( \
       SELECT DISTINCT ON (name) name, id, position FROM ( \
         SELECT p.id, o.position, o.option ->> 'name' AS name \
           FROM catalog.products p CROSS JOIN jsonb_array_elements(p.options) WITH ORDINALITY AS o (option, position) \
          WHERE ", is_exported!(), ") AS asked \
        WHERE EXISTS (SELECT FROM catalog.variants v \
               WHERE v.product_id = asked.id AND v.archived_at IS NULL AND v.choices ? asked.name) \
        ORDER BY name, id, position) AS first_asked \
      ORDER BY id, position")
}

db::statement! {
    /// The default variant of each product first, for an import makes the first one the default.
    struct ListVariants {
        on_sale_only: bool => Bool,
        product_id: i64 => BigInt,
        after_default: bool => Bool,
        variant_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, Bool, BigInt, Text, Text, Jsonb, Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>,
          Nullable<BigInt>, Nullable<BigInt>, BigInt, Text, Array<Text>, Array<BigInt>) =
    concat!(
        "SELECT p.id, v.is_default, v.id, v.sku, d.sku, v.choices, v.barcode, v.weight_grams, \
            v.length_mm, v.width_mm, v.height_mm, coalesce(s.on_hand, 0), v.kind, c.currencies, c.amounts \
       FROM catalog.variants v \
       JOIN catalog.products p ON p.id = v.product_id AND ", is_exported!(), " \
       JOIN catalog.variants d ON d.product_id = v.product_id AND d.is_default \
      CROSS JOIN LATERAL ( \
            SELECT array_agg(currency ORDER BY valid_from, id) AS currencies, \
                   array_agg(amount_minor ORDER BY valid_from, id) AS amounts \
              FROM (SELECT DISTINCT ON (currency) currency, amount_minor, valid_from, id FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= now() \
                     ORDER BY currency, valid_from DESC, id DESC) AS in_force) AS c \
       LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1 \
      WHERE v.archived_at IS NULL AND c.currencies IS NOT NULL AND v.product_id >= $2 \
        AND (v.product_id, NOT v.is_default, v.id) > ($2, $3, $4) \
      ORDER BY v.product_id, NOT v.is_default, v.id LIMIT $5")
}

db::statement! {
    struct ListProducts { ids: Vec<i64> => Array<BigInt> }
        -> (BigInt, Text, Text, Text, Text, Nullable<Text>, Text, Array<Text>, Text, Text, Text, Array<Text>, Bool,
            Nullable<Timestamptz>, Nullable<Timestamptz>, Array<BigInt>) =
    "SELECT id, name, description, description_html, image, slug, brand, tags, seo_title, seo_description, tax_class, \
            ARRAY(SELECT o.option ->> 'name' FROM jsonb_array_elements(options) WITH ORDINALITY AS o (option, position) \
                   ORDER BY o.position), \
            published_at = 'infinity', CASE WHEN isfinite(published_at) THEN published_at END, \
            CASE WHEN isfinite(unpublished_at) THEN unpublished_at END, \
            ARRAY(SELECT category_id FROM catalog.category_products WHERE product_id = p.id) \
       FROM catalog.products p WHERE id = ANY($1)"
}

db::statement! {
    struct ListKeys { on_sale_only: bool => Bool } -> Text =
    concat!(
        "SELECT DISTINCT k.key FROM catalog.custom_values v \
           JOIN catalog.products p ON p.id = v.resource_id \
          CROSS JOIN LATERAL jsonb_object_keys(v.public_values || v.private_values) AS k (key) \
          WHERE v.resource = 'product' AND ", is_exported!())
}

db::statement! {
    struct Now {} -> Timestamptz = "SELECT now()"
}

/// When the transaction began.
pub(super) fn now(conn: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    Now {}.get_result(conn)
}

/// Names of options, in the order of their columns.
pub(super) fn options(conn: &mut PgConnection, scope: Scope) -> QueryResult<Vec<String>> {
    let on_sale_only = scope == Scope::OnSale;
    ListOptions { on_sale_only }.load(conn)
}

/// Custom fields that exported products have values of, in the order of their columns.
pub(super) fn fields(conn: &mut PgConnection, scope: Scope) -> QueryResult<Vec<CustomField>> {
    let on_sale_only = scope == Scope::OnSale;
    let keys: Vec<String> = ListKeys { on_sale_only }.load(conn)?;
    let mut fields = custom_fields::all_of(conn, CustomResource::Product)?;
    fields.retain(|field| is_portable(field) && keys.contains(&field.key));
    Ok(fields)
}

/// Where a page of variants begins: behind one of them.
pub(super) struct Page {
    product_id: i64,
    is_default: bool,
    variant_id: i64,
    /// Variants of the next page.
    limit: i64,
}

impl Page {
    pub(super) fn first() -> Self {
        Self {
            product_id: 0,
            is_default: true,
            variant_id: 0,
            limit: FIRST_PAGE,
        }
    }

    /// The products of the page, with those of their variants that are on it; `None` behind the last one.
    pub(super) fn next(
        &mut self,
        conn: &mut PgConnection,
        scope: Scope,
        paths: &HashMap<i64, Path>,
        said: &Columns,
    ) -> QueryResult<Option<Vec<Product>>> {
        let page = ListVariants {
            on_sale_only: scope == Scope::OnSale,
            product_id: self.product_id,
            after_default: !self.is_default,
            variant_id: self.variant_id,
            limit: self.limit,
        };
        let variants: Vec<Variant> = page.load(conn)?;
        let Some(last) = variants.last() else {
            return Ok(None);
        };
        *self = Self {
            product_id: last.product_id,
            is_default: last.is_default,
            variant_id: last.id,
            limit: self.limit,
        };
        let mut ids: Vec<i64> = variants.iter().map(|variant| variant.product_id).collect();
        ids.dedup();
        let mut kept = attributes::find_all(conn, CustomResource::Product, ids.clone())?;
        let mut translations = said.read(conn, ids.clone())?;
        let mut beside = beside::of(conn, scope, ids.clone())?;
        let bundles = variants.iter().filter(|variant| variant.kind == "bundle");
        let bundles = bundles.map(|variant| variant.id).collect();
        let mut components = beside::components(conn, bundles)?;
        let texts: Vec<Texts> = ListProducts { ids }.load(conn)?;
        let mut texts: HashMap<i64, Texts> = texts.into_iter().map(|t| (t.id, t)).collect();
        let mut products: Vec<Product> = Vec::new();
        for mut variant in variants {
            if let Some(texts) = texts.remove(&variant.product_id) {
                let kept = kept.remove(&texts.id).unwrap_or_default();
                let beside = beside.remove(&texts.id).unwrap_or_default();
                let translations = translations.remove(&texts.id).unwrap_or_default();
                let said = (kept.all_values(), translations);
                products.push(product(texts, said, beside, paths));
            }
            let of = components.remove(&variant.id).unwrap_or_default();
            variant.barcode = variant.barcode.map(|text| text.trim().to_owned());
            let product = products.last_mut().ok_or(diesel::result::Error::NotFound)?;
            product.variants.push(variant);
            product.components.push(of);
        }
        let bytes: usize = products.iter().map(Product::bytes).sum();
        self.limit = match bytes > PAGE_BYTES {
            true => (self.limit / 2).max(1),
            false => (self.limit * 2).min(PAGE),
        };
        Ok(Some(products))
    }
}

fn product(
    mut texts: Texts,
    (fields, translations): (Map<String, Value>, Translations),
    beside: Beside,
    paths: &HashMap<i64, Path>,
) -> Product {
    for text in [
        &mut texts.name,
        &mut texts.description,
        &mut texts.description_html,
        &mut texts.image,
        &mut texts.brand,
        &mut texts.seo_title,
        &mut texts.seo_description,
    ] {
        let trimmed = text.trim();
        if trimmed.len() < text.len() {
            *text = trimmed.to_owned();
        }
    }
    let of = texts.categories.iter().filter_map(|id| paths.get(id));
    let mut categories: Vec<Path> = of.cloned().collect();
    categories.sort_unstable();
    categories.dedup();
    Product {
        id: texts.id,
        status: match (texts.is_draft, texts.published_at) {
            (true, _) => "draft",
            (false, None) => "active",
            (false, Some(_)) => "",
        },
        publish_at: texts.published_at.map(exact).unwrap_or_default(),
        unpublish_at: texts.unpublished_at.map(exact).unwrap_or_default(),
        fields,
        translations,
        categories,
        beside,
        texts,
        variants: Vec::new(),
        components: Vec::new(),
    }
}
