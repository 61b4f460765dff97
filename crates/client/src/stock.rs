//! Stock of variants at locations. Staff.

use chrono::{DateTime, Utc};
use domain::{LocationId, OrderId, ProductId, Sku, StockHoldId, StockTransferId, VariantId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

/// The stock of a variant, all together and at each location.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLevels {
    /// Which variant.
    pub variant_id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// What can be ordered now, from all active locations; of a bundle as many as its parts make, `None` for as many as
    /// anybody likes.
    pub available: Option<i64>,
    /// In the order in which orders take from them.
    pub levels: Vec<LocationStock>,
}

/// How much of a variant there is at a location, in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationStock {
    /// Where.
    pub location_id: LocationId,
    /// Counted.
    pub on_hand: i64,
    /// Promised to open orders.
    pub reserved: i64,
    /// Kept back from sale.
    pub safety: i64,
    /// How many may be sold beyond what there is.
    pub backorder_limit: i64,
    /// What could be ordered from there.
    pub available: i64,
    /// As many available pieces, or fewer, are low; `None` where nobody wants to know.
    pub low_at: Option<i64>,
}

/// A count of a variant at a location.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StockCount {
    /// Where; the main location when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// How many there are.
    pub on_hand: i64,
    /// How many the caller believes there were: another count is a conflict.
    pub expected_on_hand: i64,
}

/// Pieces that came to a location or went.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StockAdjustment {
    /// Where; the main location when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// How many came, or went when negative.
    pub on_hand_delta: i64,
    /// `received`, `returned`, `found`, `damaged`, `lost` or `correction`.
    pub reason: String,
}

/// What of a variant may be sold at a location, and when that is little; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLimits {
    /// Where; the main location when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// Kept back from sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<i64>,
    /// How many may be sold beyond what there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backorder_limit: Option<i64>,
    /// As many available pieces, or fewer, are low; `Some(None)` when nobody wants to know any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_at: Option<Option<i64>>,
}

/// Stock to be put from locations into others, at once: all lines or none.
#[derive(Debug, Clone, Serialize)]
pub struct NewStockTransfer {
    /// 1 to 1,000.
    pub lines: Vec<NewStockTransferLine>,
    /// What people want to remember of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Pieces of a variant to be put elsewhere.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewStockTransferLine {
    /// Which variant.
    pub sku: Sku,
    /// How many pieces.
    pub quantity: i64,
    /// Where they are.
    pub from_location_id: LocationId,
    /// Where they are to be.
    pub to_location_id: LocationId,
}

/// Stock that was put from locations into others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockTransfer {
    /// Names the transfer; movements tell it.
    pub id: StockTransferId,
    /// In the order in which they were sent.
    pub lines: Vec<StockTransferLine>,
    /// What people want to remember of it.
    pub note: Option<String>,
    /// When it was.
    pub created_at: DateTime<Utc>,
}

/// Pieces of a variant that were put elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockTransferLine {
    /// Which variant.
    pub variant_id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// How many pieces.
    pub quantity: i64,
    /// Where they were.
    pub from_location_id: LocationId,
    /// Where they are.
    pub to_location_id: LocationId,
}

/// Stock to be kept for somebody: all lines or none.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewStockHold {
    /// 1 to 1,000.
    pub lines: Vec<NewStockHoldLine>,
    /// Seconds from now, up to a week; 900 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// What people want to remember of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Pieces of a variant to be kept.
#[derive(Debug, Clone, Serialize)]
pub struct NewStockHoldLine {
    /// Which variant.
    pub sku: Sku,
    /// How many pieces.
    pub quantity: i64,
}

/// Stock that is kept for somebody, or was.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockHold {
    /// Names the hold; an order that names it takes its place.
    pub id: StockHoldId,
    /// `active`, `released`, `expired` or `ordered`.
    pub status: String,
    /// When it ends, or would have ended, by itself.
    pub expires_at: DateTime<Utc>,
    /// The order it became.
    pub order_id: Option<OrderId>,
    /// What people want to remember of it.
    pub note: Option<String>,
    /// What is kept where, or was; empty in lists.
    #[serde(default)]
    pub lines: Vec<StockHoldLine>,
}

/// Pieces that are kept, or were.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockHoldLine {
    /// Which variant.
    pub variant_id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// How many pieces.
    pub quantity: i64,
}

/// Some holds, newest first.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockHoldPage {
    /// At most `limit` of them.
    pub holds: Vec<StockHold>,
    /// How many a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// Some of what is low, by variant and location.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LowStockPage {
    /// At most `limit` of them.
    pub levels: Vec<LowStock>,
    /// How many a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// A variant of which little can be ordered from a location.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LowStock {
    /// The product of the variant.
    pub product_id: ProductId,
    /// Which variant.
    pub variant_id: VariantId,
    /// The merchant's own name for it.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// What can still be ordered from there.
    pub available: i64,
    /// As many, or fewer, are low.
    pub low_at: Option<i64>,
    /// Since when it is low.
    pub low_since: DateTime<Utc>,
}

