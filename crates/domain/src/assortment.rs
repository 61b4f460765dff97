//! Words for what products and variants are, apart from what they are called.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// What is taken from stock when a variant is sold.
    ///
    /// ```
    /// use domain::VariantKind;
    ///
    /// assert_eq!("bundle".parse(), Ok(VariantKind::Bundle));
    /// assert!(!VariantKind::Digital.keeps_stock());
    /// ```
    VariantKind, "a kind of variant", UnknownVariantKind {
        /// Units of its own, which are sent.
        Physical => "physical",
        /// Nothing: there is always some, and nothing is sent.
        Digital => "digital",
        /// Units of its parts.
        Bundle => "bundle",
    }
}

impl VariantKind {
    /// Tells whether units of the variant itself are counted.
    #[must_use]
    pub const fn keeps_stock(self) -> bool {
        matches!(self, Self::Physical)
    }
}

/// How a product is taxed: a code of the merchant's own, such as `standard`, `reduced` or `zero`.
///
/// ```
/// use domain::TaxClass;
///
/// assert_eq!("reduced".parse::<TaxClass>()?.as_str(), "reduced");
/// assert!("Reduced rate".parse::<TaxClass>().is_err());
/// # Ok::<(), domain::InvalidTaxClass>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxClass(String);

/// Says that a text is no tax class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tax class has 1 to {} of a-z, 0-9, - and _, and begins with a letter",
    TaxClass::MAX_LENGTH
)]
pub struct InvalidTaxClass;

impl TaxClass {
    /// Most characters of one.
    pub const MAX_LENGTH: usize = 40;

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TaxClass {
    type Err = InvalidTaxClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
        if !begins || text.len() > Self::MAX_LENGTH || !text.bytes().all(known) {
            return Err(InvalidTaxClass);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TaxClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_form!(TaxClass, InvalidTaxClass);

coded! {
    /// Why a product is shown beside another one.
    ProductRelation, "a relation of products", UnknownProductRelation {
        /// It is of the same sort.
        Related => "related",
        /// It is the better choice.
        UpSell => "up_sell",
        /// It goes with it.
        CrossSell => "cross_sell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_class_is_a_short_code() {
        for good in ["standard", "zero", "reduced-2", "a", "de_19"] {
            assert_eq!(good.parse::<TaxClass>().map(String::from), Ok(good.into()));
        }
        let long = "a".repeat(TaxClass::MAX_LENGTH + 1);
        for bad in [
            "",
            " standard",
            "Standard",
            "1st",
            "-",
            "zéro",
            "a b",
            &long,
        ] {
            assert_eq!(bad.parse::<TaxClass>(), Err(InvalidTaxClass), "{bad:?}");
        }
    }

    #[test]
    fn only_what_is_physical_keeps_stock() {
        let kept = VariantKind::ALL
            .into_iter()
            .filter(|kind| kind.keeps_stock());
        assert_eq!(kept.collect::<Vec<_>>(), [VariantKind::Physical]);
    }
}
