//! Collections: products that belong together, by hand or by rules.

use chrono::{DateTime, Utc};
use domain::{CategoryId, CollectionId, Country, Currency, Locale, Money, ProductOrder, Slug};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{
    Answer, AssignedProductPage, CategoryProductChanges, CategoryProductsChanged, Client, Error,
    ProductPage, Request,
};

/// Products that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// Names the collection.
    pub id: CollectionId,
    /// The readable end of its web address, which has a letter.
    pub slug: Slug,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The address of a picture; empty for none.
    pub image: String,
    /// Who says what is in it.
    pub kind: CollectionKind,
    /// How its products are listed.
    pub product_order: ProductOrder,
    /// What a product has to be; `None` for a list by hand, and for customers.
    pub rules: Option<CollectionRules>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who says what is in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CollectionKind {
    /// Staff, product by product.
    Manual,
    /// Rules that a product keeps or does not.
    Rules,
}

/// What a product has to be to be in a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionRules {
    /// Whether all conditions have to hold.
    #[serde(rename = "match")]
    pub matching: CollectionMatch,
    /// 1 to 20.
    pub conditions: Vec<CollectionCondition>,
}

/// How many of the conditions have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CollectionMatch {
    /// Every one.
    All,
    /// One is enough.
    Any,
}

/// Something that a product is: exactly one of these is set. In an answer none is where the shop knows another kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionCondition {
    /// In this category, or in one below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Of this brand, letter by letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// With this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// With a price in a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<CollectionPrices>,
    /// Whether any is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_stock: Option<bool>,
    /// Made so many days ago at most, 1 to 3,650.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_within_days: Option<u32>,
}

/// Prices from one to another, both included, of which one may be left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionPrices {
    /// The shop's, also when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A decimal number, as [`Money::to_decimal`] writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// A decimal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

impl CollectionPrices {
    /// A range of one currency.
    #[must_use]
    pub fn new(currency: Currency, min: Option<i64>, max: Option<i64>) -> Self {
        let decimal = |minor| Money::new(minor, currency).to_decimal();
        Self {
            currency: Some(currency),
            min: min.map(decimal),
            max: max.map(decimal),
        }
    }
}

/// Some collections.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionPage {
    /// At most `limit` collections.
    pub collections: Vec<Collection>,
    /// How many collections a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which products of a collection to list.
#[derive(Debug, Clone, Default)]
pub struct CollectionProductQuery {
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

/// A collection to be made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewCollection {
    /// What it is called.
    pub name: String,
    /// Made from the name when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// How its products are listed; when `None` by hand, and with rules the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_order: Option<ProductOrder>,
    /// What a product has to be; a list by hand when `None`, which it then stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<CollectionRules>,
}

/// What to change in a collection; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionChanges {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The readable end of its web address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How its products are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_order: Option<ProductOrder>,
    /// In place of the rules it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<CollectionRules>,
}

impl Client {
    /// Lists collections, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn list_collections(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<CollectionPage>, Error> {
        let request = Request::new(Method::GET, "/api/collections")
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a collection.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_collection(&self, id: CollectionId) -> Result<Answer<Collection>, Error> {
        let path = format!("/api/collections/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Reads a collection by the readable end of its web address.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_collection_by_slug(&self, slug: &Slug) -> Result<Answer<Collection>, Error> {
        let path = format!("/api/collections/{slug}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Lists products of a collection, in its order.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown collection.
    pub async fn list_collection_products(
        &self,
        id: CollectionId,
        query: &CollectionProductQuery,
    ) -> Result<Answer<ProductPage>, Error> {
        let request = Request::new(Method::GET, format!("/api/collections/{id}/products"))
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref())
            .query_if("currency", query.currency.as_ref())
            .query_if("country", query.country.as_ref())
            .query_if("locale", query.locale.as_ref());
        self.fetch(request).await
    }

    /// Lists collections with their rules, oldest first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 403 for anybody else.
    pub async fn list_staff_collections(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<CollectionPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/collections")
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a collection with its rules; the ETag is for [`Client::patch_collection`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_staff_collection(
        &self,
        id: CollectionId,
    ) -> Result<Answer<Collection>, Error> {
        let path = format!("/api/admin/collections/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Makes a collection. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `slug_taken` and `unknown_category`.
    pub async fn create_collection(
        &self,
        new: &NewCollection,
    ) -> Result<Answer<Collection>, Error> {
        self.fetch(Request::new(Method::POST, "/api/admin/collections").json(new)?)
            .await
    }

    /// Changes a collection, when `etag` is given only if it still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn patch_collection(
        &self,
        id: CollectionId,
        changes: &CollectionChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Collection>, Error> {
        let path = format!("/api/admin/collections/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Lists the products that somebody has put into a collection by their places, whether they are on sale or not.
    /// Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown collection.
    pub async fn list_placed_products(
        &self,
        id: CollectionId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<AssignedProductPage>, Error> {
        let path = format!("/api/admin/collections/{id}/products");
        let request = Request::new(Method::GET, path)
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Puts products into a collection without rules, moves them there and takes them out. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `unknown_product`, whose errors name the product, and `collection_has_rules`.
    pub async fn put_collection_products(
        &self,
        id: CollectionId,
        changes: &CategoryProductChanges,
    ) -> Result<Answer<CategoryProductsChanged>, Error> {
        let path = format!("/api/admin/collections/{id}/products");
        self.fetch(Request::new(Method::PUT, path).json(changes)?)
            .await
    }

    /// Takes a collection out of the shop; its products stay on sale. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn archive_collection(&self, id: CollectionId) -> Result<(), Error> {
        let path = format!("/api/admin/collections/{id}");
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
    async fn rules_are_sent_and_read_as_the_api_has_them() {
        let range = json!({"currency": "USD", "min": "9.50"});
        let conditions =
            json!([{"category": 12}, {"price": range}, {"inStock": true}, {"colour": "red"}]);
        let made = json!({
            "id": 3, "slug": "lamps", "name": "Lamps", "description": "", "image": "", "kind": "rules",
            "productOrder": "name", "rules": {"match": "any", "conditions": conditions},
            "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z",
        });
        let replies = vec![Reply::With("201 Created", &[], made.to_string())];
        let server = TestServer::start(replies).await;
        let shop = server.client().build().unwrap();
        let condition = CollectionCondition::default;
        let rules = CollectionRules {
            matching: CollectionMatch::Any,
            conditions: vec![
                CollectionCondition {
                    category: Some(CategoryId::try_from(12).unwrap()),
                    ..condition()
                },
                CollectionCondition {
                    price: Some(CollectionPrices::new(Currency::USD, Some(950), None)),
                    ..condition()
                },
            ],
        };
        let new = NewCollection {
            name: "Lamps".into(),
            slug: None,
            product_order: Some(ProductOrder::Name),
            rules: Some(rules.clone()),
        };

        let made = shop.create_collection(&new).await.unwrap().body;

        assert_eq!(made.kind, CollectionKind::Rules);
        let read = made.rules.unwrap();
        assert_eq!(read.conditions[..2], rules.conditions);
        assert_eq!(read.conditions[2].in_stock, Some(true));
        assert_eq!(read.conditions[3], condition(), "of a newer shop");
        let heard = server.heard();
        assert!(heard[0].starts_with("POST /api/admin/collections "));
        let sent = r#"{"name":"Lamps","productOrder":"name","rules":{"match":"any","conditions":[{"category":12},{"price":{"currency":"USD","min":"9.50"}}]}}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }
}
