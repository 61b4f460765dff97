//! From an order as it is sent to one that can be placed: everything that can be refused without
//! looking into the database.

use std::time::Instant;

use catalog::quotes::Wanted;
use db::idempotency::RequestKey;
use domain::{Currency, PaymentMethod, Permission, ProductId, Quantity, UserId};
use ordering::Source;

use super::order_bodies::{MAX_IDS, NewLineBody, NewOrderBody};
use crate::http::{Caller, Problem, idempotency, observe, text};
use crate::workflows::placing::{Customer, Request, RequestLine};

const MAX_LINES: usize = 2_000;
/// As many units as a line may have, so that a sum of lines stays a quantity too.
const TOO_MANY: &str = "add up to more than 1000000 units";

/// A request and what its lines are called in it.
#[derive(Debug)]
pub struct Parsed {
    request: Request,
    names: Names,
}

/// How errors name a line.
#[derive(Debug)]
pub enum Names {
    /// Where each distinct product first stands in `productIds`.
    ProductIds(Vec<usize>),
    /// Whether each line has a `sku`.
    Lines(Vec<bool>),
}

impl Parsed {
    /// The request, and how errors name its lines.
    #[must_use]
    pub fn split(self) -> (Request, Names) {
        (self.request, self.names)
    }
}

impl Names {
    /// The field that a line of the request came from.
    #[must_use]
    pub fn field(&self, line: usize) -> String {
        match self {
            Self::ProductIds(places) => {
                format!("productIds[{}]", places.get(line).copied().unwrap_or(line))
            }
            Self::Lines(by_sku) => {
                let by_sku = by_sku.get(line).copied().unwrap_or_default();
                format!("lines[{line}].{}", if by_sku { "sku" } else { "productId" })
            }
        }
    }
}

/// Checks a body against its caller.
///
/// # Errors
///
/// 403 for what only staff may say, 422 with the field for what nobody may, and those of [`idempotency::still_wanted`].
pub fn parse(
    body: NewOrderBody,
    user_id: UserId,
    caller: &Caller,
    preferred_currency: Currency,
    card_provider: Option<&'static str>,
    key: Option<RequestKey>,
) -> Result<Parsed, Problem> {
    // From here on its age is known.
    idempotency::still_wanted()?;
    let negotiated = body
        .lines
        .iter()
        .flatten()
        .position(|line| line.unit_price.is_some());
    let staff_only = negotiated
        .map(|line| format!("lines[{line}].unitPrice"))
        .or_else(|| body.reference.as_ref().map(|_| "reference".into()))
        .or_else(|| body.hold_id.map(|_| "holdId".into()));
    let may_write = caller.may(Permission::OrderWrite);
    if let (Some(field), false) = (staff_only, may_write) {
        return Err(Problem::forbidden().field(field, "staff_only", "may be sent by staff only"));
    }
    if body
        .payment_token
        .as_deref()
        .is_some_and(|token| !is_token(token))
    {
        let rule =
            "must be the provider's token: letters, digits, `_` and `-`, never a card number";
        return Err(Problem::invalid("paymentToken", "invalid", rule));
    }
    if body.payment == PaymentMethod::Card && card_provider.is_none() {
        let rule = "must be one of cod, invoice: this shop accepts no cards";
        return Err(Problem::invalid("payment", "not_accepted", rule));
    }
    let (lines, names) = match (body.lines, body.product_ids) {
        (Some(lines), None) => by_lines(lines)?,
        (None, Some(ids)) => by_ids(&ids)?,
        (None, None) => {
            return Err(Problem::invalid(
                "lines",
                "missing",
                "send lines or productIds",
            ));
        }
        (Some(_), Some(_)) => {
            let rule = "lines and productIds exclude each other";
            return Err(Problem::invalid("productIds", "exclusive", rule));
        }
    };
    let is_for_another = may_write && caller.id() != Some(user_id);
    let request = Request {
        user_id,
        customer: customer(caller, user_id),
        lines,
        address: body.address,
        payment_method: body.payment,
        payment_token: body.payment_token,
        shipping_method: text("shipping", body.shipping, 1, 40)?,
        currency: body.currency,
        preferred_currency,
        source: if is_for_another {
            Source::Staff
        } else {
            Source::Web
        },
        reference: body
            .reference
            .map(|reference| text("reference", reference, 1, 64))
            .transpose()?,
        hold: body.hold_id,
        actor: caller.id(),
        card_provider,
        key,
        request_id: observe::current_request_id(),
        received: Instant::now(),
    };
    Ok(Parsed { request, names })
}

