//! What a payment provider says becomes true.
//!
//! An operation was committed before; here the provider is asked, without a transaction, and its
//! answer is written in one. Any replica may do this for any operation at any time, also twice and
//! at once: the provider acts once per operation, and only the first answer is written.

use std::time::Duration;

use catalog::stock::StockError;
use catalog::stock::held::Held;
use db::{Db, DbError, faults};
use diesel::{Connection, PgConnection};
use domain::{OrderStatus, PaymentOperationId, PaymentOperationKind, PaymentStatus};
use ordering::lifecycle::{self, StepError};
use ordering::payments::{self, Operation, Outcome};
use ordering::{Order, orders};

use crate::providers::Providers;

/// How long a provider may take before its answer counts as unknown.
const PROVIDER_DEADLINE: Duration = Duration::from_secs(2);

/// Why an operation is still unfinished.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("no such payment operation")]
    NotFound,
    #[error("the payment provider cannot be reached: {0}")]
    Unreachable(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for SettleError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Brings an operation to its end, and runs `then` with the order in the same transaction. An
/// operation that follows from it is brought to its end too.
///
/// # Errors
///
/// [`SettleError`]; the operation stays as it is and may be settled again.
pub async fn settle<T, F>(
    db: &Db,
    providers: &Providers,
    id: PaymentOperationId,
    then: F,
) -> Result<T, SettleError>
where
    T: Send + 'static,
    F: FnOnce(&mut PgConnection, &Order, &Operation) -> Result<T, SettleError> + Send + 'static,
{
    let (result, mut next) = settle_one(db, providers, id, then).await?;
    while let Some(id) = next {
        next = match settle_one(db, providers, id, |_, _, _| Ok(())).await {
            Ok(((), next)) => next,
            Err(error) => {
                log::warn!(operation:% = id, error:% = error; "left to be settled later");
                None
            }
        };
    }
    Ok(result)
}

/// One operation, and the one that follows from it.
async fn settle_one<T, F>(
    db: &Db,
    providers: &Providers,
    id: PaymentOperationId,
    then: F,
) -> Result<(T, Option<PaymentOperationId>), SettleError>
where
    T: Send + 'static,
    F: FnOnce(&mut PgConnection, &Order, &Operation) -> Result<T, SettleError> + Send + 'static,
{
    let operation = db
        .run(move |conn| payments::find(conn, id).map_err(SettleError::from))
        .await?
        .ok_or(SettleError::NotFound)?;
    let outcome = if operation.is_pending() {
        Some(ask(providers, &operation).await?)
    } else {
        None
    };
    if faults::mutant("settled_twice") {
        tokio::time::sleep(Duration::from_millis(200)).await; // for the other one to come
    }
    db.run(move |conn| conn.transaction(|conn| finish(conn, id, outcome.as_ref(), then)))
        .await
}

async fn ask(providers: &Providers, operation: &Operation) -> Result<Outcome, SettleError> {
    let provider = providers.find(&operation.provider).ok_or_else(|| {
        SettleError::Unreachable(format!("`{}` is not set up", operation.provider))
    })?;
    faults::point("before_provider_call");
    let answer = tokio::time::timeout(PROVIDER_DEADLINE, provider.perform(operation)).await;
    faults::point("after_provider_call");
    match answer {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => Err(SettleError::Unreachable(error.to_string())),
        Err(_) => Err(SettleError::Unreachable("no answer in time".into())),
    }
}

fn finish<T>(
    conn: &mut PgConnection,
    id: PaymentOperationId,
    outcome: Option<&Outcome>,
    then: impl FnOnce(&mut PgConnection, &Order, &Operation) -> Result<T, SettleError>,
) -> Result<(T, Option<PaymentOperationId>), SettleError> {
    let operation = payments::find(conn, id)?.ok_or(SettleError::NotFound)?;
    let locked = lifecycle::lock(conn, operation.order_id)?.ok_or(SettleError::NotFound)?;
    let mut next = None;
    if let Some(outcome) = outcome
        && let Some(status) = payments::finish(conn, &operation, locked.payment_status, outcome)?
    {
        next = follow(conn, &locked, &operation, status)?;
    } else if matches!(outcome, Some(Outcome::Declined { .. }))
        && faults::mutant("settled_twice")
        && let Some(order) = orders::find(conn, operation.order_id)?
    {
        let _ = super::return_blindly(conn, &order, operation.actor());
    }
    // Read again: somebody else may have finished it while we waited for the lock.
    let operation = payments::find(conn, id)?.ok_or(SettleError::NotFound)?;
    let order = orders::find(conn, operation.order_id)?.ok_or(SettleError::NotFound)?;
    Ok((then(conn, &order, &operation)?, next))
}

/// What a payment's new status means for its order, and what has to be asked next.
fn follow(
    conn: &mut PgConnection,
    order: &lifecycle::Locked,
    operation: &Operation,
    status: PaymentStatus,
) -> Result<Option<PaymentOperationId>, SettleError> {
    if order.status == OrderStatus::Cancelled {
        return give_back(conn, operation, status);
    }
    let step = match (operation.kind, status) {
        (PaymentOperationKind::Authorise, PaymentStatus::Failed) => OrderStatus::Cancelled,
        (PaymentOperationKind::Capture, PaymentStatus::Captured) => OrderStatus::Processed,
        _ => return Ok(None),
    };
    let note = (step == OrderStatus::Cancelled).then_some("payment declined");
    lifecycle::step(conn, order, step, operation.actor(), note).map_err(|error| match error {
        StepError::Db(error) => SettleError::from(error),
        // One pending operation per payment and the order's lock leave no other way here.
        StepError::Forbidden(error) => {
            SettleError::from(diesel::result::Error::QueryBuilderError(error.into()))
        }
    })?;
    if step == OrderStatus::Cancelled {
        return_stock(conn, operation)?;
    }
    Ok(None)
}

/// The order was cancelled while the provider was being asked: what it took goes back.
fn give_back(
    conn: &mut PgConnection,
    operation: &Operation,
    status: PaymentStatus,
) -> Result<Option<PaymentOperationId>, SettleError> {
    match super::steps::return_of(status) {
        Some(kind) if operation.takes_money() => {
            let (payment, actor) = (operation.payment_id, operation.actor());
            Ok(Some(payments::start(conn, payment, kind, actor)?))
        }
        _ => Ok(None),
    }
}

fn return_stock(conn: &mut PgConnection, operation: &Operation) -> Result<(), SettleError> {
    let (order, actor) = (operation.order_id, operation.actor());
    super::release_stock(conn, order, Held::returned, "payment_declined", actor).map_err(|error| {
        match error {
            StockError::Db(error) => error.into(),
            other => diesel::result::Error::QueryBuilderError(other.into()).into(),
        }
    })
}
