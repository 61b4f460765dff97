//! Words for how products are searched.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// How what is found is sorted.
    ///
    /// ```
    /// use domain::SearchSort;
    ///
    /// assert_eq!("-price".parse(), Ok(SearchSort::Dearest));
    /// ```
    SearchSort, "an order of what is found", UnknownSearchSort {
        /// What has the words in its name comes first; the newest where no words are looked for.
        Relevance => "relevance",
        /// The one that was made last comes first.
        Newest => "newest",
        /// By price; what has none in the currency comes last.
        Cheapest => "price",
        /// The highest price first; what has none in the currency comes last.
        Dearest => "-price",
        /// By name, as people look for it.
        Name => "name",
        /// What was ordered most in the last thirty days comes first.
        BestSelling => "best_selling",
    }
}

coded! {
    /// What is counted of what is found, so that it can be narrowed.
    ///
    /// ```
    /// use domain::Facet;
    ///
    /// assert_eq!(Facet::InStock.code(), "inStock");
    /// ```
    Facet, "a facet", UnknownFacet {
        /// Brands.
        Brand => "brand",
        /// Tags.
        Tag => "tag",
        /// Categories, with all that are above them.
        Category => "category",
        /// The values of options, such as sizes and colours.
        Options => "options",
        /// The values of custom fields that are filters.
        Fields => "fields",
        /// Prices in ten steps.
        Price => "price",
        /// Whether there is any left.
        InStock => "inStock",
    }
}
