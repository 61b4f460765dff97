//! What staff may do. Administrators may do all of it, and they alone say what staff may.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// A part of the shop that a member of staff may read, or write; whoever may write it may read it.
    ///
    /// ```
    /// use domain::Permission;
    ///
    /// assert_eq!("stock:write".parse(), Ok(Permission::StockWrite));
    /// assert!(Permission::StockWrite.includes(Permission::StockRead));
    /// assert!(!Permission::StockRead.includes(Permission::StockWrite));
    /// ```
    Permission, "a permission", UnknownPermission {
        /// Products of every status, categories, translations, files of them.
        CatalogRead => "catalog:read",
        /// The same, but for prices and stock.
        CatalogWrite => "catalog:write",
        /// Prices past, in force and to come, and price lists.
        PriceRead => "price:read",
        /// The same.
        PriceWrite => "price:write",
        /// Stock, movements, locations, transfers and holds.
        StockRead => "stock:read",
        /// The same.
        StockWrite => "stock:write",
        /// Orders of everybody.
        OrderRead => "order:read",
        /// Placing, advancing and cancelling them, at prices that were agreed on.
        OrderWrite => "order:write",
        /// Users and the groups they are of.
        CustomerRead => "customer:read",
        /// The groups.
        CustomerWrite => "customer:write",
        /// The log of events.
        EventRead => "event:read",
        /// Jobs and schedules.
        JobRead => "job:read",
        /// Running, retrying and cancelling them.
        JobWrite => "job:write",
    }
}

impl Permission {
    /// Whether whoever has this may do what `other` allows.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        let (resource, action) = self.parts();
        let (needed_resource, needed_action) = other.parts();
        resource == needed_resource && (action == "write" || needed_action == "read")
    }

    fn parts(self) -> (&'static str, &'static str) {
        self.code().split_once(':').unwrap_or((self.code(), ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_includes_itself_and_nothing_of_other_resources() {
        for one in Permission::ALL {
            for other in Permission::ALL {
                let is_of_one = one.parts().0 == other.parts().0;
                let is_enough = one == other || one.parts().1 == "write";
                assert_eq!(
                    one.includes(other),
                    is_of_one && is_enough,
                    "{one}, {other}"
                );
            }
        }
    }
}
