//! Placing an order over HTTP: at most once per key, whatever happens in between.

use db::idempotency::RequestKey;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{Connection, PgConnection};
use ordering::{Order, orders};

use super::order_answers::First;
use super::order_bodies::OrderBody;
use super::order_refusals::not_placed;
use super::order_requests::Parsed;
use super::orders::find_user_for;
use crate::http::idempotency::{self, Claimed};
use crate::http::{Answer, Caller, Problem};
use crate::state::State;
use crate::workflows::placing::{self, PlaceError};

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
            let key = first_key.as_ref();
            let first = conn.transaction(|conn| first_step(conn, &caller, &parsed, key));
            match (first, key) {
                (Ok(first), _) => Ok(first),
                (Err(Refusal::Problem(problem)), _) => Err(problem),
                (Err(Refusal::NotPlaced(problem)), Some(key)) => {
                    placed_long_ago(conn, key)?.ok_or(problem)
                }
                (Err(Refusal::NotPlaced(problem)), None) => Err(problem),
            }
        })
        .await?;
    first.complete(state, key, |order| Ok(created(order))).await
}

enum Refusal {
    Problem(Problem),
    /// The order cannot be placed, perhaps because it was long ago: a key's answer is pruned some
    /// day, but its order remembers it.
    NotPlaced(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
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
    // Before the key: what is not the caller's stays hidden, also where an answer is stored.
    find_user_for(conn, caller, parsed.request.user_id)?;
    match idempotency::claim(conn, key)? {
        Claimed::Fresh => {}
        Claimed::Answered(answer) => return Ok(First::Answered(answer)),
        Claimed::Unsettled(operation) => return Ok(First::Unsettled(operation)),
    }
    let refuse = |error| match error {
        PlaceError::Db(error) if !is_key_of_an_order(&error) => Refusal::from(error),
        error => Refusal::NotPlaced(not_placed(error, &|line| parsed.field(line))),
    };
    let (order, operation) = placing::write(conn, parsed.request.clone(), key).map_err(refuse)?;
    let first = match operation {
        Some(operation) => First::unsettled(conn, key, operation)?,
        None => First::Answered(created(&order).remember(conn, key)?),
    };
    // Last, because the stock of what others buy too stays locked until COMMIT.
    placing::take_stock(conn, &order, caller.id()).map_err(refuse)?;
    Ok(first)
}

fn is_key_of_an_order(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
        if info.constraint_name() == Some("orders_request_key"))
}

/// 200 with the order that a very late repeat finds.
fn placed_long_ago(conn: &mut PgConnection, key: &RequestKey) -> Result<Option<First>, Problem> {
    let Some((id, fingerprint)) = orders::find_by_request(conn, &key.scope, &key.key)? else {
        return Ok(None);
    };
    if fingerprint.as_deref() != Some(&key.fingerprint[..]) {
        return Err(idempotency::reused());
    }
    let order = orders::find(conn, id)?.ok_or_else(Problem::internal)?;
    Ok(Some(First::Answered(Answer::ok(&OrderBody::new(&order)))))
}

fn created(order: &Order) -> Answer {
    Answer::created(format!("/api/orders/{}", order.id), &OrderBody::new(order))
}
