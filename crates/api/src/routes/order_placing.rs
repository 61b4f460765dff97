//! Placing an order over HTTP: at most once per key, whatever happens in between.

use db::idempotency::{self as keys, Claim, RequestKey};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{Connection, PgConnection};
use domain::{PaymentOperationId, PaymentStatus};
use ordering::payments::Operation;
use ordering::{Order, orders};

use super::order_bodies::OrderBody;
use super::order_refusals::{declined, not_placed, not_settled};
use super::order_requests::Parsed;
use super::orders::find_user_for;
use crate::http::{Answer, Caller, Problem, idempotency, observe};
use crate::state::State;
use crate::workflows::placing::{self, PlaceError};
use crate::workflows::settling::settle;

/// What the first transaction came to.
enum First {
    Answered(Answer),
    /// The order is committed, its payment is not settled.
    Unsettled(PaymentOperationId),
}

/// Places the order and settles its payment.
pub async fn place(
    state: &State,
    caller: Caller,
    parsed: Parsed,
    key: Option<RequestKey>,
) -> Result<Answer, Problem> {
    let first_key = key.clone();
    let first = state
        .db
        .run(move |conn| {
            let result =
                conn.transaction(|conn| first_step(conn, &caller, &parsed, first_key.as_ref()));
            match (result, &first_key) {
                (Err(Refusal::KeyOfAnOrder), Some(key)) => placed_long_ago(conn, key),
                (Err(Refusal::KeyOfAnOrder), None) => Err(Problem::internal()),
                (Err(Refusal::Problem(problem)), _) => Err(*problem),
                (Ok(first), _) => Ok(first),
            }
        })
        .await?;
    match first {
        First::Answered(answer) => Ok(answer),
        First::Unsettled(operation) => finish(state, operation, key).await,
    }
}

enum Refusal {
    Problem(Box<Problem>),
    /// The key's answer is pruned, but an order remembers it.
    KeyOfAnOrder,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<DieselError> for Refusal {
    fn from(error: DieselError) -> Self {
        Problem::from(error).into()
    }
}

fn first_step(
    conn: &mut PgConnection,
    caller: &Caller,
    parsed: &Parsed,
    key: Option<&RequestKey>,
) -> Result<First, Refusal> {
    if let Some(key) = key {
        match keys::claim(conn, key)? {
            Claim::Fresh => {}
            Claim::Answered(stored) => return Ok(First::Answered(Answer::replay(stored))),
            Claim::Reused => return Err(idempotency::reused().into()),
            Claim::Busy => return Err(idempotency::in_progress().into()),
            // Whoever placed the order may have died since. Settling twice at once is harmless.
            Claim::Unanswered { resource_id } => {
                let operation = resource_id.try_into().map_err(|_| Problem::internal())?;
                return Ok(First::Unsettled(operation));
            }
        }
    }
    find_user_for(conn, caller, parsed.request.user_id)?;
    let (order, operation) =
        placing::place(conn, parsed.request.clone(), key).map_err(|error| match error {
            PlaceError::Db(error) if is_key_of_an_order(&error) => Refusal::KeyOfAnOrder,
            error => not_placed(error, &|line| parsed.field(line)).into(),
        })?;
    if let Some(operation) = operation {
        if let Some(key) = key {
            keys::store_unanswered(conn, key, operation.get())?;
        }
        return Ok(First::Unsettled(operation));
    }
    let answer = created(&order);
    if let Some(key) = key {
        keys::store(conn, key, answer.stored())?;
    }
    Ok(First::Answered(answer))
}

fn is_key_of_an_order(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
        if info.constraint_name() == Some("orders_request_key"))
}

/// 200 with the order that a very late repeat finds.
fn placed_long_ago(conn: &mut PgConnection, key: &RequestKey) -> Result<First, Problem> {
    let found = orders::find_by_request(conn, &key.scope, &key.key)?;
    let (id, fingerprint) = found.ok_or_else(Problem::internal)?;
    if fingerprint.as_deref() != Some(&key.fingerprint[..]) {
        return Err(idempotency::reused());
    }
    let order = orders::find(conn, id)?.ok_or_else(Problem::internal)?;
    Ok(First::Answered(Answer::ok(&OrderBody::new(&order))))
}

async fn finish(
    state: &State,
    operation: PaymentOperationId,
    key: Option<RequestKey>,
) -> Result<Answer, Problem> {
    let request_id = observe::current_request_id();
    settle(
        &state.db,
        &state.providers,
        operation,
        move |conn, order, operation| {
            let answer = settled(order, operation, request_id);
            if let Some(key) = &key {
                keys::store(conn, key, answer.stored())?;
            }
            Ok(answer)
        },
    )
    .await
    .map_err(not_settled)
}

fn settled(order: &Order, operation: &Operation, request_id: String) -> Answer {
    match order.payment_status {
        PaymentStatus::Failed => {
            let reason = operation.failure.as_deref().unwrap_or("declined");
            Answer::refusal(&declined(order.id, order.status, reason).in_request(request_id))
        }
        _ => created(order),
    }
}

fn created(order: &Order) -> Answer {
    Answer::created(format!("/api/orders/{}", order.id), &OrderBody::new(order))
}
