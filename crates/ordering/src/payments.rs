//! What was asked of a payment provider, and what came of it.
//!
//! An operation is written before the provider is called and finished afterwards, in two
//! transactions; none is open during the call. Whoever finds it unfinished may ask again: the
//! provider's idempotency key derives from the operation, and only the first finish counts.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use domain::{
    Currency, Event, Money, OrderId, PaymentId, PaymentOperationId, PaymentOperationKind,
    PaymentStatus, UserId,
};

use crate::lifecycle;

/// Something to be asked of a provider.
#[derive(Clone, Debug, Queryable)]
pub struct Operation {
    #[diesel(deserialize_as = i64)]
    pub id: PaymentOperationId,
    #[diesel(deserialize_as = i64)]
    pub payment_id: PaymentId,
    #[diesel(deserialize_as = i64)]
    pub order_id: OrderId,
    #[diesel(deserialize_as = String)]
    pub kind: PaymentOperationKind,
    pub status: String,
    pub provider: String,
    amount_minor: i64,
    #[diesel(deserialize_as = String)]
    currency: Currency,
    /// What the provider is to charge, for an authorisation.
    pub token: Option<String>,
    /// The provider's name for the authorisation, for all that follows it.
    pub provider_reference: Option<String>,
    actor_id: Option<i64>,
    pub failure: Option<String>,
}

impl Operation {
    /// The amount of the payment.
    #[must_use]
    pub fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }

    /// The key under which the provider does it at most once.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("cartwright-payment-operation-{}", self.id)
    }

    /// Whether its outcome is still unknown.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == "pending"
    }

    /// Whether the provider refused it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status == "failed"
    }

    /// Whether it is about getting the money, and not about giving it back.
    #[must_use]
    pub fn takes_money(&self) -> bool {
        use PaymentOperationKind as Kind;
        matches!(self.kind, Kind::Authorise | Kind::Capture)
    }

    /// Who caused it.
    #[must_use]
    pub fn actor(&self) -> Option<UserId> {
        self.actor_id.and_then(|id| id.try_into().ok())
    }
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded { provider_reference: Option<String> },
    Declined { reason: String },
}

type OperationColumns = (
    BigInt,
    BigInt,
    BigInt,
    Text,
    Text,
    Text,
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Text>,
);

macro_rules! select_operations {
    ($rest:literal) => {
        concat!(
            "SELECT x.id, p.id, p.order_id, x.kind, x.status, p.provider, p.amount_minor, p.currency, \
                    p.token, p.provider_reference, x.actor_id, x.failure \
               FROM ordering.payment_operations x JOIN ordering.payments p ON p.id = x.payment_id ",
            $rest
        )
    };
}

db::statement! {
    struct FindOperation { id: i64 => BigInt } -> OperationColumns =
    select_operations!("WHERE x.id = $1")
}

db::statement! {
    struct LatestOperation { order_id: i64 => BigInt } -> OperationColumns =
    select_operations!("WHERE p.order_id = $1 ORDER BY x.id DESC LIMIT 1")
}

