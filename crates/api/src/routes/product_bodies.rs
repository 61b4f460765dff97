//! Products as everyone sees them.

use std::collections::BTreeMap;

use catalog::media::products::Shown;
use catalog::prices::Market;
use catalog::products::Product;
use catalog::texts::sanitise;
use catalog::translations::{self, custom};
use catalog::variants::parts;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};
use domain::{Currency, Cursor, CustomResource, MediaId, Money, ProductId, VariantId, VariantKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::admin::options::OptionBody;
use super::attributes::{FileBody, Object, files, replace};
use super::media_files::url;
use super::option_labels::{self, OptionLabelsBody};
use super::variants::ComponentBody;

/// A product on sale.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Product)]
pub struct ProductBody {
    #[schema(value_type = i64, example = 1)]
    pub id: ProductId,
    #[schema(example = "MacBook Air")]
    pub name: String,
    pub description: String,
    #[schema(example = "MACBOOK-AIR")]
    pub sku: String,
    /// Unit price in major units of `currency`.
    #[schema(example = "999.99")]
    pub price: String,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// What the price is reduced from; absent where it is no reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub compare_at_price: Option<String>,
    /// The lowest price in the thirty days before a reduction, which the law of the European Union wants shown with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lowest30d: Option<String>,
    /// The address of a picture: the one that was given, or else the first of `media`.
    pub image: String,
    /// What is sold where no variant is chosen: `physical`, `digital` (nothing is sent) or `bundle` (made of `components`).
    #[schema(value_type = String, example = "physical")]
    pub kind: VariantKind,
    /// What one of a bundle is made of; absent for everything else. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ComponentBody>>)]
    pub components: Option<Vec<ComponentBody>>,
    /// How many variants are on sale; they are a list of their own.
    pub variant_count: i32,
    /// What it is chosen by; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OptionBody>>)]
    pub options: Option<serde_json::Value>,
    /// How options and values are called in the language that was asked for, by their names; what is not translated is not there.
    /// Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_labels: Option<BTreeMap<String, OptionLabelsBody>>,
    /// The end of its web address: `GET /api/products/by-slug/{slug}` finds it.
    pub slug: String,
    /// Empty for none.
    pub brand: String,
    /// Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Rich text that is safe to put into a page; empty for none. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_html: Option<String>,
    /// What a search engine is to be told; empty for the name. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_title: Option<String>,
    /// The same for the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_description: Option<String>,
    /// In their order; in lists only the first.
    pub media: Vec<ProductMediaBody>,
    /// Values of custom fields that are public, by their keys. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"material": "wool"}))]
    pub custom_fields: Option<Object>,
    /// The files that values of custom fields name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FileBody>>)]
    pub files: Option<Vec<FileBody>>,
    /// What programs keep there. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Object>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A picture of a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductMedia)]
pub struct ProductMediaBody {
    #[schema(value_type = i64, example = 7)]
    pub id: MediaId,
    /// The address of the original.
    pub url: String,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub content_type: String,
    /// Of the original, in pixels.
    pub width: i32,
    pub height: i32,
    /// In these widths it is at the same address with `{width}.webp` at its end.
    pub widths: Vec<i32>,
    /// What is said for those who do not see it; empty where it only decorates.
    pub alt: String,
    /// The same in other languages, by their locales; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub alts: Option<serde_json::Value>,
    /// The variants that it shows; empty where it shows no one in particular.
    pub variant_ids: Vec<i64>,
}

impl From<Shown> for ProductMediaBody {
    fn from(shown: Shown) -> Self {
        Self {
            id: shown.id,
            url: url(shown.hash, &shown.content_type),
            content_type: shown.content_type,
            width: shown.width,
            height: shown.height,
            widths: shown.widths,
            alt: shown.alt,
            alts: None,
            variant_ids: shown.variant_ids,
        }
    }
}

impl ProductMediaBody {
    /// The same as staff reads it.
    pub fn for_staff(mut shown: Shown) -> Self {
        let alts = Some(shown.alts.take());
        Self {
            alts,
            ..shown.into()
        }
    }
}

impl From<Product> for ProductBody {
    fn from(mut product: Product) -> Self {
        let media = std::mem::take(&mut product.media).shown;
        let media: Vec<ProductMediaBody> = media.into_iter().map(Into::into).collect();
        let decimal = |minor| Money::new(minor, product.currency).to_decimal();
        Self {
            slug: product.address(),
            price: decimal(product.price_minor()),
            compare_at_price: product.compare_at_minor().map(decimal),
            lowest30d: product.lowest_30d_minor().map(decimal),
            custom_fields: product.custom_fields().cloned(),
            files: files(&product.files()),
            metadata: product.metadata().cloned(),
            id: product.id,
            name: product.name,
            description: product.description,
            sku: product.sku.to_string(),
            currency: product.currency,
            // Whoever knows of no pictures shows the first.
            image: match media.first() {
                Some(first) if product.image.is_empty() => first.url.clone(),
                _ => product.image,
            },
            kind: product.kind,
            components: None,
            variant_count: product.variant_count,
            options: product.options,
            option_labels: None,
            brand: product.brand,
            tags: product.tags,
            description_html: product.description_html.as_deref().map(sanitise),
            seo_title: product.seo_title,
            seo_description: product.seo_description,
            media,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

impl ProductBody {
    /// All that is shown of one product: with what a bundle is made of.
    pub fn of_one(conn: &mut PgConnection, product: Product) -> QueryResult<Self> {
        Ok(Self::of_all(conn, vec![product])?.swap_remove(0))
    }

    /// The same of each of several.
    pub fn of_all(conn: &mut PgConnection, products: Vec<Product>) -> QueryResult<Vec<Self>> {
        let bundles = products.iter().filter(|p| p.kind == VariantKind::Bundle);
        let bundles: Vec<VariantId> = bundles.map(|bundle| bundle.variant_id).collect();
        let mut parts = parts::list(conn, &bundles)?;
        let body = |product: Product| {
            let parts = parts.remove(&product.variant_id);
            let components = parts.map(|parts| parts.into_iter().map(Into::into).collect());
            Self {
                components,
                ..Self::from(product)
            }
        };
        Ok(products.into_iter().map(body).collect())
    }
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductPage)]
pub struct ProductPageBody {
    pub products: Vec<ProductBody>,
    /// The number of this page; absent when it was reached by cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

/// Puts texts into the language of the market, where they are translated. Addresses stay as they are.
pub(super) fn translate(
    conn: &mut PgConnection,
    products: &mut [ProductBody],
    market: Market,
) -> QueryResult<()> {
    let Some(locale) = market.locale else {
        return Ok(());
    };
    let has_fields = |product: &&ProductBody| {
        let shown = product.custom_fields.as_ref();
        shown.is_some_and(|shown| !shown.is_empty())
    };
    let with_fields = products.iter().filter(has_fields);
    let with_fields = with_fields.map(|product| product.id.get()).collect();
    let mut said = custom::find_all(conn, CustomResource::Product, with_fields, &locale)?;
    let chosen_by = products
        .iter()
        .filter_map(|product| product.options.as_ref());
    let mut labels = option_labels::of_all(conn, chosen_by, &locale)?.into_iter();
    let ids = products.iter().map(|product| product.id.get()).collect();
    let mut translated = translations::products::find_all(conn, ids, &locale)?;
    for product in products {
        let said = said.remove(&product.id.get());
        if let (Some(shown), Some(said)) = (&mut product.custom_fields, said) {
            replace(shown, said);
        }
        if product.options.is_some() {
            product.option_labels = labels.next().flatten();
        }
        let Some(texts) = translated.remove(&product.id) else {
            continue;
        };
        let put = |shown: &mut Option<String>, text: Option<String>| {
            if shown.is_some() && text.is_some() {
                *shown = text;
            }
        };
        product.name = texts.name.unwrap_or(std::mem::take(&mut product.name));
        let description = std::mem::take(&mut product.description);
        product.description = texts.description.unwrap_or(description);
        let html = texts.description_html.as_deref().map(sanitise);
        put(&mut product.description_html, html);
        put(&mut product.seo_title, texts.seo_title);
        put(&mut product.seo_description, texts.seo_description);
    }
    Ok(())
}
