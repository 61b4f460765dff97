//! Shipping methods and their rates.

use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::{Currency, Money};

db::statement! {
    struct ListCodes {} -> Text =
    "SELECT code FROM ordering.shipping_methods WHERE is_active ORDER BY code DESC"
}

/// What a method costs: its rate in this currency, else nothing where it is free; `None` where it
/// cannot be had for this currency.
#[must_use]
pub fn rate(is_free: bool, rate_minor: Option<i64>, currency: Currency) -> Option<Money> {
    match rate_minor {
        Some(minor) => Some(Money::new(minor, currency)),
        None => is_free.then(|| Money::zero(currency)),
    }
}

/// Lists the codes of the methods that can be chosen.
///
/// # Errors
///
/// Those of the database.
pub fn list_codes(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    ListCodes {}.load(conn)
}
