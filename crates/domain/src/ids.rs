//! Typed ids: an order's id is never mistaken for a user's.
//!
//! An id is the `bigint` identity of a row, from 1 to `i64::MAX`. As text it is strict: ASCII
//! digits only, without sign or leading zero, so that every id has exactly one spelling.

use std::fmt;
use std::str::FromStr;

/// Says that a number or a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an id is a whole number from 1 to {}, written in digits only",
    i64::MAX
)]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "i64"))]
        pub struct $name(i64);

        impl $name {
            /// Returns the number, at least 1.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = InvalidId;

            fn try_from(number: i64) -> Result<Self, Self::Error> {
                if number >= 1 { Ok(Self(number)) } else { Err(InvalidId) }
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_strictly(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names a customer or a member of staff.
    ///
    /// ```
    /// use domain::UserId;
    ///
    /// assert_eq!("17".parse::<UserId>()?.get(), 17);
    /// assert!("+17".parse::<UserId>().is_err());
    /// assert!(UserId::try_from(0).is_err());
    /// # Ok::<(), domain::InvalidId>(())
    /// ```
    UserId
}
id! {
    /// Names a product: what is described.
    ProductId
}
id! {
    /// Names a variant of a product: what is sold and counted.
    VariantId
}
id! {
    /// Names a category: where products are looked for.
    CategoryId
}
id! {
    /// Names a collection: products that belong together for a while.
    CollectionId
}
id! {
    /// Names a picture.
    MediaId
}
id! {
    /// Names the translations of an option.
    OptionId
}

id! {
    /// Names the definition of a custom field.
    CustomFieldId
}
id! {
    /// Names a price list: prices for some customers, quantities, countries or a while.
    PriceListId
}
id! {
    /// Names an order.
    OrderId
}
id! {
    /// Names the payment of an order.
    PaymentId
}
id! {
    /// Names one attempt to authorise, capture, void or refund a payment.
    PaymentOperationId
}
id! {
    /// Names a place where stock is kept.
    LocationId
}
id! {
    /// Names one move of stock between locations.
    StockTransferId
}
id! {
    /// Names a piece of work that is done later.
    JobId
}

id! {
    /// Names stock that is kept for somebody until a moment.
    StockHoldId
}

impl LocationId {
    /// The location that every shop has: what is written without a location is written there.
    pub const MAIN: Self = Self(1);
}

/// Reads a positive number in its only spelling; `str::parse` alone would accept `+1` and `01`.
fn parse_strictly(text: &str) -> Result<i64, InvalidId> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !only_digits || text.starts_with('0') {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_positive_numbers_are_ids() {
        assert_eq!(OrderId::try_from(1).map(OrderId::get), Ok(1));
        for wrong in [i64::MIN, -1, 0] {
            assert_eq!(OrderId::try_from(wrong), Err(InvalidId), "{wrong}");
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(
            "9223372036854775807".parse::<OrderId>().map(OrderId::get),
            Ok(i64::MAX)
        );
        for wrong in [
            "",
            "0",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1e9",
            "1.0",
            "0x1",
            "1_000",
            "٣",
            "１",
            "9223372036854775808",
            "99999999999999999999999",
            "1\0",
        ] {
            assert_eq!(wrong.parse::<OrderId>(), Err(InvalidId), "{wrong:?}");
        }
    }

    #[test]
    fn the_error_says_what_an_id_is() {
        assert_eq!(
            InvalidId.to_string(),
            "an id is a whole number from 1 to 9223372036854775807, written in digits only"
        );
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_has_whole_numbers() {
        let id: UserId = serde_json::from_str("17").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "17");
        for wrong in [
            "0",
            "-1",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            "9223372036854775808",
        ] {
            assert!(serde_json::from_str::<UserId>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_id_is_read_back(number in 1..=i64::MAX) {
            let id = ProductId::try_from(number).unwrap();
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn what_is_read_is_written_alike(text in "[0-9+٣ ]{0,20}") {
            if let Ok(id) = text.parse::<ProductId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