db::statement! {
    struct StartOperation {
        payment_id: i64 => BigInt,
        kind: &'static str => Text,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "INSERT INTO ordering.payment_operations (payment_id, kind, actor_id) VALUES ($1, $2, $3) RETURNING id"
}

db::statement! {
    struct FinishOperation {
        id: i64 => BigInt,
        operation_status: &'static str => Text,
        failure: Option<String> => Nullable<Text>,
        payment_status: &'static str => Text,
        provider_reference: Option<String> => Nullable<Text>,
    } -> BigInt =
    "WITH finished AS ( \
       UPDATE ordering.payment_operations SET status = $2, failure = $3, finished_at = now() \
        WHERE id = $1 AND status = 'pending' RETURNING payment_id) \
     UPDATE ordering.payments p \
        SET status = $4, provider_reference = coalesce($5, p.provider_reference), updated_at = now() \
       FROM finished WHERE p.id = finished.payment_id RETURNING p.id"
}

db::statement! {
    /// Materialised, because a subquery that is run again in a join would claim beyond the limit.
    struct ClaimStale { older_than_seconds: i32 => Integer, limit: i64 => BigInt } -> BigInt =
    "WITH stale AS MATERIALIZED ( \
       SELECT id FROM ordering.payment_operations \
        WHERE status = 'pending' AND attempted_at < now() - make_interval(secs => $1) \
        ORDER BY attempted_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
     UPDATE ordering.payment_operations SET attempted_at = now() \
      WHERE id IN (SELECT id FROM stale) RETURNING id"
}

db::statement! {
    /// A payment that is pending has its authorisation pending, and of those there are few.
    struct ListUnpaid { minutes: i32 => Integer, after: i64 => BigInt, limit: i64 => BigInt } -> BigInt =
    "SELECT o.id FROM ordering.payment_operations x \
       JOIN ordering.payments p ON p.id = x.payment_id AND p.status = 'pending' \
       JOIN ordering.orders o ON o.id = p.order_id AND o.status = 'ordered' \
      WHERE x.status = 'pending' AND o.placed_at < now() - make_interval(mins => $1) AND o.id > $2 \
      ORDER BY o.id LIMIT $3"
}

/// Lists orders that were placed more than `minutes` ago and are still to be paid, by id from the
/// one after `after`.
///
/// # Errors
///
/// Those of the database.
pub fn list_unpaid(
    conn: &mut PgConnection,
    minutes: i32,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<OrderId>> {
    let statement = ListUnpaid {
        minutes,
        after,
        limit,
    };
    let ids: Vec<i64> = statement.load(conn)?;
    let id = |id: i64| {
        id.try_into().map_err(|error: domain::InvalidId| {
            diesel::result::Error::DeserializationError(error.into())
        })
    };
    ids.into_iter().map(id).collect()
}

/// Finds an operation.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: PaymentOperationId) -> QueryResult<Option<Operation>> {
    FindOperation { id: id.get() }.get_result(conn).optional()
}

/// Finds the newest operation of an order's payment.
///
/// # Errors
///
/// Those of the database.
pub fn find_latest(conn: &mut PgConnection, order: OrderId) -> QueryResult<Option<Operation>> {
    LatestOperation {
        order_id: order.get(),
    }
    .get_result(conn)
    .optional()
}

/// Writes down that something is to be asked of the provider. The order's row is locked.
///
/// # Errors
///
/// Those of the database; a payment has at most one pending operation.
pub fn start(
    conn: &mut PgConnection,
    payment: PaymentId,
    kind: PaymentOperationKind,
    actor: Option<UserId>,
) -> QueryResult<PaymentOperationId> {
    let statement = StartOperation {
        payment_id: payment.get(),
        kind: kind.code(),
        actor_id: actor.map(UserId::get),
    };
    let id: i64 = statement.get_result(conn)?;
    id.try_into().map_err(|error: domain::InvalidId| {
        diesel::result::Error::DeserializationError(error.into())
    })
}

/// Writes down what the provider said, with the payment's new status, timeline entry and event.
///
/// The order's row is locked by the caller. Returns the payment's new status, or `None` when
/// somebody else finished the operation first: then nothing is written.
///
/// # Errors
///
/// Those of the database.
pub fn finish(
    conn: &mut PgConnection,
    operation: &Operation,
    current: PaymentStatus,
    outcome: &Outcome,
) -> QueryResult<Option<PaymentStatus>> {
    let succeeded = matches!(outcome, Outcome::Succeeded { .. });
    let Ok(status) = current.after(operation.kind, succeeded) else {
        return Ok(None);
    };
    let (operation_status, failure, provider_reference) = match outcome {
        Outcome::Succeeded { provider_reference } => {
            ("succeeded", None, provider_reference.clone())
        }
        Outcome::Declined { reason } => ("failed", Some(reason.clone()), None),
    };
    let statement = FinishOperation {
        id: operation.id.get(),
        operation_status,
        failure: failure.clone(),
        payment_status: status.code(),
        provider_reference,
    };
    if statement.get_result::<i64>(conn).optional()?.is_none() {
        return Ok(None);
    }
    let note = match failure {
        None => format!("{}: {}", operation.kind.code(), operation.amount()),
        Some(reason) => format!("{} refused: {reason}", operation.kind.code()),
    };
    let version = lifecycle::note(
        conn,
        operation.order_id,
        "payment",
        operation.actor(),
        Some(note),
    )?;
    let event = Event::PaymentChanged {
        order_id: operation.order_id,
        payment_id: operation.payment_id,
        status,
    };
    outbox::write(conn, &[Entry::new(event, version, operation.actor())])?;
    Ok(Some(status))
}

/// Claims operations whose outcome has been unknown for too long, so that one replica asks again.
///
/// # Errors
///
/// Those of the database.
pub fn claim_stale(
    conn: &mut PgConnection,
    older_than_seconds: i32,
    limit: i64,
) -> QueryResult<Vec<PaymentOperationId>> {
    let ids: Vec<i64> = ClaimStale {
        older_than_seconds,
        limit,
    }
    .load(conn)?;
    Ok(ids
        .into_iter()
        .filter_map(|id| id.try_into().ok())
        .collect())
}
