//! Words for how the shop is laid out.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// How the products of a category or a collection are listed.
    ///
    /// ```
    /// use domain::ProductOrder;
    ///
    /// assert_eq!("newest".parse(), Ok(ProductOrder::Newest));
    /// ```
    ProductOrder, "an order of products", UnknownProductOrder {
        /// As somebody has placed them.
        Manual => "manual",
        /// The one that was made last comes first.
        Newest => "newest",
        /// By name, as people look for it: without regard to case, accents beside their letters.
        Name => "name",
        /// What was ordered most in the last thirty days comes first.
        BestSelling => "best_selling",
    }
}
