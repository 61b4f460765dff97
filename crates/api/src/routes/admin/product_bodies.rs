//! Products as staff sends and sees them.

use catalog::custom_fields::attributes::{AttributeChanges, Attributes};
use catalog::editing::{DetailChanges, NewProduct, ProductChanges};
use catalog::products::managed::Managed;
use catalog::texts::sanitise;
use chrono::{DateTime, Utc};
use domain::{Currency, Cursor, Money, ProductId, Sku, Slug, TaxClass};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_details::{Details, NewStatus};
use crate::http::{Problem, given};
use crate::routes::attributes::{self, FileBody, Object};
use crate::routes::product_writes::{self, NewProductBody, ProductChangesBody};

/// A product, whatever its status.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffProduct)]
pub struct StaffProductBody {
    #[schema(value_type = i64)]
    pub id: ProductId,
    name: String,
    description: String,
    image: String,
    /// That of the default variant.
    sku: String,
    /// Unit price in major units of `currency`; without one the product is not shown to customers.
    #[schema(required = true)]
    price: Option<String>,
    #[schema(required = true)]
    currency: Option<String>,
    variant_count: i32,
    /// `draft`, `active` or `archived`.
    #[schema(value_type = String, example = "active")]
    status: &'static str,
    /// On sale from then on; `null` for a draft without a date.
    #[schema(required = true)]
    publish_at: Option<DateTime<Utc>>,
    /// Off sale from then on; `null` for never.
    #[schema(required = true)]
    unpublish_at: Option<DateTime<Utc>>,
    /// The end of its web address.
    slug: String,
    brand: String,
    tags: Vec<String>,
    /// How it is taxed; orders keep it.
    #[schema(value_type = String, example = "standard")]
    tax_class: TaxClass,
    /// Rich text that is safe to put into a page; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    description_html: Option<String>,
    seo_title: String,
    seo_description: String,
    /// Values of custom fields, by their keys. Not in lists, nor is what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// The files that values of custom fields name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FileBody>>)]
    files: Option<Vec<FileBody>>,
    /// What programs keep there for everybody to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// What programs keep there for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
    /// Counts the changes; the ETag is made of it.
    pub version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Managed> for StaffProductBody {
    fn from(product: Managed) -> Self {
        let price = product.price.as_ref().and_then(|(minor, code)| {
            let currency = Currency::try_from(code.as_str()).ok()?;
            Some(Money::new(*minor, currency).to_decimal())
        });
        Self {
            slug: product.address(),
            status: product.status().as_str(),
            currency: product.price.map(|(_, code)| code),
            price,
            id: product.id,
            name: product.name,
            description: product.description,
            image: product.image,
            sku: product.sku.to_string(),
            variant_count: product.variant_count,
            publish_at: product.publish_at,
            unpublish_at: product.unpublish_at,
            brand: product.brand,
            tags: product.tags,
            tax_class: product.tax_class,
            description_html: product.description_html.as_deref().map(sanitise),
            seo_title: product.seo_title,
            seo_description: product.seo_description,
            custom_fields: None,
            files: None,
            metadata: None,
            private_metadata: None,
            version: product.version,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

impl StaffProductBody {
    /// The same with what is not in lists.
    pub fn with(self, attributes: Attributes) -> Self {
        Self {
            custom_fields: Some(attributes.all_values()),
            files: attributes::files(&attributes.files),
            metadata: Some(attributes.metadata),
            private_metadata: Some(attributes.private_metadata),
            ..self
        }
    }
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffProductPage)]
pub struct StaffProductPageBody {
    pub products: Vec<StaffProductBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

/// A product to be made, on sale at once unless `status` or `publishAt` say otherwise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewStaffProduct)]
pub struct NewStaffProductBody {
    #[schema(min_length = 1, max_length = 300)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    image: String,
    #[schema(value_type = String, example = "TEE-M")]
    sku: Sku,
    /// In major units of `currency`.
    #[schema(example = "19.90")]
    price: String,
    /// The shop's currency where it is left out.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Counted units.
    #[serde(default)]
    #[schema(minimum = 0)]
    on_hand: i64,
    #[schema(value_type = Option<String>, max_length = 80)]
    slug: Option<Slug>,
    #[schema(max_length = 100)]
    brand: Option<String>,
    #[schema(max_items = 50)]
    tags: Option<Vec<String>>,
    /// `standard` where nobody says, `reduced`, `zero`, or a code of the merchant's own.
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9_-]{0,39}$")]
    tax_class: Option<TaxClass>,
    #[schema(max_length = 50_000)]
    description_html: Option<String>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
    status: Option<NewStatus>,
    /// Not together with `status`.
    publish_at: Option<DateTime<Utc>>,
    unpublish_at: Option<DateTime<Utc>>,
    /// Values of custom fields, by their keys.
    #[schema(value_type = Option<Object>, example = json!({"material": "wool"}))]
    custom_fields: Option<Object>,
    /// Anything, up to 16 KiB, for everybody to read.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same for staff alone.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl NewStaffProductBody {
    /// Checks what can be checked without the database.
    pub fn checked(
        self,
        shop_currency: Currency,
    ) -> Result<(NewProduct, DetailChanges, AttributeChanges), Problem> {
        let kept = attributes::changes(self.custom_fields, self.metadata, self.private_metadata);
        let details = Details {
            slug: self.slug.map(Some),
            brand: self.brand,
            tags: self.tags,
            tax_class: self.tax_class,
            description_html: self.description_html,
            seo_title: self.seo_title,
            seo_description: self.seo_description,
            status: self.status,
            publish_at: self.publish_at.map(Some),
            unpublish_at: self.unpublish_at.map(Some),
        };
        let product = NewProductBody {
            name: self.name,
            description: self.description,
            image: self.image,
            sku: self.sku,
            price: self.price,
            currency: self.currency,
            on_hand: self.on_hand,
        };
        let product = product_writes::new_product(product, shop_currency)?;
        Ok((product, details.checked()?, kept))
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StaffProductChanges)]
pub struct StaffProductChangesBody {
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    /// In major units of `currency`.
    price: Option<String>,
    /// The currency of `price`; the shop's where it is left out.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// `null` lets its name and id make it again. The slug it had leads to it as long as no other product takes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 80)]
    slug: Option<Option<Slug>>,
    #[schema(max_length = 100)]
    brand: Option<String>,
    /// All of them.
    #[schema(max_items = 50)]
    tags: Option<Vec<String>>,
    /// `standard` where nobody says, `reduced`, `zero`, or a code of the merchant's own.
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9_-]{0,39}$")]
    tax_class: Option<TaxClass>,
    #[schema(max_length = 50_000)]
    description_html: Option<String>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
    /// `active` puts it on sale now, `draft` takes it off until somebody says otherwise.
    status: Option<NewStatus>,
    /// `null` for a draft. Not together with `status`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    publish_at: Option<Option<DateTime<Utc>>>,
    /// `null` for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    unpublish_at: Option<Option<DateTime<Utc>>>,
    /// Values of custom fields to set, by their keys; `null` takes one away.
    #[schema(value_type = Option<Object>, example = json!({"material": "wool"}))]
    custom_fields: Option<Object>,
    /// Members to set; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl StaffProductChangesBody {
    /// Checks what can be checked without the product.
    pub fn checked(self, shop_currency: Currency) -> Result<ProductChanges, Problem> {
        let kept = attributes::changes(self.custom_fields, self.metadata, self.private_metadata);
        let details = Details {
            slug: self.slug,
            brand: self.brand,
            tags: self.tags,
            tax_class: self.tax_class,
            description_html: self.description_html,
            seo_title: self.seo_title,
            seo_description: self.seo_description,
            status: self.status,
            publish_at: self.publish_at,
            unpublish_at: self.unpublish_at,
        };
        let changes = ProductChangesBody {
            name: self.name,
            description: self.description,
            image: self.image,
            price: self.price,
            currency: self.currency,
        };
        Ok(ProductChanges {
            details: details.checked()?,
            attributes: kept,
            ..product_writes::product_changes(changes, shop_currency)?
        })
    }
}
