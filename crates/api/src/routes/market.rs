//! For which currency and country a shopper is shown prices.

use catalog::prices::Market;
use domain::{Country, Currency};

use crate::http::{Problem, params};

/// The market that `currency` and `country` of a query name; the shop's currency where none is asked for.
pub fn market(
    shop: Currency,
    currency: Option<&str>,
    country: Option<&str>,
) -> Result<Market, Problem> {
    Ok(Market {
        currency: params::parse::<Currency>("currency", currency)?.unwrap_or(shop),
        country: params::parse::<Country>("country", country)?,
    })
}
