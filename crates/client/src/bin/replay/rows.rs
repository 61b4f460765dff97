//! What one row of the invoice file means.
//!
//! The rules are those of `scripts/online-retail-to-csv.py`, in the same order, so that every line
//! that is accepted here names a product which that script writes.

use std::fmt;

use domain::Quantity;
use serde::{Deserialize, Serialize};

/// A row as it stands in the file.
#[derive(Debug, Deserialize)]
pub struct Row {
    #[serde(rename = "InvoiceNo")]
    pub invoice: String,
    #[serde(rename = "StockCode")]
    pub code: String,
    #[serde(rename = "Quantity")]
    pub quantity: String,
    #[serde(rename = "InvoiceDate")]
    pub moment: String,
    #[serde(rename = "UnitPrice")]
    pub price: String,
    #[serde(rename = "CustomerID")]
    pub customer: String,
    #[serde(rename = "Country")]
    pub country: String,
}

/// What a row is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A line of an order: pieces, and pence for one of them.
    Sale { quantity: Quantity, pence: i64 },
    /// A line of a cancellation: pieces that come back.
    Return { units: i64 },
    /// Nothing that an order can hold.
    Refused(Reason),
}

/// Why a row is no line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    NotAProduct,
    StockWriteOff,
    FractionOfAPenny,
    PriceNegative,
    PriceZero,
    QuantityTooLarge,
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotAProduct => "code is not a product",
            Self::StockWriteOff => "stock write-off (quantity not positive)",
            Self::FractionOfAPenny => "price with a fraction of a penny",
            Self::PriceNegative => "price negative",
            Self::PriceZero => "price zero",
            Self::QuantityTooLarge => "quantity above a million",
            Self::Unreadable => "number that cannot be read",
        })
    }
}

impl Row {
    /// Returns the code under which the product is sold: codes differ by case without meaning it.
    pub fn sku(&self) -> String {
        self.code.to_ascii_uppercase()
    }

    /// Tells whether the invoice takes an earlier one back.
    pub fn is_cancellation(&self) -> bool {
        self.invoice.starts_with('C')
    }

    /// Decides what the row is; the first rule that fits.
    pub fn meaning(&self) -> Meaning {
        if !is_goods(&self.sku()) {
            return Meaning::Refused(Reason::NotAProduct);
        }
        let Ok(quantity) = self.quantity.parse::<i64>() else {
            return Meaning::Refused(Reason::Unreadable);
        };
        if self.is_cancellation() {
            return Meaning::Return {
                units: quantity.saturating_neg(),
            };
        }
        if quantity <= 0 {
            return Meaning::Refused(Reason::StockWriteOff);
        }
        let pence = match pence(&self.price) {
            Ok(pence) if pence > 0 => pence,
            Ok(0) => return Meaning::Refused(Reason::PriceZero),
            Ok(_) => return Meaning::Refused(Reason::PriceNegative),
            Err(reason) => return Meaning::Refused(reason),
        };
        match Quantity::try_from(quantity) {
            Ok(quantity) => Meaning::Sale { quantity, pence },
            Err(_) => Meaning::Refused(Reason::QuantityTooLarge),
        }
    }
}

/// Tells whether a code in upper case stands for goods.
///
/// Goods have five digits and at most a two-letter variant, or a code of the shop's own range
/// `DCGS…`. Two codes are numbered like goods but are carriage and a gift voucher.
fn is_goods(sku: &str) -> bool {
    if matches!(sku, "23444" | "22016") {
        return false;
    }
    if let Some(rest) = sku.strip_prefix("DCGS") {
        return !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    }
    let Some((digits, variant)) = sku.split_at_checked(5) else {
        return false;
    };
    digits.bytes().all(|b| b.is_ascii_digit())
        && variant.len() <= 2
        && variant.bytes().all(|b| b.is_ascii_uppercase())
}

/// Reads a decimal text as whole pence, without floats.
fn pence(text: &str) -> Result<i64, Reason> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(Reason::Unreadable);
    }
    if fraction.len() > 2 {
        return Err(Reason::FractionOfAPenny);
    }
    let pence: i64 = format!("{whole}{fraction:0<2}")
        .parse()
        .map_err(|_| Reason::Unreadable)?;
    Ok(if negative { -pence } else { pence })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(invoice: &str, code: &str, quantity: &str, price: &str) -> Row {
        Row {
            invoice: invoice.to_owned(),
            code: code.to_owned(),
            quantity: quantity.to_owned(),
            moment: "2011-10-03 09:00:00".to_owned(),
            price: price.to_owned(),
            customer: String::new(),
            country: "EIRE".to_owned(),
        }
    }

    #[test]
    fn rows_are_sorted_by_the_first_rule_that_fits() {
        let refused =
            |invoice, code, quantity, price| match row(invoice, code, quantity, price).meaning() {
                Meaning::Refused(reason) => Some(reason),
                _ => None,
            };

        assert_eq!(refused("1", "85123A", "6", "2.55"), None);
        assert_eq!(refused("1", "POST", "-1", "0.0"), Some(Reason::NotAProduct));
        assert_eq!(refused("C1", "M", "-1", "5.0"), Some(Reason::NotAProduct));
        assert_eq!(
            refused("1", "85123A", "-6", "0.0"),
            Some(Reason::StockWriteOff)
        );
        assert_eq!(refused("1", "85123A", "6", "0.0"), Some(Reason::PriceZero));
        assert_eq!(
            refused("1", "85123A", "6", "-1.5"),
            Some(Reason::PriceNegative)
        );
        assert_eq!(
            refused("1", "85123A", "6", "0.001"),
            Some(Reason::FractionOfAPenny)
        );
        assert_eq!(
            refused("1", "85123A", "1000001", "1.0"),
            Some(Reason::QuantityTooLarge)
        );
        assert_eq!(
            refused("1", "85123A", "six", "1.0"),
            Some(Reason::Unreadable)
        );
    }

    #[test]
    fn a_cancelled_line_brings_pieces_back() {
        let meaning = row("C536379", "22556", "-12", "1.65").meaning();

        assert_eq!(meaning, Meaning::Return { units: 12 });
    }

    #[test]
    fn goods_are_told_from_charges() {
        for goods in ["22423", "85123A", "15056BL", "DCGS0003", "DCGSSBOY"] {
            assert!(is_goods(goods), "{goods}");
        }
        let charges = [
            "POST",
            "DOT",
            "M",
            "C2",
            "D",
            "S",
            "B",
            "PADS",
            "BANK CHARGES",
            "CRUK",
        ];
        let others = [
            "AMAZONFEE",
            "GIFT_0001_20",
            "23444",
            "22016",
            "2242",
            "22423ABC",
            "",
            "£",
        ];
        for code in charges.into_iter().chain(others) {
            assert!(!is_goods(code), "{code}");
        }
    }

    #[test]
    fn prices_are_read_to_the_penny() {
        for (text, expected) in [
            ("2.55", 255),
            ("2.5", 250),
            ("3", 300),
            ("0.010", 1),
            ("38970.0", 3_897_000),
        ] {
            assert_eq!(pence(text), Ok(expected), "{text}");
        }
        assert_eq!(pence("-11062.06"), Ok(-1_106_206));
        assert_eq!(pence("0.29"), Ok(29), "0.29 × 100 is 28.999… in floats");
        for wrong in ["", "1,5", "1e3", ".5", "--1", "1.2.3"] {
            assert_eq!(pence(wrong), Err(Reason::Unreadable), "{wrong}");
        }
    }
}
