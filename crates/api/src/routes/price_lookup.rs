//! What a customer pays for many variants, in one request.

use accounts::groups;
use actix_web::post;
use actix_web::web::Data;
use catalog::prices::Market;
use catalog::prices::lookup::{self, Winning};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{Country, Currency, Money, Permission, PriceListId, Quantity, Sku, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin::product_details::moment;
use super::money::ProblemBody;
use crate::http::{Answer, Body, Caller, Problem};
use crate::state::State;

const MAX_LINES: usize = 100;

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PriceLookup)]
pub struct PriceLookupBody {
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<PriceLookupLineBody>,
    /// Preferred where a variant has prices in several; the shop's where it is left out.
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1).
    #[schema(value_type = Option<String>, example = "DE")]
    country: Option<Country>,
    /// For a customer of these groups; the caller's where it is left out. Staff only.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    customer_groups: Option<Vec<Slug>>,
    /// As it was then, or will be as far as it is known; now where it is left out. Staff only.
    as_of: Option<DateTime<Utc>>,
}

/// So many pieces of a variant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PriceLookupLine)]
pub struct PriceLookupLineBody {
    #[schema(example = "TEE-M")]
    sku: String,
    /// 1 where it is left out.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
}

/// What each line costs, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PricesFound)]
pub struct PricesFoundBody {
    lines: Vec<PriceFoundBody>,
}

/// What a piece costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PriceFound)]
pub struct PriceFoundBody {
    sku: String,
    quantity: i64,
    /// Absent for an SKU that nothing on sale has.
    #[serde(skip_serializing_if = "Option::is_none")]
    winning: Option<WinningPriceBody>,
}

/// The price that counts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WinningPrice)]
pub struct WinningPriceBody {
    /// For a piece, in major units of `currency`.
    price: String,
    #[schema(value_type = String)]
    currency: Currency,
    /// Names the price: one of the list, or of the variant itself.
    price_id: i64,
    /// Where it comes from; null for the price of the variant itself.
    #[schema(required = true)]
    price_list: Option<WinningListBody>,
    /// What it is reduced from; null where it is no reduction.
    #[schema(required = true)]
    compare_at_price: Option<String>,
    /// The lowest price in the thirty days before a reduction; null where it is none.
    #[schema(required = true)]
    lowest30d: Option<String>,
}

/// The list a price comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WinningPriceList)]
pub struct WinningListBody {
    #[schema(value_type = i64)]
    id: PriceListId,
    #[schema(value_type = String)]
    code: Slug,
}

/// Looks up what up to a hundred variants cost: which price counts, and of which list.
///
/// It writes nothing. Whoever has a token is told the prices of their own customer groups.
#[utoipa::path(
    tag = "prices",
    security((), ("token" = [])),
    request_body = PriceLookupBody,
    responses(
        (status = 200, body = PricesFoundBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/prices/lookup")]
pub async fn look_up(
    state: Data<State>,
    caller: Caller,
    body: Body<PriceLookupBody>,
) -> Result<Answer, Problem> {
    let body = body.value;
    if (body.as_of.is_some() || body.customer_groups.is_some())
        && !caller.may(Permission::PriceRead)
    {
        return Err(match caller {
            Caller::Anonymous(_) => Problem::unauthorized(),
            Caller::User(_) => Problem::lacking(Permission::PriceRead),
        });
    }
    let currency = body.currency.as_deref().map(Currency::try_from).transpose();
    let currency =
        currency.map_err(|error| Problem::invalid("currency", "invalid", error.to_string()))?;
    let market = Market {
        currency: currency.unwrap_or(state.config.shop.currency),
        country: body.country,
        locale: None,
    };
    let as_of = body.as_of.map(|as_of| moment("asOf", as_of)).transpose()?;
    let wanted = wanted(body.lines)?;
    let (given, user) = (body.customer_groups, caller.id());
    if given
        .as_ref()
        .is_some_and(|given| given.len() > groups::MAX_GROUPS)
    {
        let rule = format!("must have at most {} groups", groups::MAX_GROUPS);
        return Err(Problem::invalid("customerGroups", "length", rule));
    }
    let read = move |conn: &mut PgConnection| {
        let groups = match (given, user) {
            (Some(given), _) => given,
            (None, Some(user)) => groups::find(conn, user)?.map_or(Vec::new(), |own| own.names),
            (None, None) => Vec::new(),
        };
        let found = lookup::look_up(conn, &wanted, market, &groups, as_of)?;
        let line = |((sku, quantity), winning): ((Sku, i64), Option<Winning>)| PriceFoundBody {
            sku: sku.to_string(),
            quantity,
            winning: winning.map(Into::into),
        };
        Ok(Answer::ok(&PricesFoundBody {
            lines: wanted.into_iter().zip(found).map(line).collect(),
        }))
    };
    state.db.run(read).await
}

fn wanted(lines: Vec<PriceLookupLineBody>) -> Result<Vec<(Sku, i64)>, Problem> {
    if !(1..=MAX_LINES).contains(&lines.len()) {
        let rule = format!("must have 1 to {MAX_LINES} lines");
        return Err(Problem::invalid("lines", "length", rule));
    }
    let checked = lines.into_iter().enumerate().map(|(index, line)| {
        let invalid = |field: &str, error: String| {
            Problem::invalid(format!("lines[{index}].{field}"), "invalid", error)
        };
        let sku = Sku::try_from(line.sku.as_str());
        let quantity = Quantity::try_from(line.quantity.unwrap_or(1));
        Ok((
            sku.map_err(|error| invalid("sku", error.to_string()))?,
            quantity
                .map_err(|error| invalid("quantity", error.to_string()))?
                .get(),
        ))
    });
    checked.collect()
}

impl From<Winning> for WinningPriceBody {
    fn from(winning: Winning) -> Self {
        let decimal = |minor| Money::new(minor, winning.currency).to_decimal();
        Self {
            price: decimal(winning.amount_minor),
            currency: winning.currency,
            price_id: winning.price_id,
            price_list: winning.list.map(|(id, code)| WinningListBody { id, code }),
            compare_at_price: winning.compare_at_minor.map(decimal),
            lowest30d: winning.lowest_30d_minor.map(decimal),
        }
    }
}
