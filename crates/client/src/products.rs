//! The catalogue and its stock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    Country, Currency, Locale, Money, MoneyError, Options, ProductId, Sku, Slug, VariantKind,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Answer, Client, Component, Error, ProductMedia, Request};

/// Something the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Names the product in orders.
    pub id: ProductId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// The list price as a decimal number of `currency`; see [`Product::money`].
    pub price: String,
    /// The currency of the price.
    pub currency: Currency,
    /// What the price is reduced from; `None` where it is no reduction.
    pub compare_at_price: Option<String>,
    /// The lowest price in the thirty days before a reduction.
    pub lowest30d: Option<String>,
    /// The address of a picture.
    pub image: Option<String>,
    /// Its pictures in their order; in lists only the first.
    #[serde(default)]
    pub media: Vec<ProductMedia>,
    /// What is sold where no variant is chosen. `None`: the server is older.
    pub kind: Option<VariantKind>,
    /// What one of a bundle is made of; only where one product is read.
    #[serde(default)]
    pub components: Vec<Component>,
    /// How many variants there are; [`Client::list_variants`] lists them. `None`: the server is older.
    pub variant_count: Option<u32>,
    /// What it is chosen by; only where one product is read, not in lists.
    #[serde(default)]
    pub options: Options,
    /// How options and values are called in the language that was asked for, by their names; only where one product is read.
    #[serde(default)]
    pub option_labels: BTreeMap<String, OptionLabels>,
    /// The end of its web address; see [`Client::find_product`]. `None`: the server is older.
    pub slug: Option<Slug>,
    /// Empty for none.
    #[serde(default)]
    pub brand: String,
    /// Only where one product is read.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Rich text that is safe to put into a page; only where one product is read.
    #[serde(default)]
    pub description_html: String,
    /// What a search engine is to be told; only where one product is read.
    #[serde(default)]
    pub seo_title: String,
    /// The same.
    #[serde(default)]
    pub seo_description: String,
    /// Values of custom fields that are public, by their keys; only where one product is read.
    #[serde(default)]
    pub custom_fields: Map<String, Value>,
    /// What programs keep there; only where one product is read.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Product {
    /// Returns the list price in minor units.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the server sent no decimal number of this currency.
    pub fn money(&self) -> Result<Money, MoneyError> {
        Money::parse_decimal(&self.price, self.currency)
    }
}

/// How an option is called in a language; what is not translated is not there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OptionLabels {
    /// The option itself.
    pub label: Option<String>,
    /// By the values themselves.
    pub values: BTreeMap<String, String>,
}

/// A part of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductPage {
    /// At most `limit` products.
    pub products: Vec<Product>,
    /// Which page this is, when pages were counted.
    pub page: Option<u32>,
    /// How many products a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which part of the catalogue to list; `page` and `cursor` exclude each other.
#[derive(Debug, Clone, Default)]
pub struct ProductQuery {
    /// Words in the name, the description or the SKU.
    pub q: Option<String>,
    /// From 1.
    pub page: Option<u32>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
    /// Prices in this currency where there are such; the shop's when `None`.
    pub currency: Option<Currency>,
    /// Where the order is to go, for prices that differ by country.
    pub country: Option<Country>,
    /// The language of texts; the shop's own when `None`.
    pub locale: Option<Locale>,
}

/// A product to be entered.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProduct {
    /// What it is called.
    pub name: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// The list price.
    #[serde(flatten, serialize_with = "as_decimal")]
    pub price: Money,
    /// How many there are; 0 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hand: Option<i64>,
}

/// What to change in a product; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProductChanges {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The list price as a decimal number of the product's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

/// How much of a product there is, in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLevel {
    /// Which product.
    pub product_id: ProductId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// Counted.
    pub on_hand: i64,
    /// Promised to open orders.
    pub reserved: i64,
    /// Kept back from sale.
    pub safety: i64,
    /// How many may be sold beyond what there is.
    pub backorder_limit: i64,
    /// What can be ordered now; of a bundle as many as its parts make, `None` for as many as anybody likes.
    pub available: Option<i64>,
}

