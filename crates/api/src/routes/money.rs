//! How money and problems look in the OpenAPI document. The domain's own types are what is written.

#![expect(dead_code, reason = "these types only describe what others serialise")]

use utoipa::ToSchema;

/// An amount in integer minor units beside its currency.
#[derive(ToSchema)]
#[schema(as = Money)]
pub struct MoneyBody {
    /// Minor units: cents, yen, fils.
    #[schema(example = 99999)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

/// An error, as RFC 9457 has it.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    #[schema(example = "/problems/out-of-stock")]
    r#type: String,
    title: String,
    status: u16,
    /// Stable; what programs decide by.
    #[schema(example = "out_of_stock")]
    code: String,
    detail: Option<String>,
    request_id: String,
    errors: Option<Vec<FieldErrorBody>>,
}

/// What is wrong with one field.
#[derive(ToSchema)]
#[schema(as = FieldError)]
pub struct FieldErrorBody {
    #[schema(example = "lines[3].quantity")]
    field: String,
    code: String,
    message: String,
}

/// One line of text, or an address in its parts.
#[derive(ToSchema)]
#[schema(as = Address)]
#[serde(untagged)]
pub enum AddressBody {
    Text(String),
    Postal(PostalAddressBody),
}

/// An address in its parts.
#[derive(ToSchema)]
#[schema(as = PostalAddress)]
#[serde(rename_all = "camelCase")]
pub struct PostalAddressBody {
    name: Option<String>,
    line1: String,
    line2: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
}
