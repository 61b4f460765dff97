//! For whom prices and texts are looked up.

use std::fmt;

use domain::{Country, Currency, Locale, Slug};

/// What a shopper without an account is shown prices and texts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Market {
    /// Preferred where a variant has prices in several.
    pub currency: Currency,
    /// Where the order is to go, as far as it is known.
    pub country: Option<Country>,
    /// The language of texts; the shop's own where there is none.
    pub locale: Option<Locale>,
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
            locale: None,
        }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.currency.fmt(f)?;
        if let Some(country) = self.country {
            write!(f, "-{country}")?;
        }
        self.locale.map_or(Ok(()), |locale| write!(f, "/{locale}"))
    }
}

/// The names of customer groups, as statements take them.
#[must_use]
pub fn group_names(groups: &[Slug]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}
