//! What is known of the rows of a chunk, read under the locks that keep it so.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::{CustomResource, VariantKind};
use serde_json::{Map, Value};

use super::chunk::Entry;
use super::described::{Begin, Described};
use super::products::Target;
use super::shop::Shop;
use super::translated::Translations;
use crate::custom_fields::attributes;
use crate::stock::holds;
use crate::translations;
use crate::variants::{self, Traits};

/// What a known SKU looks like now.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Existing {
    sku: String,
    currency: String,
    pub product_id: i64,
    pub variant_id: i64,
    /// Itself, or its product.
    pub is_archived: bool,
    pub is_default: bool,
    pub choices: serde_json::Value,
    barcode: Option<String>,
    weight_grams: Option<i64>,
    length_mm: Option<i64>,
    width_mm: Option<i64>,
    height_mm: Option<i64>,
    /// The price in force in the row's currency.
    pub price_minor: Option<i64>,
    pub on_hand: i64,
    pub reserved: i64,
    /// The smallest count that keeps the promises made.
    pub least_on_hand: i64,
    /// Whether units of it can be counted: not of bundles and of what is digital.
    pub keeps_stock: bool,
    #[diesel(deserialize_as = String)]
    pub kind: VariantKind,
}

impl Existing {
    /// Tells whether the variant has all that is said; what is not said may be anything.
    pub(super) fn has(&self, said: &Traits) -> bool {
        let has = |said: Option<i64>, known| said.is_none() || said == known;
        (said.barcode.is_none() || said.barcode == self.barcode)
            && has(said.weight_grams, self.weight_grams)
            && has(said.length_mm, self.length_mm)
            && has(said.width_mm, self.width_mm)
            && has(said.height_mm, self.height_mm)
    }
}

db::statement! {
    /// One chunk at a time: two imports that create the same SKUs in another order would deadlock.
    struct LockImports {} -> BigInt =
    "SELECT 1::bigint FROM pg_advisory_xact_lock(hashtextextended('catalog.import', 0))"
}

db::statement! {
    /// Until the transaction ends. A chunk is a few hundred rows, however large the shop is, so each is looked up by its
    /// index. Left alone, Postgres plans the first chunks while the tables are empty, by reading all of them, and keeps
    /// these plans. What has no index seems dear then, and is not to be compiled for that.
    struct UseIndexes {} -> Text =
    "SELECT set_config('enable_hashjoin', 'off', true) || set_config('enable_mergejoin', 'off', true) \
         || set_config('enable_seqscan', 'off', true) || set_config('jit', 'off', true)"
}

