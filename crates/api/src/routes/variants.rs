//! The variants of a product, read from finished bytes.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::custom_fields::attributes::{self, Attributes};
use catalog::prices::Market;
use catalog::prices::lookup::{self, Winning};
use catalog::products;
use catalog::translations::options;
use catalog::variants::parts::{self, Part};
use catalog::variants::{self, Variant};
use domain::{Cursor, CustomResource, Money, Page, PageSize, ProductId, VariantId, VariantKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admin::variants::bundles;
use super::attributes::{FileBody, Object, files};
use super::market::market;
use super::money::ProblemBody;
use super::option_labels;
use super::products::{not_found, product_id, to_bytes};
use crate::cache::Key;
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// A variant on sale.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Variant)]
pub struct VariantBody {
    #[schema(value_type = i64, example = 7)]
    id: VariantId,
    #[schema(example = "TEE-M-RED")]
    sku: String,
    /// The chosen values; empty where there is nothing to choose.
    #[schema(example = "M / red")]
    title: String,
    /// A value for each option of the product.
    choices: BTreeMap<String, String>,
    /// How the chosen values are called in the language that was asked for, by the options; what is not translated is not there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    choice_labels: BTreeMap<String, String>,
    /// Whether it stands for the product where none is chosen.
    is_default: bool,
    /// `physical`, `digital` (nothing is sent) or `bundle` (made of `components`).
    #[schema(value_type = String, example = "physical")]
    kind: VariantKind,
    /// What one of a bundle is made of; absent for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ComponentBody>>)]
    components: Option<Vec<ComponentBody>>,
    /// Unit price in major units of `currency`.
    #[schema(example = "19.90")]
    price: String,
    #[schema(value_type = String, example = "USD")]
    currency: domain::Currency,
    /// What the price is reduced from; absent where it is no reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    compare_at_price: Option<String>,
    /// The lowest price in the thirty days before a reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    lowest30d: Option<String>,
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
    /// Values of custom fields that are public, by their keys.
    #[schema(value_type = Object)]
    custom_fields: Object,
    /// The files that values of custom fields name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FileBody>>)]
    files: Option<Vec<FileBody>>,
    /// What programs keep there.
    #[schema(value_type = Object)]
    metadata: Object,
}

/// A part of a bundle, by its ids: whatever else is said of it may be read there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Component)]
pub struct ComponentBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    #[schema(value_type = i64)]
    product_id: ProductId,
    /// Units in one of the bundle.
    quantity: i64,
}

impl From<Part> for ComponentBody {
    fn from(part: Part) -> Self {
        Self {
            variant_id: part.variant_id,
            product_id: part.product_id,
            quantity: part.quantity,
        }
    }
}

/// A variant, its price, the parts of a bundle, and what is kept of it.
type Row = (Variant, Option<Winning>, Option<Vec<Part>>, Attributes);

impl From<Row> for VariantBody {
    fn from((variant, winning, parts, kept): Row) -> Self {
        // It may have left the shop between the two reads.
        let (currency, amount) = match &winning {
            Some(winning) => (winning.currency, winning.amount_minor),
            None => (variant.currency, variant.price_minor),
        };
        let decimal = |minor| Money::new(minor, currency).to_decimal();
        let compare_at = winning.as_ref().and_then(|it| it.compare_at_minor);
        let lowest = winning.as_ref().and_then(|it| it.lowest_30d_minor);
        Self {
            id: variant.id,
            sku: variant.sku.to_string(),
            title: variant.title,
            choices: choices(variant.choices),
            choice_labels: BTreeMap::new(),
            is_default: variant.is_default,
            kind: variant.kind,
            components: parts.map(|parts| parts.into_iter().map(Into::into).collect()),
            price: decimal(amount),
            compare_at_price: compare_at.map(decimal),
            lowest30d: lowest.map(decimal),
            currency,
            barcode: variant.barcode,
            weight_grams: variant.weight_grams,
            length_mm: variant.length_mm,
            width_mm: variant.width_mm,
            height_mm: variant.height_mm,
            files: files(kept.public_files()),
            custom_fields: kept.public,
            metadata: kept.metadata,
        }
    }
}

/// An object of texts, as it is stored.
pub(super) fn choices(stored: serde_json::Value) -> BTreeMap<String, String> {
    serde_json::from_value(stored).unwrap_or_default()
}

