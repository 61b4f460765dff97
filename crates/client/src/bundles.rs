//! What variants are: things with stock of their own, digital ones, and bundles of others.

use domain::{ProductId, Sku, VariantId, VariantKind};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

/// A part of a bundle, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Which variant.
    pub variant_id: VariantId,
    /// Of which product.
    pub product_id: ProductId,
    /// Pieces in one of the bundle.
    pub quantity: i64,
}

/// A part that a bundle is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewComponent {
    /// Which variant: no bundle.
    pub variant_id: VariantId,
    /// Pieces in one of the bundle, 1 to 10,000.
    pub quantity: i64,
}

/// What a variant is, and how many can be had.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Names the variant.
    pub id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// What is taken from stock when it is sold.
    pub kind: VariantKind,
    /// What one of a bundle is made of; empty for everything else.
    #[serde(default)]
    pub components: Vec<ComponentOf>,
    /// How many can be had: of a bundle as many as its parts make, `None` for as many as anybody likes.
    pub available: Option<i64>,
}

/// A part of a bundle, as staff sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentOf {
    /// Which variant.
    pub variant_id: VariantId,
    /// Of which product.
    pub product_id: ProductId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// Physical or digital.
    pub kind: VariantKind,
    /// Pieces in one of the bundle.
    pub quantity: i64,
    /// Whether it has left the shop, and the bundle cannot be bought.
    pub is_archived: bool,
}

impl Client {
    /// Reads what a variant is; the answer's `etag` is for [`Client::set_components`]. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown variant.
    pub async fn get_components(
        &self,
        product: ProductId,
        variant: VariantId,
    ) -> Result<Answer<Made>, Error> {
        let path = format!("/api/admin/products/{product}/variants/{variant}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Makes a variant a bundle of components, or of none a variant with stock of its own again; when `etag` is given, only
    /// if it still is what was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `has_stock`, `is_component`, `invalid_component` and `unknown_variant`, and with status
    /// 412 when somebody else was faster.
    pub async fn set_components(
        &self,
        product: ProductId,
        variant: VariantId,
        components: &[NewComponent],
        etag: Option<&str>,
    ) -> Result<Answer<Made>, Error> {
        #[derive(Serialize)]
        struct Body<'c> {
            components: &'c [NewComponent],
        }
        let path = format!("/api/admin/products/{product}/variants/{variant}/components");
        let request = Request::new(Method::PUT, path).json(&Body { components })?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Makes a variant physical or digital. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `has_stock` while pieces of it are counted, and `is_bundle` for a bundle.
    pub async fn set_kind(
        &self,
        product: ProductId,
        variant: VariantId,
        kind: VariantKind,
    ) -> Result<Answer<Made>, Error> {
        #[derive(Serialize)]
        struct Body {
            kind: VariantKind,
        }
        let path = format!("/api/admin/products/{product}/variants/{variant}");
        let request = Request::new(Method::PATCH, path).json(&Body { kind })?;
        self.fetch(request).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn components_are_sent_and_read_as_the_api_has_them() {
        let made = json!({"id": 9, "sku": "SET", "kind": "bundle", "available": 4, "components": [
            {"variantId": 3, "productId": 2, "sku": "CUP", "kind": "physical", "quantity": 2, "isArchived": false}]});
        let server = TestServer::start(vec![Reply::With("200 OK", &[], made.to_string())]).await;
        let shop = server.client().build().unwrap();
        let (product, variant) = (2.try_into().unwrap(), 9.try_into().unwrap());
        let cups = NewComponent {
            variant_id: 3.try_into().unwrap(),
            quantity: 2,
        };

        let made = shop.set_components(product, variant, &[cups], None).await;
        let made = made.unwrap().body;

        assert_eq!((made.kind, made.available), (VariantKind::Bundle, Some(4)));
        assert_eq!(made.components[0].sku.as_str(), "CUP");
        let heard = server.heard();
        assert!(heard[0].starts_with("PUT /api/admin/products/2/variants/9/components "));
        assert!(heard[0].ends_with(r#"{"components":[{"variantId":3,"quantity":2}]}"#));
    }
}
