//! Prices as staff sends and sees them.

use catalog::prices::setting::{NewPrice, Outcome};
use catalog::prices::{InForce, Price};
use chrono::{DateTime, Utc};
use domain::{Currency, Cursor, Money, Sku, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_details::moment;
use crate::http::Problem;
use crate::routes::product_writes::price;

/// Prices to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPrices)]
pub struct NewPricesBody {
    /// `stop`, the default, sets none when one cannot be set; `skip` sets the others.
    #[schema(value_type = Option<String>, example = "stop")]
    pub on_error: Option<String>,
    #[schema(min_items = 1, max_items = 10_000)]
    pub prices: Vec<NewPriceBody>,
}

/// A price to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPrice)]
pub struct NewPriceBody {
    #[schema(example = "TEE-M")]
    sku: String,
    /// In major units of `currency`.
    #[schema(example = "19.90")]
    price: String,
    /// The shop's currency where it is left out.
    currency: Option<String>,
    /// In force from then on; now where it is left out.
    valid_from: Option<DateTime<Utc>>,
}

impl NewPriceBody {
    /// Checks what can be checked without the variant.
    pub fn checked(self, shop_currency: Currency) -> Result<NewPrice, Problem> {
        let invalid = |field, error: String| Problem::invalid(field, "invalid", error);
        let sku = Sku::try_from(self.sku.as_str());
        let currency = self.currency.as_deref().map(Currency::try_from).transpose();
        let currency = currency.map_err(|error| invalid("currency", error.to_string()))?;
        Ok(NewPrice {
            sku: sku.map_err(|error| invalid("sku", error.to_string()))?,
            price: price(&self.price, currency.unwrap_or(shop_currency))?,
            valid_from: self
                .valid_from
                .map(|from| moment("validFrom", from))
                .transpose()?,
        })
    }
}

/// What became of each price, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SetPrices)]
pub struct SetPricesBody {
    pub results: Vec<SetPriceBody>,
}

/// What became of a price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SetPrice)]
pub struct SetPriceBody {
    /// `set`, `scheduled`, `unchanged` or `refused`.
    #[schema(value_type = String, example = "set")]
    pub status: &'static str,
    /// What is wrong with one that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PriceErrorBody>,
}

/// What is wrong with a price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceError)]
pub struct PriceErrorBody {
    pub field: String,
    #[schema(value_type = String)]
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}

/// What is wrong with a price that could not be set, or how it was.
pub fn judged(outcome: Outcome) -> Result<&'static str, Problem> {
    match outcome {
        Outcome::Set => Ok("set"),
        Outcome::Scheduled => Ok("scheduled"),
        Outcome::Unchanged => Ok("unchanged"),
        Outcome::UnknownSku => Err(Problem::invalid(
            "sku",
            "unknown",
            "no variant that is not archived has it",
        )),
        Outcome::Repeated => Err(Problem::invalid(
            "sku",
            "repeated",
            "has a price in this currency from this moment on in this request already",
        )),
        Outcome::Past => Err(Problem::invalid(
            "validFrom",
            "past",
            "must be in the future: leave it out for now",
        )),
    }
}

/// The prices of a variant at a moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VariantPrices)]
pub struct VariantPricesBody {
    #[schema(value_type = i64)]
    pub variant_id: VariantId,
    pub sku: String,
    /// One for each currency.
    pub prices: Vec<InForceBody>,
}

/// A price in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PriceInForce)]
pub struct InForceBody {
    id: i64,
    #[schema(value_type = String)]
    currency: Currency,
    /// In major units of `currency`.
    price: String,
    valid_from: DateTime<Utc>,
    /// The lowest price of the thirty days before this one came into force; null where there was none.
    #[schema(required = true)]
    lowest30d: Option<String>,
    /// What follows.
    #[schema(required = true)]
    next: Option<PriceBody>,
}

impl From<InForce> for InForceBody {
    fn from(price: InForce) -> Self {
        let decimal = |minor| Money::new(minor, price.currency).to_decimal();
        Self {
            id: price.id,
            price: decimal(price.amount_minor),
            valid_from: price.valid_from,
            lowest30d: price.lowest_30d_minor.map(decimal),
            next: price.next.map(|(id, minor, valid_from)| PriceBody {
                id,
                currency: price.currency,
                price: decimal(minor),
                valid_from,
                is_to_come: true,
            }),
            currency: price.currency,
        }
    }
}

/// A price that was, is or will be in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Price)]
pub struct PriceBody {
    id: i64,
    #[schema(value_type = String)]
    currency: Currency,
    /// In major units of `currency`.
    price: String,
    valid_from: DateTime<Utc>,
    /// Whether it is still to come.
    is_to_come: bool,
}

impl From<Price> for PriceBody {
    fn from(price: Price) -> Self {
        Self {
            id: price.id,
            currency: price.currency,
            price: Money::new(price.amount_minor, price.currency).to_decimal(),
            valid_from: price.valid_from,
            is_to_come: price.is_to_come,
        }
    }
}

/// A page of prices, the last written first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PricePage)]
pub struct PricePageBody {
    pub prices: Vec<PriceBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}
