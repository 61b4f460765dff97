//! For whom a price is looked up.

use std::fmt;

use domain::{Country, Currency, Slug};

/// What a shopper without an account is shown prices for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Market {
    /// Preferred where a variant has prices in several.
    pub currency: Currency,
    /// Where the order is to go, as far as it is known.
    pub country: Option<Country>,
}

impl Market {
    /// The country's code, as statements take it.
    #[must_use]
    pub fn country_code(&self) -> Option<String> {
        self.country.map(String::from)
    }
}

impl From<Currency> for Market {
    fn from(currency: Currency) -> Self {
        Self {
            currency,
            country: None,
        }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.currency.fmt(f)?;
        self.country
            .map_or(Ok(()), |country| write!(f, "-{country}"))
    }
}

/// The names of customer groups, as statements take them.
#[must_use]
pub fn group_names(groups: &[Slug]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}
