//! Advancing and cancelling over HTTP: at most once per key, whatever happens in between.

use db::idempotency::RequestKey;
use diesel::{Connection, PgConnection};
use domain::{ForbiddenTransition, OrderId, OrderStatus, Permission};
use ordering::Order;

use super::order_answers::First;
use super::order_refusals::not_moved;
use super::orders::find_order_for;
use crate::http::idempotency::{self, Claimed};
use crate::http::{Answer, Caller, Problem};
use crate::state::State;
use crate::workflows::steps::{self, Step};

/// Moves an order to `to` and answers with `render` once it is there.
pub async fn take(
    state: &State,
    caller: Caller,
    key: Option<RequestKey>,
    id: OrderId,
    to: OrderStatus,
    render: impl Fn(&Order) -> Answer + Copy + Send + 'static,
) -> Result<Answer, Problem> {
    let first_key = key.clone();
    let step = move |conn: &mut PgConnection| {
        conn.transaction(|conn| first_step(conn, &caller, first_key.as_ref(), id, to, render))
    };
    let first = state.db.run(step).await?;
    let answer = move |order: &Order| match (order.status, to) {
        // Somebody cancelled it while the provider was being asked.
        (from @ OrderStatus::Cancelled, to) if to != from => Err(not_moved(
            ForbiddenTransition {
                from,
                to,
                is_sent: true,
            }
            .into(),
        )),
        _ => Ok(render(order)),
    };
    first.complete(state, key, answer).await
}

fn first_step(
    conn: &mut PgConnection,
    caller: &Caller,
    key: Option<&RequestKey>,
    id: OrderId,
    to: OrderStatus,
    render: impl Fn(&Order) -> Answer + Copy + Send + 'static,
) -> Result<First, Problem> {
    // Before the key: what is not the caller's stays hidden, also where an answer is stored.
    find_order_for(conn, caller, id, Permission::OrderWrite)?;
    match idempotency::claim(conn, key)? {
        Claimed::Fresh => {}
        Claimed::Answered(answer) => return Ok(First::Answered(answer)),
        Claimed::Unsettled(operation) => return Ok(First::Unsettled(operation)),
    }
    match steps::move_to(conn, id, to, caller.id()).map_err(not_moved)? {
        Step::Done(order) => Ok(First::Answered(render(&order).remember(conn, key)?)),
        Step::Ask(operation) => Ok(First::unsettled(conn, key, operation)?),
    }
}
