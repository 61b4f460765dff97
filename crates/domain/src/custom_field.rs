//! Words for what a shop keeps of its things beside what every shop does.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// What can have custom fields.
    ///
    /// ```
    /// use domain::CustomResource;
    ///
    /// assert_eq!("variant".parse(), Ok(CustomResource::Variant));
    /// ```
    CustomResource, "what has custom fields", UnknownCustomResource {
        /// A product.
        Product => "product",
        /// A variant of a product.
        Variant => "variant",
        /// A category.
        Category => "category",
    }
}

coded! {
    /// What the values of a custom field are.
    ///
    /// ```
    /// use domain::CustomType;
    ///
    /// assert_eq!(CustomType::RichText.code(), "richText");
    /// ```
    CustomType, "a type of custom fields", UnknownCustomType {
        /// Characters.
        Text => "text",
        /// HTML that is safe to put into a page.
        RichText => "richText",
        /// A whole number.
        Int => "int",
        /// A decimal number, written as a text so that nothing is rounded.
        Decimal => "decimal",
        /// Yes or no.
        Bool => "bool",
        /// A day of the calendar.
        Date => "date",
        /// One of a few texts.
        Enum => "enum",
        /// An amount with its currency.
        Money => "money",
        /// The id of a product, a variant or a category.
        Reference => "reference",
        /// The id of a file that staff has sent.
        File => "file",
        /// Several values of another type.
        List => "list",
        /// Anything that JSON can say.
        Json => "json",
    }
}
