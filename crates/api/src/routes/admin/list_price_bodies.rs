//! Prices of lists as staff sends and sees them.

use catalog::prices::lists::ListPrice;
use catalog::prices::lists::setting::NewListPrice;
use chrono::{DateTime, Utc};
use domain::{Currency, Cursor, Money, Quantity, Sku, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_details::moment;
use crate::http::Problem;
use crate::routes::product_writes::amount;

/// Prices of a list to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewListPrices)]
pub struct NewListPricesBody {
    /// `stop`, the default, sets none when one cannot be set; `skip` sets the others.
    #[schema(value_type = Option<String>, example = "stop")]
    pub on_error: Option<String>,
    #[schema(min_items = 1, max_items = 10_000)]
    pub prices: Vec<NewListPriceBody>,
}

/// A price of a list to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewListPrice)]
pub struct NewListPriceBody {
    #[schema(example = "TEE-M")]
    sku: String,
    /// In major units of `currency`; null takes it off the list.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(example = "14.90", required = true)]
    price: Option<String>,
    /// What it is shown as reduced from; the price of the variant itself where it is left out.
    compare_at_price: Option<String>,
    /// The shop's currency where it is left out.
    currency: Option<String>,
    /// From so many pieces on; 1 where it is left out.
    #[schema(minimum = 1)]
    min_quantity: Option<i64>,
    /// In force from then on; now where it is left out.
    valid_from: Option<DateTime<Utc>>,
}

impl NewListPriceBody {
    /// Checks what can be checked without the variant.
    pub fn checked(self, shop_currency: Currency) -> Result<NewListPrice, Problem> {
        let invalid = |field, error: String| Problem::invalid(field, "invalid", error);
        let sku = Sku::try_from(self.sku.as_str());
        let currency = self.currency.as_deref().map(Currency::try_from).transpose();
        let currency = currency.map_err(|error| invalid("currency", error.to_string()))?;
        let currency = currency.unwrap_or(shop_currency);
        let minor = |field, given: Option<String>| {
            let money = given
                .map(|given| amount(field, &given, currency))
                .transpose();
            Ok::<_, Problem>(money?.map(Money::minor))
        };
        let price = minor("price", self.price)?;
        let compare_at = minor("compareAtPrice", self.compare_at_price)?;
        if compare_at.is_some_and(|more| price.is_none_or(|price| more <= price)) {
            let rule = "must be more than the price";
            return Err(Problem::invalid("compareAtPrice", "too_low", rule));
        }
        let min_quantity = Quantity::try_from(self.min_quantity.unwrap_or(1));
        Ok(NewListPrice {
            sku: sku.map_err(|error| invalid("sku", error.to_string()))?,
            currency,
            min_quantity: min_quantity
                .map_err(|error| invalid("minQuantity", error.to_string()))?
                .get(),
            amount_minor: price,
            compare_at_minor: compare_at,
            valid_from: self
                .valid_from
                .map(|from| moment("validFrom", from))
                .transpose()?,
        })
    }
}

/// A price that was, is or will be in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListPrice)]
pub struct ListPriceBody {
    id: i64,
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    #[schema(value_type = String)]
    currency: Currency,
    min_quantity: i64,
    /// In major units of `currency`; null: the list has none from then on.
    #[schema(required = true)]
    price: Option<String>,
    #[schema(required = true)]
    compare_at_price: Option<String>,
    valid_from: DateTime<Utc>,
    /// Whether it is still to come.
    is_to_come: bool,
}

impl From<ListPrice> for ListPriceBody {
    fn from(price: ListPrice) -> Self {
        let decimal = |minor| Money::new(minor, price.currency).to_decimal();
        Self {
            id: price.id,
            variant_id: price.variant_id,
            sku: price.sku.to_string(),
            currency: price.currency,
            min_quantity: price.min_quantity,
            price: price.amount_minor.map(decimal),
            compare_at_price: price.compare_at_minor.map(decimal),
            valid_from: price.valid_from,
            is_to_come: price.is_to_come,
        }
    }
}

/// A page of prices of a list, the last written first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListPricePage)]
pub struct ListPricePageBody {
    pub prices: Vec<ListPriceBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}
