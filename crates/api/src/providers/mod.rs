//! Payment providers.
//!
//! A provider does each operation at most once per idempotency key, however often it is asked. It
//! is never called while a transaction is open.

pub mod test;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ordering::payments::{Operation, Outcome};

use crate::config::CardProvider;

/// Somebody who moves money.
pub trait PaymentProvider: Send + Sync {
    /// The name that payments remember it by.
    fn name(&self) -> &'static str;

    /// Authorises, captures, voids or refunds, at most once per
    /// [`Operation::idempotency_key`].
    ///
    /// A refusal is an [`Outcome`]; an error means that the outcome is unknown and may be asked
    /// for again.
    fn perform<'a>(
        &'a self,
        operation: &'a Operation,
    ) -> BoxFuture<'a, Result<Outcome, Unreachable>>;
}

/// The provider did not answer; whether it did what it was asked is unknown.
#[derive(Debug, thiserror::Error)]
#[error("payment provider `{provider}` cannot be reached: {reason}")]
pub struct Unreachable {
    pub provider: &'static str,
    pub reason: String,
}

/// The providers of this shop.
#[derive(Clone)]
pub struct Providers {
    known: Vec<Arc<dyn PaymentProvider>>,
    /// Whether, and by whom, new card payments are taken.
    cards: CardProvider,
}

impl Providers {
    /// All providers there are, and the one that takes new card payments.
    #[must_use]
    pub fn new(cards: CardProvider) -> Self {
        Self {
            known: vec![Arc::new(test::TestProvider)],
            cards,
        }
    }

    /// The name of the provider for new card payments; `None` when cards are not accepted.
    #[must_use]
    pub fn for_cards(&self) -> Option<&'static str> {
        match self.cards {
            CardProvider::Test => Some(test::NAME),
            CardProvider::None => None,
        }
    }

    /// The provider that holds an existing payment.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<dyn PaymentProvider>> {
        self.known.iter().find(|provider| provider.name() == name)
    }
}
