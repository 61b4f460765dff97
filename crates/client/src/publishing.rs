//! Products by their addresses, and as staff sees them: drafts and archived ones too.

use chrono::{DateTime, Utc};
use domain::{Currency, ProductId, Sku, Slug, TaxClass};
use reqwest::Method;
use reqwest::header::{HeaderValue, LOCATION};
use serde::{Deserialize, Serialize};

use crate::{Answer, AttributeChanges, Client, Error, NewProduct, Product, Request, transport};

/// Whether customers see a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProductStatus {
    /// Nobody does: it was never published, is to be later, or its time is over.
    Draft,
    /// Everybody does.
    Active,
    /// It is gone for good. Nobody can set this; see [`Client::archive_product`].
    Archived,
}

/// A product, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffProduct {
    /// Names the product.
    pub id: ProductId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The address of a picture; empty for none.
    pub image: String,
    /// That of its default variant.
    pub sku: Sku,
    /// The list price as a decimal number of `currency`; customers do not see a product without one.
    pub price: Option<String>,
    /// The currency of the price.
    pub currency: Option<Currency>,
    /// How many variants there are.
    pub variant_count: u32,
    /// Whether customers see it now.
    pub status: ProductStatus,
    /// On sale from then on; `None` for a draft without a date.
    pub publish_at: Option<DateTime<Utc>>,
    /// Off sale from then on; `None` for never.
    pub unpublish_at: Option<DateTime<Utc>>,
    /// The end of its web address.
    pub slug: Slug,
    /// Empty for none.
    pub brand: String,
    /// In the order they were given.
    pub tags: Vec<String>,
    /// How it is taxed. `None`: the server is older.
    pub tax_class: Option<TaxClass>,
    /// Rich text that is safe to put into a page; not in lists.
    pub description_html: Option<String>,
    /// What a search engine is to be told; empty for the name.
    pub seo_title: String,
    /// The same for the description.
    pub seo_description: String,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Products of every status, or of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffProductPage {
    /// At most `limit` products.
    pub products: Vec<StaffProduct>,
    /// How many products a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which products to list.
#[derive(Debug, Clone, Default)]
pub struct StaffProductQuery {
    /// All when `None`.
    pub status: Option<ProductStatus>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

/// What a product has beside its name, picture and price; `None` stays as it is, or is empty on a new one.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductDetails {
    /// `Some(None)` lets its name and id make it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<Option<Slug>>,
    /// At most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// All of them: at most 50 of at most 60 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// How it is taxed; `standard` where nobody says. Orders keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    /// Rich text, which the shop sanitises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_html: Option<String>,
    /// What a search engine is to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_title: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_description: Option<String>,
    /// On sale from then on; `Some(None)` makes a draft, and a time that is past puts it on sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<Option<DateTime<Utc>>>,
    /// Off sale from then on; `Some(None)` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpublish_at: Option<Option<DateTime<Utc>>>,
    /// What is kept of it; see [`Client::get_attributes`].
    #[serde(flatten)]
    pub attributes: AttributeChanges,
}

impl Client {
    /// Finds a product on sale by the end of its web address, or by one it had before: its `slug` tells which it has.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn find_product(&self, slug: &Slug) -> Result<Answer<Product>, Error> {
        let mut request = Request::new(Method::GET, format!("/api/products/by-slug/{slug}"));
        let mut answer = self.send(request.clone()).await?;
        let address = answer.headers.get(LOCATION);
        if let (301, Some(Ok(address))) = (answer.status, address.map(HeaderValue::to_str)) {
            request = Request::new(Method::GET, address);
            answer = self.send(request.clone()).await?;
        }
        transport::read(answer, request.to_string())
    }

    /// Enters a product with its details. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `sku_taken` and `slug_taken`.
    pub async fn create_staff_product(
        &self,
        product: &NewProduct,
        details: &ProductDetails,
    ) -> Result<Answer<StaffProduct>, Error> {
        #[derive(Serialize)]
        struct Body<'p> {
            #[serde(flatten)]
            product: &'p NewProduct,
            #[serde(flatten)]
            details: &'p ProductDetails,
        }
        let body = Body { product, details };
        self.fetch(Request::new(Method::POST, "/api/admin/products").json(&body)?)
            .await
    }

    /// Lists products, oldest first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 400 for a limit or cursor that is not valid.
    pub async fn list_staff_products(
        &self,
        query: &StaffProductQuery,
    ) -> Result<Answer<StaffProductPage>, Error> {
        let status = query.status.map(|status| match status {
            ProductStatus::Draft => "draft",
            ProductStatus::Active => "active",
            ProductStatus::Archived => "archived",
        });
        let request = Request::new(Method::GET, "/api/admin/products")
            .query_if("status", status.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a product, whatever its status; the answer's `etag` is for [`Client::patch_details`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_staff_product(&self, id: ProductId) -> Result<Answer<StaffProduct>, Error> {
        let path = format!("/api/admin/products/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Changes details of a product, when `etag` is given only if it still is what was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `slug_taken`, and with status 412 when somebody else was faster.
    pub async fn patch_details(
        &self,
        id: ProductId,
        details: &ProductDetails,
        etag: Option<&str>,
    ) -> Result<Answer<StaffProduct>, Error> {
        let path = format!("/api/admin/products/{id}");
        let request = Request::new(Method::PATCH, path).json(details)?;
        self.fetch(request.if_match(etag)?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn details_are_sent_as_the_api_wants_them() {
        let reply = Reply::With("404 Not Found", &[], "{}".into());
        let server = TestServer::start(vec![reply]).await;
        let shop = server.client().build().unwrap();
        let details = ProductDetails {
            slug: Some(None),
            publish_at: Some(None),
            unpublish_at: Some(None),
            ..ProductDetails::default()
        };

        let id = ProductId::try_from(3).unwrap();
        let refused = shop.patch_details(id, &details, Some("\"7\"")).await;

        assert!(matches!(refused, Err(Error::Api(_))), "{refused:?}");
        let heard = server.heard();
        assert!(heard[0].starts_with("PATCH /api/admin/products/3 "));
        assert!(heard[0].contains("if-match: \"7\""), "{}", heard[0]);
        let sent = r#"{"slug":null,"publishAt":null,"unpublishAt":null}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }

    #[tokio::test]
    async fn an_address_that_a_product_had_leads_to_the_one_it_has() {
        let location = &["location: /api/products/by-slug/cup"];
        let moved = Reply::With("301 Moved Permanently", location, String::new());
        let gone = Reply::With("404 Not Found", &[], "{}".into());
        let server = TestServer::start(vec![moved, gone]).await;
        let shop = server.client().build().unwrap();

        let found = shop.find_product(&"mug".parse().unwrap()).await;

        assert!(matches!(found, Err(Error::Api(_))), "{found:?}");
        assert!(server.heard()[1].starts_with("GET /api/products/by-slug/cup "));
    }
}
