//! Categories and the products in them.

use chrono::{DateTime, Utc};
use domain::{CategoryId, Country, Currency, Locale, ProductId, ProductOrder, Slug};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Answer, AttributeChanges, Client, Error, ProductPage, Request};

/// Where products are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// Names the category.
    pub id: CategoryId,
    /// The readable end of its web address.
    pub slug: Slug,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The address of a picture; empty for none.
    pub image: String,
    /// How its products are listed.
    pub product_order: ProductOrder,
    /// Its place among the categories without a parent; `None` for one that has any.
    pub root_position: Option<i64>,
    /// How many categories are directly below it.
    pub child_count: u32,
    /// The categories it is directly below; only where one category is read, not in lists.
    #[serde(default)]
    pub parents: Vec<CategoryRef>,
    /// The categories from a root down to it; only where one category is read, not in lists.
    #[serde(default)]
    pub path: Vec<CategoryRef>,
    /// Values of custom fields by their keys; to customers those that are public, and only where one category is read.
    #[serde(default)]
    pub custom_fields: Map<String, Value>,
    /// What programs keep there; only where one category is read.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A category as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CategoryRef {
    /// Names the category.
    pub id: CategoryId,
    /// The readable end of its web address.
    pub slug: Slug,
    /// What it is called.
    pub name: String,
    /// For a parent the place among its children.
    pub position: Option<i64>,
}

/// Some categories.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryPage {
    /// At most `limit` categories.
    pub categories: Vec<Category>,
    /// How many categories a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Which categories to list; `parent_id` and `slug` exclude each other, and without both it is the roots.
#[derive(Debug, Clone, Default)]
pub struct CategoryQuery {
    /// The children of this category.
    pub parent_id: Option<CategoryId>,
    /// The one with this slug.
    pub slug: Option<Slug>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

/// Which products of a category to list.
#[derive(Debug, Clone, Default)]
pub struct CategoryProductQuery {
    /// Whether products of all categories below are listed too.
    pub include_descendants: bool,
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

/// A category to be made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewCategory {
    /// What it is called.
    pub name: String,
    /// Made from the name when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// How its products are listed; `manual` when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_order: Option<ProductOrder>,
    /// The categories it is directly below; none for a root.
    pub parents: Vec<CategoryParent>,
    /// What is kept of it.
    #[serde(flatten)]
    pub attributes: AttributeChanges,
}

/// A category that another one is to be directly below.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CategoryParent {
    /// Which one.
    pub id: CategoryId,
    /// The place among its children; where it is, or the end, when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// What to change in a category; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryChanges {
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
}

/// Which products are to be in a category, and which are not; at most 1,000 together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CategoryProductChanges {
    /// Those that come, or are moved.
    pub add: Vec<CategoryProduct>,
    /// Those that go.
    pub remove: Vec<ProductId>,
}

/// A product that is to be in a category.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryProduct {
    /// Which one.
    pub product_id: ProductId,
    /// The place where the order is manual; where it is, or the end, when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// Some products of a category, by their places.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedProductPage {
    /// At most `limit` products.
    pub products: Vec<AssignedProduct>,
    /// How many products a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// A product in a category, as staff sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedProduct {
    /// Which one.
    pub product_id: ProductId,
    /// What it is called.
    pub name: String,
    /// The place where the order is manual.
    pub position: i64,
    /// Whether customers see it.
    pub is_on_sale: bool,
}

/// What has become different in a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CategoryProductsChanged {
    /// How many products are there now, and were not, or at another place.
    pub placed: u32,
    /// How many are not there any more.
    pub removed: u32,
}

