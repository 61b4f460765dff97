//! Answers to order writes that may have to ask a payment provider in between.
//!
//! The first transaction commits the effect and what the provider has to be asked; its key stays
//! unanswered. The second writes what the provider said and the answer. Whatever dies between the
//! two, a repeat of the request goes on where it stopped.

use db::idempotency::{self, RequestKey};
use diesel::{PgConnection, QueryResult};
use domain::PaymentOperationId;
use ordering::Order;
use ordering::payments::Operation;

use super::order_refusals::{declined, not_settled};
use crate::http::{Answer, Problem, observe};
use crate::state::State;
use crate::workflows::settling::{SettleError, settle};

/// What the first transaction came to.
pub enum First {
    Answered(Answer),
    /// The effect is committed; this is still to be settled.
    Unsettled(PaymentOperationId),
}

impl First {
    /// Leaves the key unanswered until `operation` is settled.
    pub fn unsettled(
        conn: &mut PgConnection,
        key: Option<&RequestKey>,
        operation: PaymentOperationId,
    ) -> QueryResult<Self> {
        if let Some(key) = key {
            idempotency::store_unanswered(conn, key, operation.get())?;
        }
        Ok(Self::Unsettled(operation))
    }

    /// Settles what is open, and answers with `render`; or with a refusal when the customer's money
    /// could not be had. That is remembered too: the request had an effect.
    ///
    /// What the operation came to decides, not the order's present state: by the time of a repeat
    /// the order may have moved on.
    pub async fn complete(
        self,
        state: &State,
        key: Option<RequestKey>,
        render: impl FnOnce(&Order) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<Answer, Problem> {
        let operation = match self {
            Self::Answered(answer) => return Ok(answer),
            Self::Unsettled(operation) => operation,
        };
        let request_id = observe::current_request_id();
        let answer = move |conn: &mut PgConnection, order: &Order, operation: &Operation| {
            let answer = if operation.has_failed() && operation.takes_money() {
                let reason = operation.failure.as_deref().unwrap_or("declined");
                Err(declined(order.id, order.status, reason))
            } else {
                render(order)
            };
            let answer =
                answer.unwrap_or_else(|refusal| Answer::refusal(&refusal.in_request(request_id)));
            answer
                .remember(conn, key.as_ref())
                .map_err(SettleError::from)
        };
        settle(&state.db, &state.providers, operation, answer)
            .await
            .map_err(not_settled)
    }
}
