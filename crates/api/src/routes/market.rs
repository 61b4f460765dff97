//! For which currency, country and language a shopper is shown prices and texts.

use catalog::prices::Market;
use domain::{Country, Currency, Locale};

use crate::http::{Problem, params};

/// The market that `currency`, `country` and `locale` of a query name; the shop's own where none is asked for.
pub fn market(
    shop: Currency,
    currency: Option<&str>,
    country: Option<&str>,
    locale: Option<&str>,
) -> Result<Market, Problem> {
    Ok(Market {
        currency: params::parse::<Currency>("currency", currency)?.unwrap_or(shop),
        country: params::parse::<Country>("country", country)?,
        locale: self::locale(locale)?,
    })
}

/// The language that `locale` of a query names.
pub fn locale(locale: Option<&str>) -> Result<Option<Locale>, Problem> {
    params::parse::<Locale>("locale", locale)
}
