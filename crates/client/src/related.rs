//! What a product is shown beside.

use domain::{ProductId, ProductRelation};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Product, Request};

/// Products that are shown beside one.
#[derive(Debug, Clone, Deserialize)]
pub struct RelatedProducts {
    /// Those on sale, in order.
    pub products: Vec<Product>,
}

/// The ids of products that are shown beside one, on sale or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelatedIds {
    /// Beside which product.
    pub product_id: ProductId,
    /// Why.
    pub relation: ProductRelation,
    /// In the order they are shown.
    pub product_ids: Vec<ProductId>,
}

impl Client {
    /// Lists the products on sale that are shown beside a product.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for a product that is not on sale.
    pub async fn list_related(
        &self,
        product: ProductId,
        relation: ProductRelation,
    ) -> Result<Answer<RelatedProducts>, Error> {
        let path = format!("/api/products/{product}/related");
        let request = Request::new(Method::GET, path).query_if("relation", Some(&relation));
        self.fetch(request).await
    }

    /// Reads which products are shown beside a product; the answer's `etag` is for [`Client::set_related`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn get_related(
        &self,
        product: ProductId,
        relation: ProductRelation,
    ) -> Result<Answer<RelatedIds>, Error> {
        let path = format!("/api/admin/products/{product}/related/{relation}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Says which products are shown beside a product, when `etag` is given only if nobody changed it meanwhile. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `unknown_product`, and with status 412 when somebody else was faster.
    pub async fn set_related(
        &self,
        product: ProductId,
        relation: ProductRelation,
        related: &[ProductId],
        etag: Option<&str>,
    ) -> Result<Answer<RelatedIds>, Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'p> {
            product_ids: &'p [ProductId],
        }
        let path = format!("/api/admin/products/{product}/related/{relation}");
        let body = Body {
            product_ids: related,
        };
        let request = Request::new(Method::PUT, path).json(&body)?;
        self.fetch(request.if_match(etag)?).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn related_products_are_sent_in_their_order() {
        let made = json!({"productId": 2, "relation": "cross_sell", "productIds": [5, 4]});
        let server = TestServer::start(vec![Reply::With("200 OK", &[], made.to_string())]).await;
        let shop = server.client().build().unwrap();
        let id = |id: i64| ProductId::try_from(id).unwrap();

        let (relation, wanted) = (ProductRelation::CrossSell, [id(5), id(4)]);
        let set = shop.set_related(id(2), relation, &wanted, Some("\"3\""));

        assert_eq!(set.await.unwrap().body.product_ids, wanted);
        let heard = server.heard();
        assert!(heard[0].starts_with("PUT /api/admin/products/2/related/cross_sell "));
        assert!(heard[0].ends_with(r#"{"productIds":[5,4]}"#));
    }
}
