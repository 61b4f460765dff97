//! Shipping methods and their rates.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use domain::{Currency, Money};

/// Why there is no rate.
#[derive(Debug, thiserror::Error)]
pub enum ShippingError {
    #[error("unknown shipping method; known are {}", .known.join(", "))]
    UnknownMethod { known: Vec<String> },
    #[error("this shipping method has no rate in {0}")]
    NoRate(Currency),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct FindRate { code: String => Text, currency: &'static str => Text } -> (Bool, Nullable<BigInt>) =
    "SELECT m.is_free, r.amount_minor FROM ordering.shipping_methods m \
       LEFT JOIN ordering.shipping_rates r ON r.method_code = m.code AND r.currency = $2 \
      WHERE m.code = $1 AND m.is_active"
}

db::statement! {
    struct ListCodes {} -> Text =
    "SELECT code FROM ordering.shipping_methods WHERE is_active ORDER BY code DESC"
}

/// Finds what a method costs.
///
/// # Errors
///
/// [`ShippingError::UnknownMethod`] lists the known ones.
pub fn rate(
    conn: &mut PgConnection,
    code: &str,
    currency: Currency,
) -> Result<Money, ShippingError> {
    let statement = FindRate {
        code: code.to_owned(),
        currency: currency.code(),
    };
    match statement
        .get_result::<(bool, Option<i64>)>(conn)
        .optional()?
    {
        Some((_, Some(minor))) => Ok(Money::new(minor, currency)),
        Some((true, None)) => Ok(Money::zero(currency)),
        Some((false, None)) => Err(ShippingError::NoRate(currency)),
        None => Err(ShippingError::UnknownMethod {
            known: ListCodes {}.load(conn)?,
        }),
    }
}
