//! What bundles are made of, as staff says it.

use actix_web::put;
use actix_web::web::{Data, Path};
use catalog::variants::VariantError;
use catalog::variants::parts::{self, MAX_PARTS, MAX_QUANTITY, NewPart, Part};
use domain::{ProductId, VariantId, VariantKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::variant_bodies::StaffVariantBody;
use super::variants::{Ids, read, variant_id};
use crate::http::{Answer, Body, Change, Problem, idempotency};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// A part of a bundle.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffComponent)]
pub struct PartBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    #[schema(value_type = i64)]
    product_id: ProductId,
    sku: String,
    /// `physical` or `digital`.
    #[schema(value_type = String)]
    kind: VariantKind,
    /// Units in one of the bundle.
    quantity: i64,
    /// Whether it has left the shop: the bundle cannot be bought until it is made of something else.
    is_archived: bool,
}

impl From<Part> for PartBody {
    fn from(part: Part) -> Self {
        Self {
            variant_id: part.variant_id,
            product_id: part.product_id,
            sku: part.sku,
            kind: part.kind,
            quantity: part.quantity,
            is_archived: part.is_archived,
        }
    }
}

/// What a variant is to be made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewComponents)]
pub struct NewPartsBody {
    /// In the order they are shown; none for a variant with stock of its own.
    #[schema(max_items = 50)]
    components: Vec<NewPartBody>,
}

/// So many units of a variant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewComponent)]
pub struct NewPartBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
}

impl NewPartsBody {
    fn checked(self) -> Result<Vec<NewPart>, Problem> {
        if self.components.len() > MAX_PARTS {
            let rule = format!("must have at most {MAX_PARTS} components");
            return Err(Problem::invalid("components", "length", rule));
        }
        let part = |(index, body): (usize, NewPartBody)| {
            if !(1..=MAX_QUANTITY).contains(&body.quantity) {
                let field = format!("components[{index}].quantity");
                let rule = format!("must be 1 to {MAX_QUANTITY}");
                return Err(Problem::invalid(field, "out_of_range", rule));
            }
            Ok(NewPart {
                variant_id: body.variant_id,
                quantity: body.quantity,
            })
        };
        self.components.into_iter().enumerate().map(part).collect()
    }
}

/// Says what a variant is made of: with components it is a bundle, of which as many can be had as these make. Staff only.
///
/// Orders keep what they took. A variant that has stock of its own is no bundle, and neither is a component.
#[utoipa::path(
    tag = "variants",
    security(("token" = [])),
    params(
        ("id" = i64, Path),
        ("variantId" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = NewPartsBody,
    responses(
        (status = 200, body = StaffVariantBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/variants/{variantId}/components")]
pub async fn set(
    state: Data<State>,
    change: Change,
    ids: Path<Ids>,
    body: Body<NewPartsBody>,
) -> Result<Answer, Problem> {
    let (product, id) = variant_id(&ids)?;
    let currency = state.config.shop.currency;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let new = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        parts::set(conn, (product, id), &new, expected, Some(actor))
            .map_err(|error| super::refuse(error, None))?;
        read(conn, product, id, currency)
    })
    .await?;
    state.cache.products_changed(&[product]).await;
    Ok(answer)
}

/// Why a variant is not made of that, or no other kind of thing.
pub(super) fn refuse(error: &VariantError) -> Problem {
    let message = error.to_string();
    let field = |index: usize, name: &str| format!("components[{index}].{name}");
    let invalid = |index: usize, code: &'static str, message: &str| {
        Problem::unprocessable("invalid_component", "A component cannot be one").field(
            field(index, "variantId"),
            code,
            message,
        )
    };
    match *error {
        VariantError::UnknownPart(index) => {
            Problem::unprocessable("unknown_variant", "A component names no variant on sale").field(
                field(index, "variantId"),
                "unknown",
                "names no variant on sale",
            )
        }
        VariantError::PartIsBundle(index) => invalid(index, "bundle", "is a bundle itself"),
        VariantError::PartOfItself(index) => invalid(index, "itself", "is the bundle itself"),
        VariantError::PartTwice(index) => {
            invalid(index, "repeated", "is named before: add the quantities")
        }
        VariantError::IsPart(_) => {
            Problem::conflict("is_component", "A component cannot become a bundle").detail(message)
        }
        VariantError::IsBundle => {
            Problem::conflict("is_bundle", "A bundle is what its components are")
                .detail("set its components to none first")
        }
        _ => Problem::conflict("has_stock", "The variant has stock of its own").detail(
            "set its count to 0 at every location, and wait until orders and holds have given back what they keep",
        ),
    }
}