impl Client {
    /// Reads the stock of a variant at every location. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown variant.
    pub async fn list_stock_levels(
        &self,
        product: ProductId,
        variant: VariantId,
    ) -> Result<Answer<StockLevels>, Error> {
        let path = format!("{}/levels", stock_of(product, variant));
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Sets how much of a variant was counted at a location. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `stock_changed` when the expected count is stale, and `unknown_location`.
    pub async fn count_stock(
        &self,
        product: ProductId,
        variant: VariantId,
        count: &StockCount,
    ) -> Result<Answer<LocationStock>, Error> {
        let request = Request::new(Method::PUT, stock_of(product, variant)).json(count)?;
        self.fetch(request).await
    }

    /// Adds pieces to what is at a location, or takes them away. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `stock_reserved` when orders need them, and `unknown_location`.
    pub async fn adjust_stock(
        &self,
        product: ProductId,
        variant: VariantId,
        adjustment: &StockAdjustment,
    ) -> Result<Answer<LocationStock>, Error> {
        let path = format!("{}/adjustments", stock_of(product, variant));
        self.fetch(Request::new(Method::POST, path).json(adjustment)?)
            .await
    }

    /// Sets what of a variant may be sold at a location, and when that is little. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `stock_reserved` when orders need more, and `unknown_location`.
    pub async fn limit_stock(
        &self,
        product: ProductId,
        variant: VariantId,
        limits: &StockLimits,
    ) -> Result<Answer<LocationStock>, Error> {
        let request = Request::new(Method::PATCH, stock_of(product, variant)).json(limits)?;
        self.fetch(request).await
    }

    /// Puts stock from locations into others, at once: all lines or none. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `insufficient_stock`; its errors name the lines.
    pub async fn transfer_stock(
        &self,
        transfer: &NewStockTransfer,
    ) -> Result<Answer<StockTransfer>, Error> {
        let request = Request::new(Method::POST, "/api/admin/stock/transfers").json(transfer)?;
        self.fetch(request).await
    }

    /// Reads a transfer. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_stock_transfer(
        &self,
        id: StockTransferId,
    ) -> Result<Answer<StockTransfer>, Error> {
        let path = format!("/api/admin/stock/transfers/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Keeps stock for somebody until a moment, all lines or none. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `out_of_stock`; its errors name the lines.
    pub async fn hold_stock(&self, hold: &NewStockHold) -> Result<Answer<StockHold>, Error> {
        let request = Request::new(Method::POST, "/api/admin/stock/holds").json(hold)?;
        self.fetch(request).await
    }

    /// Lists holds, newest first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] for a cursor that is none.
    pub async fn list_stock_holds(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<StockHoldPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/stock/holds")
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a hold. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_stock_hold(&self, id: StockHoldId) -> Result<Answer<StockHold>, Error> {
        let path = format!("/api/admin/stock/holds/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Keeps what a hold keeps until so many seconds from now. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `hold_over` for one that keeps nothing any more.
    pub async fn refresh_stock_hold(
        &self,
        id: StockHoldId,
        expires_in: u32,
    ) -> Result<Answer<StockHold>, Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            expires_in: u32,
        }
        let path = format!("/api/admin/stock/holds/{id}");
        self.fetch(Request::new(Method::PATCH, path).json(&Body { expires_in })?)
            .await
    }

    /// Gives back what a hold keeps. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn release_stock_hold(&self, id: StockHoldId) -> Result<Answer<StockHold>, Error> {
        let path = format!("/api/admin/stock/holds/{id}");
        self.fetch(Request::new(Method::DELETE, path)).await
    }

    /// Lists what is low, at one location or at all active ones. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] for a cursor that is none.
    pub async fn list_low_stock(
        &self,
        location: Option<LocationId>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<LowStockPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/stock/low")
            .query_if("locationId", location.as_ref())
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }
}

fn stock_of(product: ProductId, variant: VariantId) -> String {
    format!("/api/admin/products/{product}/variants/{variant}/stock")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn a_hold_is_read_with_and_without_its_lines() {
        let hold = json!({"id": 4, "status": "active", "expiresAt": "2026-11-25T10:00:00Z", "orderId": null,
                          "note": null, "actorId": 1, "createdAt": "2026-11-25T09:00:00Z"});
        let page = json!({"holds": [hold], "limit": 1, "hasMore": false}).to_string();
        let server = TestServer::start(vec![Reply::With("200 OK", &[], page)]).await;
        let shop = server.client().build().unwrap();

        let page = shop.list_stock_holds(Some(1), None).await.unwrap().body;

        assert_eq!((page.holds[0].id.get(), page.holds[0].lines.len()), (4, 0));
        assert!(server.heard()[0].starts_with("GET /api/admin/stock/holds?limit=1 "));
    }

    #[tokio::test]
    async fn a_transfer_is_sent_as_the_api_wants_it() {
        let line = json!({"variantId": 9, "sku": "TEE-M", "quantity": 3, "fromLocationId": 1, "toLocationId": 2});
        let made = json!({"id": 4, "lines": [line], "note": null, "actorId": 1, "createdAt": "2026-11-25T10:00:00Z"});
        let server =
            TestServer::start(vec![Reply::With("201 Created", &[], made.to_string())]).await;
        let shop = server.client().build().unwrap();
        let transfer = NewStockTransfer {
            lines: vec![NewStockTransferLine {
                sku: "TEE-M".parse().unwrap(),
                quantity: 3,
                from_location_id: LocationId::MAIN,
                to_location_id: LocationId::try_from(2).unwrap(),
            }],
            note: None,
        };

        let made = shop.transfer_stock(&transfer).await.unwrap();

        assert_eq!((made.body.id.get(), made.body.lines[0].quantity), (4, 3));
        let heard = server.heard();
        assert!(heard[0].starts_with("POST /api/admin/stock/transfers "));
        let sent =
            r#"{"lines":[{"sku":"TEE-M","quantity":3,"fromLocationId":1,"toLocationId":2}]}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }
}
