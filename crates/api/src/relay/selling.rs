//! Counts what sells, in the transaction of the consumer's position: each order once.

use std::sync::Arc;

use db::consumers::Start;

use super::{Consumer, Effect};
use crate::workflows::selling;

/// What was ordered before a release that counts is counted too, as far as the log goes back.
pub(super) const REGISTRATION: (&str, Start) = (selling::CONSUMER, Start::Beginning);

pub(super) fn consumer() -> Consumer {
    let (name, start) = REGISTRATION;
    Consumer {
        name,
        start,
        passes_over: &["payment.changed", "product.changed", "user.registered"],
        lease: super::LEASE,
        effect: Effect::InTransaction(Arc::new(|conn, events| {
            selling::count(conn, events)?;
            Ok(())
        })),
    }
}