/// A page of variants.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VariantPage)]
pub struct VariantPageBody {
    variants: Vec<VariantBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VariantQuery {
    /// Variants on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl VariantQuery {
    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The page size, and the id behind which the page begins.
    pub(super) fn part(&self) -> Result<(PageSize, i64), Problem> {
        let size = params::page_size(self.limit.as_deref())?;
        let after = params::position(self.cursor.as_deref())?.unwrap_or(0);
        Ok((size, after))
    }
}

/// Which part of the list, and for whom the prices are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PricedVariantQuery {
    /// Variants on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Prices in this currency where there are such; the shop's where it is left out.
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1), for prices that differ by country.
    country: Option<String>,
    /// The language of titles and chosen values (BCP 47), where there are translations.
    locale: Option<String>,
}

/// Lists the variants of a product on sale, oldest first.
#[utoipa::path(
    tag = "products",
    params(("id" = i64, Path), PricedVariantQuery),
    responses(
        (status = 200, body = VariantPageBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products/{id}/variants")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<PricedVariantQuery>,
) -> Result<HttpResponse, Problem> {
    let product = product_id(&id)?;
    let query = query.0;
    let market = market(
        state.config.shop.currency,
        query.currency.as_deref(),
        query.country.as_deref(),
        query.locale.as_deref(),
    )?;
    let part = VariantQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (size, after) = part.part()?;
    let load = || async {
        let read = move |conn: &mut diesel::PgConnection| {
            let Some(found) = products::find(conn, product, market)? else {
                return Ok(None);
            };
            let rows = variants::list(conn, product, after, size, market.currency)?;
            let wanted: Vec<_> = rows.iter().map(|row| (row.sku.clone(), 1)).collect();
            let prices = lookup::look_up(conn, &wanted, market, &[], None)?;
            let mut parts = parts::list(conn, &bundles(&rows))?;
            let ids = rows.iter().map(|row| row.id.get()).collect();
            let mut kept = attributes::find_all(conn, CustomResource::Variant, ids)?;
            let row = |(variant, price): (Variant, _)| {
                let parts = parts.remove(&variant.id);
                let kept = kept.remove(&variant.id.get()).unwrap_or_default();
                (variant, price, parts, kept)
            };
            let rows = rows.into_iter().zip(prices).map(row).collect();
            let mut page = page(rows, size);
            translate(conn, &mut page.variants, found.options.as_ref(), market)?;
            Ok::<_, Problem>(Some(page))
        };
        let found = state.db.run(read).await?;
        found.map(|page| to_bytes(&page)).transpose()
    };
    let key = Key::Variants {
        product,
        after,
        size,
        market,
    };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}

/// Puts the words of options into the language of the market, where they are translated. What a variant is chosen by stays.
fn translate(
    conn: &mut diesel::PgConnection,
    variants: &mut [VariantBody],
    stored: Option<&serde_json::Value>,
    market: Market,
) -> diesel::QueryResult<()> {
    let (Some(stored), Some(locale)) = (stored, market.locale) else {
        return Ok(());
    };
    // Of the page alone: a product may have thousands of values.
    let chosen = variants.iter().flat_map(|variant| &variant.choices);
    let chosen: BTreeSet<(&str, &str)> = chosen.map(|(name, value)| (&**name, &**value)).collect();
    let labels = options::find_all(conn, chosen.into_iter(), &locale)?;
    let names = option_labels::names(stored);
    for variant in variants {
        let label = |name: &String, value: &String| labels.of_value(name, value).map(str::to_owned);
        let choices = variant.choices.iter();
        let translated: BTreeMap<String, String> = choices
            .filter_map(|(name, value)| Some((name.clone(), label(name, value)?)))
            .collect();
        if translated.is_empty() {
            continue;
        }
        let shown = |name: &String| {
            let label = translated.get(name);
            label.or_else(|| variant.choices.get(name)).cloned()
        };
        let title: Vec<String> = names.iter().filter_map(shown).collect();
        variant.title = title.join(" / ");
        variant.choice_labels = translated;
    }
    Ok(())
}

fn page(rows: Vec<Row>, size: PageSize) -> VariantPageBody {
    let id = |(variant, ..): &Row| variant.id.get();
    let page = Page::from_overfetched(rows, size, id);
    VariantPageBody {
        limit: size.get(),
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        variants: page.items.into_iter().map(Into::into).collect(),
    }
}
