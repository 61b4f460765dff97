//! Advancing and cancelling over HTTP: at most once per key, whatever happens in between.

use db::idempotency::{self as keys, Claim, RequestKey};
use diesel::{Connection, PgConnection};
use domain::{OrderId, OrderStatus, PaymentOperationId};
use ordering::Order;

use super::order_refusals::{declined, not_moved, not_settled};
use super::orders::find_order_for;
use crate::http::{Answer, Caller, Problem, idempotency, observe};
use crate::state::State;
use crate::workflows::settling::settle;
use crate::workflows::steps::{self, Step};

enum First {
    Answered(Answer),
    Unsettled(PaymentOperationId),
}

/// Moves an order to `to` and answers with `render` once it is there.
pub async fn take(
    state: &State,
    caller: Caller,
    key: Option<RequestKey>,
    id: OrderId,
    to: OrderStatus,
    render: fn(&Order) -> Answer,
) -> Result<Answer, Problem> {
    let first_key = key.clone();
    let first = state
        .db
        .run(move |conn| {
            conn.transaction(|conn| first_step(conn, &caller, first_key.as_ref(), id, to, render))
        })
        .await?;
    let operation = match first {
        First::Answered(answer) => return Ok(answer),
        First::Unsettled(operation) => operation,
    };
    let request_id = observe::current_request_id();
    settle(
        &state.db,
        &state.providers,
        operation,
        move |conn, order, operation| {
            let answer = if order.status == to {
                render(order)
            } else {
                let reason = operation.failure.as_deref().unwrap_or("declined");
                Answer::refusal(&declined(order.id, order.status, reason).in_request(request_id))
            };
            if let Some(key) = &key {
                keys::store(conn, key, answer.stored())?;
            }
            Ok(answer)
        },
    )
    .await
    .map_err(not_settled)
}

fn first_step(
    conn: &mut PgConnection,
    caller: &Caller,
    key: Option<&RequestKey>,
    id: OrderId,
    to: OrderStatus,
    render: fn(&Order) -> Answer,
) -> Result<First, Problem> {
    if let Some(key) = key {
        match keys::claim(conn, key)? {
            Claim::Fresh => {}
            Claim::Answered(stored) => return Ok(First::Answered(Answer::replay(stored))),
            Claim::Reused => return Err(idempotency::reused()),
            Claim::Busy => return Err(idempotency::in_progress()),
            Claim::Unanswered { resource_id } => {
                let operation = resource_id.try_into().map_err(|_| Problem::internal())?;
                return Ok(First::Unsettled(operation));
            }
        }
    }
    find_order_for(conn, caller, id)?;
    match steps::move_to(conn, id, to, caller.id()).map_err(not_moved)? {
        Step::Done(order) => {
            let answer = render(&order);
            if let Some(key) = key {
                keys::store(conn, key, answer.stored())?;
            }
            Ok(First::Answered(answer))
        }
        Step::Ask(operation) => {
            if let Some(key) = key {
                keys::store_unanswered(conn, key, operation.get())?;
            }
            Ok(First::Unsettled(operation))
        }
    }
}
