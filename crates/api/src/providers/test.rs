//! The built-in provider for trying things out: moves no money and needs no account.
//!
//! It decides by the operation alone, so the same question always has the same answer, on every
//! replica and after every crash: what a real provider reaches with idempotency keys.

use domain::PaymentOperationKind;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use ordering::payments::{Operation, Outcome};

use super::{PaymentProvider, Unreachable};

/// What payments remember it by.
pub const NAME: &str = "test";
/// An authorisation of exactly this many minor units is declined.
pub const DECLINED_AMOUNT: i64 = 66_601;
/// An authorisation of exactly this many minor units is never answered.
pub const UNREACHABLE_AMOUNT: i64 = 66_602;

/// See the module.
pub struct TestProvider;

impl PaymentProvider for TestProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn perform<'a>(
        &'a self,
        operation: &'a Operation,
    ) -> BoxFuture<'a, Result<Outcome, Unreachable>> {
        let answer = match operation.kind {
            PaymentOperationKind::Authorise => authorise(operation),
            _ => Ok(Outcome::Succeeded {
                provider_reference: None,
            }),
        };
        ready(answer).boxed()
    }
}

fn authorise(operation: &Operation) -> Result<Outcome, Unreachable> {
    let declined = |reason: &str| {
        Ok(Outcome::Declined {
            reason: reason.into(),
        })
    };
    match (operation.token.as_deref(), operation.amount().minor()) {
        (Some("tok_error"), _) | (_, UNREACHABLE_AMOUNT) => Err(Unreachable {
            provider: NAME,
            reason: "scripted to be away".into(),
        }),
        (Some("tok_declined"), _) | (_, DECLINED_AMOUNT) => declined("card declined"),
        (None | Some("tok_ok"), _) => Ok(Outcome::Succeeded {
            provider_reference: Some(format!("test-{}", operation.id)),
        }),
        (Some(_), _) => declined("unknown payment token"),
    }
}
