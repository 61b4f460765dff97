//! Files of other systems: each profile is a function that turns one into rows of the shop's own form.
//!
//! `docs/import-profiles.md` tells what is taken from each, and what is left.

mod array;
mod eshop;
mod lego;
mod luma;
mod measure;
mod saleor;
mod spree;
mod sunrise;
mod vendure;

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use domain::{Currency, Slug};

use super::{ImportError, Sink};

/// Where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The catalogue of dotnet/eShop, JSON.
    Eshop,
    /// The LEGO sets of Brickset, CSV.
    Lego,
    /// Products of Magento 2, as in its demonstration shop Luma, CSV.
    Luma,
    /// A dump of Saleor's database by Django, JSON.
    Saleor,
    /// Products of Spree 5, CSV.
    Spree,
    /// Products of commercetools, as in its demonstration shop Sunrise, CSV.
    Sunrise,
    /// Products of Vendure, CSV.
    Vendure,
}

/// Says that nobody knows such a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("known are {}", Profile::ALL.map(Profile::code).join(", "))]
pub struct UnknownProfile;

impl Profile {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Eshop,
        Self::Lego,
        Self::Luma,
        Self::Saleor,
        Self::Spree,
        Self::Sunrise,
        Self::Vendure,
    ];

    /// Whether its files are JSON; all others are CSV.
    #[must_use]
    pub const fn is_json(self) -> bool {
        matches!(self, Self::Eshop | Self::Saleor)
    }

    /// Returns the name used on the command line.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eshop => "eshop",
            Self::Lego => "lego",
            Self::Luma => "luma",
            Self::Saleor => "saleor",
            Self::Spree => "spree",
            Self::Sunrise => "sunrise",
            Self::Vendure => "vendure",
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|known| known.code() == text).ok_or(UnknownProfile)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

pub(super) fn read(
    profile: Profile,
    currency: Option<Currency>,
    source: impl Read,
    sink: Sink,
) -> Result<(), ImportError> {
    let needed = || currency.ok_or(ImportError::NoCurrency(profile));
    match profile {
        Profile::Eshop => eshop::read(source, needed()?, sink),
        Profile::Luma => luma::read(source, needed()?, sink),
        Profile::Vendure => vendure::read(source, needed()?, sink),
        _ if currency.is_some() => Err(ImportError::NeedlessCurrency(profile)),
        Profile::Lego => lego::read(source, sink),
        Profile::Saleor => saleor::read(source, sink),
        Profile::Spree => spree::read(source, sink),
        Profile::Sunrise => sunrise::read(source, sink),
    }
}

/// Looks at the beginning of a file, and says why one that begins like this is not read.
pub(super) fn look(
    profile: Profile,
    currency: Option<Currency>,
    beginning: &[u8],
    sink: Sink,
) -> Result<(), ImportError> {
    if !profile.is_json() {
        return read(profile, currency, beginning, sink);
    }
    // The first element may be longer than the beginning.
    read(profile, currency, &b"[]"[..], sink)?;
    let text = beginning.strip_prefix("\u{feff}".as_bytes());
    match text.unwrap_or(beginning).trim_ascii_start().first() {
        Some(b'[') => Ok(()),
        _ => Err(ImportError::NoArray),
    }
}

/// The slug that another system has given a product, as one of this shop; nothing where that cannot be.
fn slug(text: &str) -> String {
    let own = Slug::from_title(text).filter(|slug| slug.product_id().is_none());
    own.map(String::from).unwrap_or_default()
}

/// The paths of a cell, with `between` between them and `step` between their names.
fn paths(cell: &str, between: char, step: &str) -> Vec<Vec<String>> {
    let names = |path: &str| {
        path.split(step)
            .map(|name| name.trim().to_owned())
            .collect()
    };
    let said = cell.split(between).map(str::trim);
    said.filter(|path| !path.is_empty()).map(names).collect()
}

/// A decimal without the zeros that end its fraction: `40.000` is `40`.
fn plain(decimal: &str) -> &str {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.')
    } else {
        decimal
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn zeros_that_say_nothing_are_dropped() {
        let pairs = [
            ("40.000", "40"),
            ("40", "40"),
            ("0.50", "0.5"),
            ("", ""),
            (".", ""),
        ];
        for (decimal, expected) in pairs {
            assert_eq!(plain(decimal), expected);
        }
    }
}
