//! The forms of files.

use std::borrow::Cow;

use domain::Currency;

use super::{Profile, categories, collections, lines};

/// What a file looks like, and what it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Products in the shop's own form, a row for each price of a variant.
    Csv,
    /// Products in the shop's own form, a JSON object for each.
    Ndjson,
    /// Prices of variants that are there, as CSV.
    Prices,
    /// Counted stock of variants that are there, as CSV.
    Stock,
    /// Collections with the products in them, and the shop's currency, which prices in rules are in.
    Collections(Spelling, Currency),
    /// Categories, and where they stand.
    Categories(Spelling),
    /// How options and their values are called in other languages.
    Options(Spelling),
    /// Products in the form of another system, with the currency of the prices where a file of this profile does not say it. A row is
    /// what it would be in a file of the shop's own; what has no line in a JSON file is counted from 1 instead.
    Of(Profile, Option<Currency>),
}

/// How a file of the shop's own spells things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// A table with a header.
    #[default]
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl Form {
    /// Whether it tells neither of prices nor of stock.
    #[must_use]
    pub fn is_of_catalogue(self) -> bool {
        match self {
            Self::Collections(..) | Self::Categories(_) | Self::Options(_) => true,
            Self::Csv | Self::Ndjson | Self::Prices | Self::Stock | Self::Of(..) => false,
        }
    }

    /// What a column is called in a file of this form.
    pub(super) fn name_of(self, column: Cow<'static, str>) -> Cow<'static, str> {
        match self {
            Self::Ndjson => lines::member(column),
            Self::Collections(Spelling::Ndjson, _) => collections::member(column),
            Self::Categories(Spelling::Ndjson) => categories::member(column),
            _ => column,
        }
    }
}