/// Who a caller may buy for: itself, and as staff anybody; without a token those who need none.
fn customer(caller: &Caller, user_id: UserId) -> Customer {
    match caller.user() {
        Some(user) if user.id == user_id => Customer::Caller,
        Some(user) if user.may(Permission::OrderWrite) => Customer::AnyUser,
        Some(_) => Customer::Nobody,
        None => Customer::OpenUser,
    }
}

fn by_lines(lines: Vec<NewLineBody>) -> Result<(Vec<RequestLine>, Names), Problem> {
    check_count("lines", lines.len(), MAX_LINES)?;
    let by_sku = lines.iter().map(|line| line.sku.is_some()).collect();
    let parsed = lines.into_iter().enumerate().map(|(index, line)| {
        let wanted = match (line.product_id, line.sku) {
            (Some(id), None) => Wanted::Product(id),
            (None, Some(sku)) => Wanted::Sku(sku),
            _ => {
                let rule = "must have either productId or sku";
                return Err(Problem::invalid(format!("lines[{index}]"), "invalid", rule));
            }
        };
        Ok(RequestLine {
            wanted,
            quantity: line.quantity,
            negotiated_price: line.unit_price,
        })
    });
    Ok((parsed.collect::<Result<_, _>>()?, Names::Lines(by_sku)))
}

/// A repetition is a quantity; products keep the order in which they first appear.
fn by_ids(ids: &[ProductId]) -> Result<(Vec<RequestLine>, Names), Problem> {
    check_count("productIds", ids.len(), MAX_IDS)?;
    let mut lines: Vec<(ProductId, Quantity)> = Vec::new();
    let mut places = Vec::new();
    for (place, id) in ids.iter().enumerate() {
        match lines.iter_mut().find(|(known, _)| known == id) {
            Some((_, quantity)) => {
                *quantity = quantity
                    .plus(Quantity::ONE)
                    .map_err(|_| Problem::invalid("productIds", "too_many", TOO_MANY))?;
            }
            None => {
                lines.push((*id, Quantity::ONE));
                places.push(place);
            }
        }
    }
    let line = |(id, quantity)| RequestLine {
        wanted: Wanted::Product(id),
        quantity,
        negotiated_price: None,
    };
    Ok((
        lines.into_iter().map(line).collect(),
        Names::ProductIds(places),
    ))
}

fn check_count(field: &'static str, count: usize, max: usize) -> Result<(), Problem> {
    if (1..=max).contains(&count) {
        return Ok(());
    }
    Err(Problem::invalid(
        field,
        "count",
        format!("must have 1 to {max} entries, not {count}"),
    ))
}

/// A provider's token. Digits alone could be a card number, which must not come near us
/// (PCI DSS v4.0.1, SAQ A).
fn is_token(token: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=128).contains(&token.len())
        && token.bytes().all(allowed)
        && token.bytes().filter(u8::is_ascii_digit).count() < token.len().min(13)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Access;

    fn parsed(payment: &str, card_provider: Option<&'static str>) -> Result<Parsed, Problem> {
        let body = serde_json::json!({
            "productIds": [1], "address": "123 Demo St", "payment": payment, "shipping": "std",
        });
        let body = serde_json::from_value(body).unwrap();
        let user = UserId::try_from(2).unwrap();
        let caller = Caller::Anonymous(Access::Open);
        parse(body, user, &caller, Currency::USD, card_provider, None)
    }

    #[test]
    fn a_shop_without_a_card_provider_accepts_no_cards() {
        assert!(parsed("card", Some("test")).is_ok());
        assert!(parsed("cod", None).is_ok());
        let refused = parsed("card", None).unwrap_err().to_json();
        assert_eq!(refused["errors"][0]["field"], "payment");
        assert_eq!(refused["status"], 422);
    }
}