db::statement! {
    /// Locks products in id order, as every writer does: those of the SKUs, and those that are named.
    struct LockProducts { skus: Vec<String> => Array<Text>, ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT p.id FROM (SELECT v.product_id FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku \
                        UNION SELECT unnest($2::bigint[])) AS w (id) \
       JOIN catalog.products p ON p.id = w.id ORDER BY p.id FOR UPDATE OF p"
}

db::statement! {
    /// After the products, and in variant order.
    struct LockStock { skus: Vec<String> => Array<Text> } -> BigInt =
    "SELECT s.variant_id FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku \
       JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1 \
      ORDER BY s.variant_id FOR UPDATE OF s"
}

db::statement! {
    /// Not in the statement that waits for the locks: it would see prices as they were before.
    struct FindExisting { skus: Vec<String> => Array<Text>, currencies: Vec<&'static str> => Array<Text> }
        -> (Text, Text, BigInt, BigInt, Bool, Bool, Jsonb, Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>,
            Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, BigInt, BigInt, BigInt, Bool, Text) =
    "SELECT v.sku, w.currency, p.id, v.id, p.archived_at IS NOT NULL OR v.archived_at IS NOT NULL, v.is_default, v.choices, \
            v.barcode, v.weight_grams, v.length_mm, v.width_mm, v.height_mm, \
            (SELECT amount_minor FROM catalog.prices WHERE variant_id = v.id AND currency = w.currency \
               AND valid_from <= statement_timestamp() ORDER BY valid_from DESC, id DESC LIMIT 1), \
            s.on_hand, s.reserved, s.reserved + s.safety - s.backorder_limit, s.keeps_stock, v.kind \
       FROM unnest($1::text[], $2::text[]) AS w (sku, currency) \
       JOIN catalog.variants v ON v.sku = w.sku JOIN catalog.products p ON p.id = v.product_id \
       JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1"
}

db::statement! {
    struct FindProducts { ids: Vec<i64> => Array<BigInt> }
        -> (BigInt, Bool, Text, Text, Text, Jsonb, Integer, Nullable<Text>, Text, Array<Text>, Text, Text, Text, Text, Bool,
            Nullable<Timestamptz>, Nullable<Timestamptz>) =
    "SELECT id, archived_at IS NOT NULL, name, description, image, options, variant_count, slug, brand, tags, \
            description_html, seo_title, seo_description, tax_class, published_at = 'infinity', \
            CASE WHEN isfinite(published_at) THEN published_at END, \
            CASE WHEN isfinite(unpublished_at) THEN unpublished_at END \
       FROM catalog.products WHERE id = ANY($1)"
}

db::statement! {
    /// Which of these choices a variant of the product has.
    struct FindTaken { product_ids: Vec<i64> => Array<BigInt>, choices: Vec<serde_json::Value> => Array<Jsonb> }
        -> (BigInt, Jsonb) =
    "SELECT w.product_id, w.choices FROM unnest($1::bigint[], $2::jsonb[]) AS w (product_id, choices) \
      WHERE EXISTS (SELECT FROM catalog.variants v \
             WHERE v.product_id = w.product_id AND md5(v.choices::text) = md5(w.choices::text) \
               AND v.archived_at IS NULL AND v.choices <> '{}')"
}

/// The variants of a chunk that are known, by SKU and the currency of the row.
pub(super) struct Found(HashMap<(String, String), Existing>);

impl Found {
    pub(super) fn of(&self, entry: &Entry) -> Option<&Existing> {
        let row = &entry.row;
        let currency = row.price.currency().code();
        self.0
            .get(&(row.sku.as_str().to_owned(), currency.to_owned()))
    }

    fn product_ids(&self) -> impl Iterator<Item = i64> {
        self.0.values().map(|existing| existing.product_id)
    }
}

#[derive(Debug, Queryable)]
struct Product {
    id: i64,
    is_archived: bool,
    name: String,
    description: String,
    image: String,
    options: serde_json::Value,
    variants: i32,
    slug: Option<String>,
    brand: String,
    tags: Vec<String>,
    description_html: String,
    seo_title: String,
    seo_description: String,
    tax_class: String,
    is_unpublished: bool,
    published_at: Option<DateTime<Utc>>,
    unpublished_at: Option<DateTime<Utc>>,
}

/// Waits until no other import is at work.
pub(super) fn begin(conn: &mut PgConnection) -> QueryResult<()> {
    UseIndexes {}.execute(conn)?;
    LockImports {}.execute(conn)?;
    Ok(())
}

/// Locks and reads the variants of a chunk with their products, and the products `named` besides.
pub(super) fn find(
    conn: &mut PgConnection,
    entries: &[Entry],
    named: &[i64],
    shop: &Shop,
) -> QueryResult<(Found, Vec<Target>)> {
    let skus: Vec<String> = entries
        .iter()
        .map(|entry| entry.row.sku.as_str().to_owned())
        .collect();
    LockProducts {
        skus: skus.clone(),
        ids: named.to_vec(),
    }
    .execute(conn)?;
    let locked: Vec<i64> = LockStock { skus: skus.clone() }.load(conn)?;
    if entries.iter().any(|entry| entry.row.on_hand.is_some()) {
        holds::release_expired(conn, locked)?;
    }
    let statement = FindExisting {
        skus,
        currencies: entries
            .iter()
            .map(|entry| entry.row.price.currency().code())
            .collect(),
    };
    let existing: Vec<Existing> = statement.load(conn)?;
    let existing = existing.into_iter().map(|existing| {
        let key = (existing.sku.clone(), existing.currency.clone());
        (key, existing)
    });
    let found = Found(existing.collect());
    let mut ids: Vec<i64> = found.product_ids().chain(named.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut categories = shop.categories_of(conn, &ids)?;
    let mut kept = match shop.fields.is_empty() {
        true => HashMap::new(),
        false => attributes::find_all(conn, CustomResource::Product, ids.clone())?,
    };
    let speaks = |entry: &Entry| !entry.row.details.translations.is_empty();
    let mut said = match entries.iter().any(speaks) {
        true => translations::products::list_all(conn, ids.clone())?,
        false => HashMap::new(),
    };
    let products: Vec<Product> = FindProducts { ids }.load(conn)?;
    let targets = products.into_iter().map(|product| {
        let categories = categories.remove(&product.id).unwrap_or_default();
        let fields = kept.remove(&product.id).unwrap_or_default().all_values();
        let said = said.remove(&product.id).unwrap_or_default();
        target(product, categories, fields, said)
    });
    Ok((found, targets.collect::<QueryResult<_>>()?))
}

fn target(
    product: Product,
    categories: BTreeSet<i64>,
    fields: Map<String, Value>,
    translations: Translations,
) -> QueryResult<Target> {
    let begin = match (product.is_unpublished, product.published_at) {
        (true, _) => Begin::Never,
        (false, Some(begin)) => Begin::At(begin),
        (false, None) => Begin::Always,
    };
    Ok(Target {
        id: Some(product.id),
        is_archived: product.is_archived,
        former_slug: product.slug.clone(),
        former_categories: categories.clone(),
        former_fields: fields.clone(),
        former_translations: translations.clone(),
        described: Described {
            name: product.name,
            description: product.description,
            image: product.image,
            slug: product.slug,
            brand: product.brand,
            tags: product.tags,
            description_html: product.description_html,
            seo_title: product.seo_title,
            seo_description: product.seo_description,
            tax_class: product.tax_class,
            begin,
            end: product.unpublished_at,
            fields,
            translations,
            categories,
        },
        options: variants::read_options(product.options)?,
        variants: product.variants,
        ..Target::default()
    })
}

/// Which of these choices, each beside its product, a variant has.
pub(super) fn find_taken(
    conn: &mut PgConnection,
    wanted: Vec<(i64, serde_json::Value)>,
) -> QueryResult<Vec<(i64, serde_json::Value)>> {
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let (product_ids, choices) = wanted.into_iter().unzip();
    FindTaken {
        product_ids,
        choices,
    }
    .load(conn)
}
