//! Why an order is not placed or does not move, as HTTP has it.

use actix_web::http::StatusCode;
use db::DbError;
use domain::{ForbiddenTransition, OrderId, OrderStatus, PricingError};

use super::users;
use crate::http::{Problem, idempotency};
use crate::workflows::placing::PlaceError;
use crate::workflows::placing::queue::QueueError;
use crate::workflows::settling::SettleError;
use crate::workflows::steps::MoveError;

/// Names the line a request had at an index: `lines[3].sku` or `productIds[3]`.
pub type FieldOf<'f> = &'f dyn Fn(usize) -> String;

/// Why a request has no order.
pub fn not_queued(error: QueueError, field: FieldOf<'_>) -> Problem {
    match error {
        QueueError::Full => busy(),
        QueueError::Refused(error) => not_placed(error, field),
        QueueError::Db(error) => error.into(),
    }
}

/// 503: nothing happened, and it is worth coming back.
fn busy() -> Problem {
    Problem::unavailable("busy", "Too much is going on right now").retry_after(1)
}

/// Why an order was not placed.
pub fn not_placed(error: PlaceError, field: FieldOf<'_>) -> Problem {
    match error {
        PlaceError::UnknownProducts(lines) => lines.into_iter().fold(
            Problem::unprocessable("unknown_product", "A line names no product on sale"),
            |problem, line| problem.field(field(line), "unknown", "names no product on sale"),
        ),
        PlaceError::NoPrice { line, currency } => {
            Problem::unprocessable("no_price", "The lines have no common currency").field(
                field(line),
                "no_price",
                format!("has no price in {currency}; order it apart or ask for another currency"),
            )
        }
        PlaceError::OutOfStock(short) => short.into_iter().fold(
            Problem::conflict("out_of_stock", "Not enough stock"),
            |problem, short| {
                let left = format!("{} of `{}` are available", short.available, short.sku);
                problem.field(field(short.line), "out_of_stock", left)
            },
        ),
        PlaceError::Pricing(error) => not_priced(&error, field),
        error @ PlaceError::UnknownShipping { .. } => {
            Problem::invalid("shipping", "unknown", error.to_string())
        }
        error @ PlaceError::NoShippingRate(_) => {
            Problem::invalid("shipping", "no_rate", error.to_string())
        }
        PlaceError::CustomerNotFound => users::not_found(),
        PlaceError::KeyReused => idempotency::reused(),
        PlaceError::KeyBusy => idempotency::in_progress(),
        PlaceError::NoHold => Problem::unprocessable("unknown_hold", "The hold does not exist")
            .field("holdId", "unknown", "there is no such hold"),
        PlaceError::HoldOver => hold_over().field("holdId", "over", "keeps nothing any more"),
        PlaceError::Late | PlaceError::Unsteady => busy(),
        PlaceError::Db(error) => error.into(),
    }
}

/// 409: it was released, has expired or became an order.
pub fn hold_over() -> Problem {
    Problem::conflict("hold_over", "The hold is over")
        .detail("make another one, or order without it")
}

fn not_priced(error: &PricingError, field: FieldOf<'_>) -> Problem {
    let message = error.to_string();
    match error {
        PricingError::CurrencyMismatch { line, .. } | PricingError::NegativePrice { line } => {
            Problem::invalid(
                format!("{}.unitPrice", parent(&field(*line))),
                "invalid",
                message,
            )
        }
        PricingError::Overflow => {
            Problem::invalid("lines", "too_large", "come to more than an order can hold")
        }
        _ => Problem::invalid("lines", "invalid", message),
    }
}

/// `lines[3]` of `lines[3].sku`.
fn parent(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}

/// Why an order did not move.
pub fn not_moved(error: MoveError) -> Problem {
    match error {
        MoveError::NotFound => not_found(),
        MoveError::Forbidden(error) => forbidden(error),
        MoveError::PaymentInProgress => {
            Problem::conflict("payment_in_progress", "The payment is being worked on")
                .retry_after(1)
        }
        MoveError::Stock(error) => {
            Problem::conflict("stock_conflict", "The stock does not allow it")
                .detail(error.to_string())
        }
        MoveError::Db(error) => error.into(),
    }
}

fn forbidden(error: ForbiddenTransition) -> Problem {
    let allowed: Vec<&str> = error.allowed().iter().map(|status| status.code()).collect();
    Problem::conflict("invalid_transition", "The order cannot take this step")
        .detail(error.to_string())
        .with("from", error.from.code())
        .with("allowed", allowed)
}

/// Why a payment could not be settled.
pub fn not_settled(error: SettleError) -> Problem {
    match error {
        SettleError::NotFound => not_found(),
        SettleError::Unreachable(reason) => {
            log::warn!(reason = reason.as_str(); "payment provider unreachable");
            unsettled("The payment provider cannot be reached")
        }
        // It is not `busy`, which says that nothing happened.
        SettleError::Db(error @ (DbError::Busy(_) | DbError::Unavailable(_))) => {
            log::warn!(error:% = error; "a payment is settled later");
            unsettled("The payment is still to be settled")
        }
        SettleError::Db(error) => error.into(),
    }
}

/// 503: the order was placed, or has moved, and its payment follows.
fn unsettled(title: &'static str) -> Problem {
    Problem::unavailable("payment_unavailable", title).detail(
        "nothing is lost, and the payment is settled by itself: send the same request with the same key again to hear of it",
    )
}

/// 402, with what became of the order.
pub fn declined(order: OrderId, status: OrderStatus, reason: &str) -> Problem {
    Problem::new(
        StatusCode::PAYMENT_REQUIRED,
        "payment_declined",
        "The payment was declined",
    )
    .detail(reason)
    .with("orderId", order.get())
    .with("orderStatus", status.code())
}

/// 404, also for orders of others.
pub fn not_found() -> Problem {
    Problem::not_found("order_not_found", "There is no such order")
}
