//! Price lists. Staff.

use chrono::{DateTime, Utc};
use domain::{Country, Currency, PriceListId, Sku, Slug, VariantId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::prices::Prices;
use crate::{Answer, Client, Error, OnError, Request, SetPrices};

/// A price of a list to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewListPrice {
    /// Names the variant.
    pub sku: Sku,
    /// A decimal number of `currency`; `None` takes it off the list.
    pub price: Option<String>,
    /// What it is shown as reduced from; the price of the variant itself when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<String>,
    /// The shop's when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// From so many pieces on; 1 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<u32>,
    /// In force from then on; now when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
}

/// Prices for some customers, quantities, countries or a while.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceList {
    /// Names the list.
    pub id: PriceListId,
    /// What others name it by.
    pub code: Slug,
    /// What it is called.
    pub name: String,
    /// Of several lists that apply the one with the greatest counts.
    pub priority: i32,
    /// Whether it applies at all.
    pub is_active: bool,
    /// In force from then on; `None` for always.
    pub starts_at: Option<DateTime<Utc>>,
    /// Not in force any more from then on; `None` for never.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where the order is to go; empty for everywhere.
    pub countries: Vec<Country>,
    /// Of which the customer has one; empty for everybody.
    pub customer_groups: Vec<Slug>,
    /// Whether it applies to anybody now.
    pub is_in_force: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Some price lists.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceListPage {
    /// At most `limit`, oldest first.
    pub price_lists: Vec<PriceList>,
    /// How many a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// When a list applies, and for whom; `None` is left as it is, and on a new one means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceListTerms {
    /// What it is called. A new list needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of several lists that apply the one with the greatest counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether it applies at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// `Some(None)` for always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Option<DateTime<Utc>>>,
    /// `Some(None)` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Option<DateTime<Utc>>>,
    /// Where the order is to go; empty for everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<Country>>,
    /// Of which the customer has one; empty for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_groups: Option<Vec<Slug>>,
}

/// A price that was, is or will be in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPrice {
    /// Names the price.
    pub id: i64,
    /// The variant.
    pub variant_id: VariantId,
    /// What the merchant calls it.
    pub sku: Sku,
    /// The currency of both prices.
    pub currency: Currency,
    /// From so many pieces on.
    pub min_quantity: u32,
    /// `None`: the list has none from then on.
    pub price: Option<String>,
    /// What it is shown as reduced from.
    pub compare_at_price: Option<String>,
    /// From when on.
    pub valid_from: DateTime<Utc>,
    /// Whether it is still to come.
    pub is_to_come: bool,
}

/// Some prices of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPricePage {
    /// At most `limit`, the last written first.
    pub prices: Vec<ListPrice>,
    /// How many a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

impl Client {
    /// Makes a price list. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `code_taken`.
    pub async fn create_price_list(
        &self,
        code: &Slug,
        terms: &PriceListTerms,
    ) -> Result<Answer<PriceList>, Error> {
        #[derive(Serialize)]
        struct Body<'l> {
            code: &'l Slug,
            #[serde(flatten)]
            terms: &'l PriceListTerms,
        }
        let body = Body { code, terms };
        self.fetch(Request::new(Method::POST, "/api/admin/price-lists").json(&body)?)
            .await
    }

    /// Lists price lists, oldest first. Staff.
    ///
    /// # Errors
    ///
    /// Those of every request.
    pub async fn list_price_lists(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<PriceListPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/price-lists")
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads a price list. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_price_list(&self, id: PriceListId) -> Result<Answer<PriceList>, Error> {
        let path = format!("/api/admin/price-lists/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Changes when and for whom a price list applies, when `etag` is given only if it still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn patch_price_list(
        &self,
        id: PriceListId,
        changes: &PriceListTerms,
        etag: Option<&str>,
    ) -> Result<Answer<PriceList>, Error> {
        let path = format!("/api/admin/price-lists/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Sets up to 10,000 prices of a list, for now or for later. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 422 when one cannot be set and that is to stop the others.
    pub async fn set_list_prices(
        &self,
        id: PriceListId,
        prices: &[NewListPrice],
        on_error: OnError,
    ) -> Result<Answer<SetPrices>, Error> {
        let path = format!("/api/admin/price-lists/{id}/prices");
        let body = Prices { prices, on_error };
        self.fetch(Request::new(Method::POST, path).json(&body)?)
            .await
    }

    /// Lists all prices a list had, has and will have, the last written first. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown list.
    pub async fn list_list_prices(
        &self,
        id: PriceListId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<ListPricePage>, Error> {
        let request = Request::new(Method::GET, format!("/api/admin/price-lists/{id}/prices"))
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Takes back a price of a list that is still to come. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `price_in_force`.
    pub async fn withdraw_list_price(&self, list: PriceListId, price: i64) -> Result<(), Error> {
        let path = format!("/api/admin/price-lists/{list}/prices/{price}");
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
    async fn prices_of_a_list_are_sent_as_the_api_wants_them() {
        let refused = json!({"field": "sku", "code": "unknown", "message": "no such variant"});
        let done = json!({"results": [{"status": "set"}, {"status": "refused", "error": refused}]});
        let server = TestServer::start(vec![Reply::With("200 OK", &[], done.to_string())]).await;
        let shop = server.client().build().unwrap();
        let price = |sku: &str, price: Option<&str>| NewListPrice {
            sku: sku.parse().unwrap(),
            price: price.map(str::to_owned),
            compare_at_price: None,
            currency: Some(Currency::EUR),
            min_quantity: Some(10),
            valid_from: None,
        };
        let prices = [price("MUG-1", Some("4.50")), price("MUG-2", None)];

        let id = PriceListId::try_from(3).unwrap();
        let done = shop.set_list_prices(id, &prices, OnError::Skip).await;

        let results = done.unwrap().body.results;
        assert_eq!(results[0].error, None);
        assert_eq!(results[1].error.as_ref().unwrap().field, "sku");
        let heard = server.heard();
        assert!(heard[0].starts_with("POST /api/admin/price-lists/3/prices "));
        let sent = json!({"onError": "skip", "prices": [
            {"sku": "MUG-1", "price": "4.50", "currency": "EUR", "minQuantity": 10},
            {"sku": "MUG-2", "price": null, "currency": "EUR", "minQuantity": 10},
        ]});
        let (_, body) = heard[0].split_once("\r\n\r\n").unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(body).unwrap(),
            sent
        );
    }
}
