//! What a product is chosen by, and its variants.

use std::collections::BTreeMap;

use domain::{
    Currency, Locale, Money, MoneyError, Options, ProductId, ProductOption, Sku, VariantId,
    VariantKind,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Answer, Client, Component, Error, Request};

/// What is sold of a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// Names the variant.
    pub id: VariantId,
    /// The merchant's own name for it; orders name a variant by it.
    pub sku: Sku,
    /// The chosen values, such as `M / red`; empty where there is nothing to choose.
    pub title: String,
    /// A value for each option of the product.
    pub choices: BTreeMap<String, String>,
    /// How the chosen values are called in the language that was asked for, by the options, as far as they are translated.
    #[serde(default)]
    pub choice_labels: BTreeMap<String, String>,
    /// Whether it stands for the product where none is chosen.
    pub is_default: bool,
    /// What is taken from stock when it is sold. `None`: the server is older.
    pub kind: Option<VariantKind>,
    /// What one of a bundle is made of; empty for everything else.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The list price as a decimal number of `currency`; see [`Variant::money`].
    pub price: String,
    /// The currency of the price.
    pub currency: Currency,
    /// As printed on it.
    pub barcode: Option<String>,
    /// Grams.
    pub weight_grams: Option<i64>,
    /// Millimetres.
    pub length_mm: Option<i64>,
    /// Millimetres.
    pub width_mm: Option<i64>,
    /// Millimetres.
    pub height_mm: Option<i64>,
    /// Values of custom fields that are public, by their keys.
    #[serde(default)]
    pub custom_fields: Map<String, Value>,
    /// What programs keep there.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

impl Variant {
    /// Returns the list price in minor units.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the server sent no decimal number of this currency.
    pub fn money(&self) -> Result<Money, MoneyError> {
        Money::parse_decimal(&self.price, self.currency)
    }
}

/// Some of the variants of a product.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariantPage {
    /// At most `limit` variants.
    pub variants: Vec<Variant>,
    /// How many variants a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which variants to list.
#[derive(Debug, Clone, Default)]
pub struct VariantQuery {
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
    /// The language of titles and chosen values, for customers; the shop's own when `None`.
    pub locale: Option<Locale>,
}

/// What a product is chosen by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductOptions {
    /// Which product.
    pub product_id: ProductId,
    /// In the order customers are asked.
    pub options: Options,
    /// How many variants the product has.
    pub variant_count: u32,
}

/// A variant to be entered.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewVariant {
    /// The merchant's own name for it.
    pub sku: Sku,
    /// A value for each option of the product.
    pub choices: BTreeMap<String, String>,
    /// The list price.
    #[serde(flatten, serialize_with = "crate::products::as_decimal")]
    pub price: Money,
    /// Physical, where `None`, or digital; see [`Client::set_components`] for bundles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<VariantKind>,
    /// How many there are; 0 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hand: Option<i64>,
}

/// What became of the variants that were entered, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NewVariantIds {
    /// An id for each.
    pub variants: Vec<NewVariantId>,
}

/// A variant that was entered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NewVariantId {
    /// Names the variant.
    pub id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
}

impl Client {
    /// Lists variants of a product, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn list_variants(
        &self,
        product: ProductId,
        query: &VariantQuery,
    ) -> Result<Answer<VariantPage>, Error> {
        let path = format!("/api/products/{product}/variants");
        let request = Request::new(Method::GET, path)
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref())
            .query_if("locale", query.locale.as_ref());
        self.fetch(request).await
    }

    /// Reads what a product is chosen by; the answer's `etag` is for [`Client::put_options`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn get_options(&self, product: ProductId) -> Result<Answer<ProductOptions>, Error> {
        let path = format!("/api/admin/products/{product}/options");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Sets what a product is chosen by, when `etag` is given only if it still is what was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `option_in_use` when a variant has what would go, and with status
    /// 412 when somebody else was faster.
    pub async fn put_options(
        &self,
        product: ProductId,
        options: &Options,
        etag: Option<&str>,
    ) -> Result<Answer<ProductOptions>, Error> {
        #[derive(Serialize)]
        struct Body<'o> {
            options: &'o [ProductOption],
        }
        let path = format!("/api/admin/products/{product}/options");
        let options = options.as_slice();
        let request = Request::new(Method::PUT, path).json(&Body { options })?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Enters variants of a product, all or none. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `sku_taken` and `choices_taken`; its errors name the variant.
    pub async fn create_variants(
        &self,
        product: ProductId,
        variants: &[NewVariant],
    ) -> Result<Answer<NewVariantIds>, Error> {
        #[derive(Serialize)]
        struct Body<'v> {
            variants: &'v [NewVariant],
        }
        let path = format!("/api/admin/products/{product}/variants");
        self.fetch(Request::new(Method::POST, path).json(&Body { variants })?)
            .await
    }

    /// Takes a variant off sale; orders keep it. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `default_variant` for the one that stands for the product.
    pub async fn archive_variant(&self, product: ProductId, id: VariantId) -> Result<(), Error> {
        let path = format!("/api/admin/products/{product}/variants/{id}");
        self.accept(Request::new(Method::DELETE, path)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn variants_are_sent_as_the_api_wants_them() {
        let made = json!({"variants": [{"id": 9, "sku": "TEE-M"}]}).to_string();
        let server = TestServer::start(vec![Reply::With("201 Created", &[], made)]).await;
        let shop = server.client().build().unwrap();
        let new = NewVariant {
            sku: "TEE-M".parse().unwrap(),
            choices: BTreeMap::from([("Size".into(), "M".into())]),
            price: Money::new(1_990, Currency::USD),
            kind: None,
            on_hand: None,
        };

        let product = ProductId::try_from(3).unwrap();
        let made = shop.create_variants(product, &[new]).await.unwrap();

        assert_eq!(made.body.variants[0].id.get(), 9);
        let heard = server.heard();
        assert!(heard[0].starts_with("POST /api/admin/products/3/variants "));
        let sent = r#"{"variants":[{"sku":"TEE-M","choices":{"Size":"M"},"price":"19.90","currency":"USD"}]}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }
}
