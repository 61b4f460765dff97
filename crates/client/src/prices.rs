//! Prices: those of variants, and what a customer pays.

use chrono::{DateTime, Utc};
use domain::{Country, Currency, PriceListId, Sku, Slug};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

/// A price of a variant to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPrice {
    /// Names the variant.
    pub sku: Sku,
    /// A decimal number of `currency`.
    pub price: String,
    /// The shop's when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// In force from then on; now when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
}

/// Whether one price that cannot be set keeps the others from being set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// None is set.
    Stop,
    /// The others are.
    Skip,
}

/// What became of each price, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetPrices {
    /// One for each.
    pub results: Vec<SetPrice>,
}

/// What became of a price.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetPrice {
    /// `set`, `scheduled`, `unchanged` or `refused`.
    pub status: String,
    /// What is wrong with one that was refused.
    pub error: Option<crate::FieldError>,
}

/// Up to a hundred variants, and for whom their prices are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceLookup {
    /// What is wanted.
    pub lines: Vec<PriceLookupLine>,
    /// Preferred where a variant has prices in several; the shop's when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Where the order is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// For a customer of these groups; the caller's own when `None`. Staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_groups: Option<Vec<Slug>>,
    /// As it was then; now when `None`. Staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<Utc>>,
}

/// So many pieces of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceLookupLine {
    /// Names the variant.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

/// What each line costs, in the order of the request.
#[derive(Debug, Clone, Deserialize)]
pub struct PricesFound {
    /// One for each.
    pub lines: Vec<PriceFound>,
}

/// What a piece costs.
#[derive(Debug, Clone, Deserialize)]
pub struct PriceFound {
    /// Names the variant.
    pub sku: String,
    /// How many were wanted.
    pub quantity: u32,
    /// `None` for an SKU that nothing on sale has.
    pub winning: Option<WinningPrice>,
}

/// The price that counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WinningPrice {
    /// For a piece, a decimal number of `currency`.
    pub price: String,
    /// The currency of all three.
    pub currency: Currency,
    /// Names the price: one of the list, or of the variant itself.
    pub price_id: i64,
    /// Where it comes from; `None` for the price of the variant itself.
    pub price_list: Option<WinningPriceList>,
    /// What it is reduced from; `None` where it is no reduction.
    pub compare_at_price: Option<String>,
    /// The lowest price in the thirty days before a reduction.
    pub lowest30d: Option<String>,
}

/// The list a price comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WinningPriceList {
    /// Names the list.
    pub id: PriceListId,
    /// What others name it by.
    pub code: Slug,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prices<'p, T> {
    pub(crate) prices: &'p [T],
    pub(crate) on_error: OnError,
}

impl Client {
    /// Looks up what up to a hundred variants cost: which price counts, and of which list.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 403 where only staff may ask.
    pub async fn look_up_prices(&self, wanted: &PriceLookup) -> Result<Answer<PricesFound>, Error> {
        self.fetch(Request::new(Method::POST, "/api/prices/lookup").json(wanted)?)
            .await
    }

    /// Sets up to 10,000 prices of variants, for now or for later. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 422 when one cannot be set and that is to stop the others.
    pub async fn set_prices(
        &self,
        prices: &[NewPrice],
        on_error: OnError,
    ) -> Result<Answer<SetPrices>, Error> {
        let body = Prices { prices, on_error };
        self.fetch(Request::new(Method::POST, "/api/admin/prices").json(&body)?)
            .await
    }
}
