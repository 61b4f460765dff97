//! Counts what sells, in the transaction of the consumer's position: each order once.

use std::sync::Arc;
use std::time::Duration;

use db::consumers::Start;

use super::{Consumer, Effect, Reading};
use crate::workflows::selling;

/// What sold several times meanwhile is counted at once: in a shop that sells much, to move a product among those that are sorted costs more
/// than to read of its orders.
const READING: Reading = Reading {
    look_every: Duration::from_secs(5),
    batch: 1_000,
    with_payloads: false,
};

/// What was ordered before a release that counts is counted too, as far as the log goes back.
pub(super) const REGISTRATION: (&str, Start) = (selling::CONSUMER, Start::Beginning);

pub(super) fn consumer() -> Consumer {
    let (name, start) = REGISTRATION;
    Consumer {
        name,
        start,
        passes_over: &["payment.changed", "product.changed", "user.registered"],
        lease: super::LEASE,
        reading: READING,
        effect: Effect::InTransaction(Arc::new(|conn, events| {
            selling::count(conn, events)?;
            Ok(())
        })),
    }
}