impl Client {
    /// Lists the roots, or the children of a category, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown parent.
    pub async fn list_categories(
        &self,
        query: &CategoryQuery,
    ) -> Result<Answer<CategoryPage>, Error> {
        let request = Request::new(Method::GET, "/api/categories")
            .query_if("parentId", query.parent_id.as_ref())
            .query_if("slug", query.slug.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a category.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_category(&self, id: CategoryId) -> Result<Answer<Category>, Error> {
        self.fetch(Request::new(Method::GET, format!("/api/categories/{id}")))
            .await
    }

    /// Lists products of a category, in the category's order.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown category.
    pub async fn list_category_products(
        &self,
        id: CategoryId,
        query: &CategoryProductQuery,
    ) -> Result<Answer<ProductPage>, Error> {
        let descendants = query.include_descendants.then_some(true);
        let request = Request::new(Method::GET, format!("/api/categories/{id}/products"))
            .query_if("includeDescendants", descendants.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref())
            .query_if("currency", query.currency.as_ref())
            .query_if("country", query.country.as_ref())
            .query_if("locale", query.locale.as_ref());
        self.fetch(request).await
    }

    /// Makes a category. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `slug_taken` and `unknown_category`.
    pub async fn create_category(&self, new: &NewCategory) -> Result<Answer<Category>, Error> {
        self.fetch(Request::new(Method::POST, "/api/admin/categories").json(new)?)
            .await
    }

    /// Changes what is shown of a category, when `etag` is given only if it still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn patch_category(
        &self,
        id: CategoryId,
        changes: &CategoryChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Category>, Error> {
        let path = format!("/api/admin/categories/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Puts a category below others in place of where it is; without any it becomes a root. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `category_cycle`, `category_too_deep` and `unknown_category`.
    pub async fn put_category_parents(
        &self,
        id: CategoryId,
        parents: &[CategoryParent],
    ) -> Result<Answer<Category>, Error> {
        #[derive(Serialize)]
        struct Body<'p> {
            parents: &'p [CategoryParent],
        }
        let path = format!("/api/admin/categories/{id}/parents");
        self.fetch(Request::new(Method::PUT, path).json(&Body { parents })?)
            .await
    }

    /// Lists the products of a category by their places, whether they are on sale or not. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown category.
    pub async fn list_assigned_products(
        &self,
        id: CategoryId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<AssignedProductPage>, Error> {
        let path = format!("/api/admin/categories/{id}/products");
        let request = Request::new(Method::GET, path)
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Puts products into a category, moves them there and takes them out. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `unknown_product`; its errors name the product.
    pub async fn put_category_products(
        &self,
        id: CategoryId,
        changes: &CategoryProductChanges,
    ) -> Result<Answer<CategoryProductsChanged>, Error> {
        let path = format!("/api/admin/categories/{id}/products");
        self.fetch(Request::new(Method::PUT, path).json(changes)?)
            .await
    }

    /// Takes a category out of the shop; its products stay on sale. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `category_has_children` when something is only below it.
    pub async fn archive_category(&self, id: CategoryId) -> Result<(), Error> {
        let path = format!("/api/admin/categories/{id}");
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
    async fn assignments_are_sent_as_the_api_wants_them() {
        let done = json!({"placed": 2, "removed": 1}).to_string();
        let server = TestServer::start(vec![Reply::With("200 OK", &[], done)]).await;
        let shop = server.client().build().unwrap();
        let product = |id: i64| ProductId::try_from(id).unwrap();
        let add = [(5, Some(0)), (6, None)].map(|(id, position)| CategoryProduct {
            product_id: product(id),
            position,
        });
        let changes = CategoryProductChanges {
            add: add.to_vec(),
            remove: vec![product(7)],
        };

        let id = CategoryId::try_from(3).unwrap();
        let done = shop.put_category_products(id, &changes).await.unwrap();

        assert_eq!((done.body.placed, done.body.removed), (2, 1));
        let heard = server.heard();
        assert!(heard[0].starts_with("PUT /api/admin/categories/3/products "));
        let sent = r#"{"add":[{"productId":5,"position":0},{"productId":6}],"remove":[7]}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }
}