/// A new count of a product.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetStock {
    /// How many there are.
    pub on_hand: i64,
    /// How many the caller believes there were: another count is a conflict.
    pub expected_on_hand: i64,
}

impl NewProduct {
    /// Describes a product with only what is needed.
    #[must_use]
    pub fn new(name: impl Into<String>, sku: Sku, price: Money) -> Self {
        Self {
            name: name.into(),
            description: None,
            image: None,
            sku,
            price,
            on_hand: None,
        }
    }
}

impl Client {
    /// Lists products.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 400 for a limit or cursor that is not valid.
    pub async fn list_products(&self, query: &ProductQuery) -> Result<Answer<ProductPage>, Error> {
        let request = Request::new(Method::GET, "/api/products")
            .query_if("q", query.q.as_ref())
            .query_if("page", query.page.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref())
            .query_if("currency", query.currency.as_ref())
            .query_if("country", query.country.as_ref())
            .query_if("locale", query.locale.as_ref());
        self.fetch(request).await
    }

    /// Reads a product; the answer's `etag` is for [`Client::patch_product`].
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_product(&self, id: ProductId) -> Result<Answer<Product>, Error> {
        self.fetch(Request::new(Method::GET, format!("/api/products/{id}")))
            .await
    }

    /// Enters a product. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `sku_taken`.
    pub async fn create_product(&self, product: &NewProduct) -> Result<Answer<Product>, Error> {
        self.fetch(Request::new(Method::POST, "/api/products").json(product)?)
            .await
    }

    /// Changes a product, when `etag` is given only if it is still the version that was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn patch_product(
        &self,
        id: ProductId,
        changes: &ProductChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Product>, Error> {
        let path = format!("/api/products/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Takes a product out of the lists; orders keep it. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn archive_product(&self, id: ProductId) -> Result<(), Error> {
        self.accept(Request::new(Method::DELETE, format!("/api/products/{id}")))
            .await?;
        Ok(())
    }

    /// Reads how much of a product there is. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn get_stock(&self, id: ProductId) -> Result<Answer<StockLevel>, Error> {
        self.fetch(Request::new(
            Method::GET,
            format!("/api/products/{id}/stock"),
        ))
        .await
    }

    /// Sets how much of a product was counted. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `stock_changed` when the expected count is stale.
    pub async fn put_stock(
        &self,
        id: ProductId,
        stock: &SetStock,
    ) -> Result<Answer<StockLevel>, Error> {
        let path = format!("/api/products/{id}/stock");
        self.fetch(Request::new(Method::PUT, path).json(stock)?)
            .await
    }
}

/// Writes a price as products have it: `"price":"999.99","currency":"USD"`.
pub(crate) fn as_decimal<S: serde::Serializer>(
    price: &Money,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Decimal {
        price: String,
        currency: Currency,
    }
    Decimal {
        price: price.to_decimal(),
        currency: price.currency(),
    }
    .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_product_says_only_what_is_known() {
        let price = Money::new(99_999, Currency::USD);
        let product = NewProduct::new("MacBook Air", "MACBOOK-AIR".parse().unwrap(), price);

        assert_eq!(
            serde_json::to_value(&product).unwrap(),
            json!({"name": "MacBook Air", "sku": "MACBOOK-AIR", "price": "999.99", "currency": "USD"})
        );
    }

    #[test]
    fn a_product_may_have_fields_we_do_not_know() {
        let product: Product = serde_json::from_value(json!({
            "id": 1, "name": "Tee", "description": "", "sku": "TEE", "price": "9.50",
            "currency": "GBP", "image": null, "createdAt": "2026-03-01T12:00:00Z",
            "updatedAt": "2026-03-01T12:00:00.123456Z", "colours": ["red"]
        }))
        .unwrap();

        assert_eq!(product.money(), Ok(Money::new(950, Currency::GBP)));
    }
}
