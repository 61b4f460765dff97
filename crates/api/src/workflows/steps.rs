//! Orders move on, or are cancelled.

use catalog::stock::held::Held;
use catalog::stock::{Change, StockError};
use diesel::PgConnection;
use domain::{
    OrderId, OrderStatus, PaymentOperationId, PaymentOperationKind, PaymentStatus, UserId,
};
use ordering::lifecycle::{self, Locked, StepError};
use ordering::{Order, orders, payments};

/// What a step came to.
#[derive(Debug)]
pub enum Step {
    /// It is done, and the provider need not be asked.
    Done(Box<Order>),
    /// The provider has to be asked after COMMIT; [`settling`](super::settling) does the rest.
    Ask(PaymentOperationId),
}

/// Why an order did not move. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("no such order")]
    NotFound,
    #[error(transparent)]
    Forbidden(#[from] domain::ForbiddenTransition),
    /// The provider is being asked about this order's payment right now.
    #[error("the payment is being worked on")]
    PaymentInProgress,
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

impl From<StepError> for MoveError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Forbidden(error) => Self::Forbidden(error),
            StepError::Db(error) => Self::Db(error),
        }
    }
}

/// Moves an order to `to`. The status it already has is no step, and no error.
///
/// `processed` captures an authorised payment first; `inTransit` takes the goods out of stock;
/// `cancelled` returns them and gives the money back. What has no goods is `delivered` right away.
///
/// # Errors
///
/// [`MoveError`]; the transaction is to be rolled back.
pub fn move_to(
    conn: &mut PgConnection,
    id: OrderId,
    to: OrderStatus,
    actor: Option<UserId>,
) -> Result<Step, MoveError> {
    let locked = lifecycle::lock(conn, id)?.ok_or(MoveError::NotFound)?;
    if locked.status == to {
        return arrived(conn, &locked, actor);
    }
    locked.status.transition(to, locked.is_sent)?;
    if locked.payment_pending && to != OrderStatus::Cancelled {
        return Err(MoveError::PaymentInProgress);
    }
    match to {
        OrderStatus::Cancelled => cancel(conn, &locked, actor, "cancelled on request"),
        OrderStatus::Processed if locked.payment_status == PaymentStatus::Authorised => {
            start(conn, &locked, PaymentOperationKind::Capture, actor)
        }
        OrderStatus::InTransit => {
            lifecycle::step(conn, &locked, to, actor, None)?;
            move_stock(conn, id, Held::shipped, "order_shipped", actor)?;
            done(conn, id)
        }
        _ => {
            lifecycle::step(conn, &locked, to, actor, None)?;
            done(conn, id)
        }
    }
}

/// Cancels an order that nobody paid. Returns `None`, and writes nothing, when it is not one any
/// more: what counts is what it is like under its lock.
///
/// # Errors
///
/// [`MoveError`]; the transaction is to be rolled back.
pub fn expire(conn: &mut PgConnection, id: OrderId) -> Result<Option<Step>, MoveError> {
    let locked = lifecycle::lock(conn, id)?.ok_or(MoveError::NotFound)?;
    match (locked.status, locked.payment_status) {
        (OrderStatus::Ordered, PaymentStatus::Pending) => {
            cancel(conn, &locked, None, "not paid in time").map(Some)
        }
        _ => Ok(None),
    }
}

/// A cancelled order whose money is still on its way back, or was refused to be given back, is not
/// done yet: whoever asks again has it asked for again. Of what was to be taken and may not have been, whoever cancels waits for
/// nothing: [`settling`](super::settling) gives it back.
fn arrived(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Option<UserId>,
) -> Result<Step, MoveError> {
    match (locked.status, locked.payment_pending) {
        (OrderStatus::Cancelled, true) => match payments::find_latest(conn, locked.id)? {
            Some(operation) if !operation.takes_money() => Ok(Step::Ask(operation.id)),
            _ => done(conn, locked.id),
        },
        (OrderStatus::Cancelled, false) => give_back(conn, locked, actor),
        _ => done(conn, locked.id),
    }
}

/// Cancels at once, whatever the provider is being asked: if it still takes the money,
/// [`settling`](super::settling) gives it back.
fn cancel(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Option<UserId>,
    why: &str,
) -> Result<Step, MoveError> {
    lifecycle::step(conn, locked, OrderStatus::Cancelled, actor, Some(why))?;
    let step = if locked.payment_pending {
        done(conn, locked.id)?
    } else {
        give_back(conn, locked, actor)?
    };
    move_stock(conn, locked.id, Held::returned, "order_cancelled", actor)?;
    if db::faults::mutant("double_return")
        && let Some(order) = orders::find(conn, locked.id)?
    {
        let _ = super::return_blindly(conn, &order, actor);
    }
    Ok(step)
}

fn give_back(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Option<UserId>,
) -> Result<Step, MoveError> {
    match return_of(locked.payment_status) {
        Some(kind) => start(conn, locked, kind, actor),
        None => done(conn, locked.id),
    }
}

/// How money in this state is given back.
pub(super) fn return_of(status: PaymentStatus) -> Option<PaymentOperationKind> {
    match status {
        PaymentStatus::Authorised => Some(PaymentOperationKind::Void),
        PaymentStatus::Captured => Some(PaymentOperationKind::Refund),
        _ => None,
    }
}

fn start(
    conn: &mut PgConnection,
    locked: &Locked,
    kind: PaymentOperationKind,
    actor: Option<UserId>,
) -> Result<Step, MoveError> {
    let payment = locked.payment_id().ok_or(MoveError::NotFound)?;
    Ok(Step::Ask(payments::start(conn, payment, kind, actor)?))
}

fn move_stock(
    conn: &mut PgConnection,
    id: OrderId,
    how: fn(Held) -> Change,
    reason: &'static str,
    actor: Option<UserId>,
) -> Result<(), MoveError> {
    super::release_stock(conn, id, how, reason, actor).map_err(|error| match error {
        StockError::Db(error) => MoveError::Db(error),
        other => MoveError::Stock(other),
    })
}

fn done(conn: &mut PgConnection, id: OrderId) -> Result<Step, MoveError> {
    orders::find(conn, id)?
        .map(|order| Step::Done(Box::new(order)))
        .ok_or(MoveError::NotFound)
}
