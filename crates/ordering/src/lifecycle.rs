//! The only writer of an order's status.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use domain::{Event, ForbiddenTransition, OrderId, OrderStatus, PaymentId, PaymentStatus, UserId};

/// What a step needs to know of an order; its row is locked until the transaction ends.
#[derive(Clone, Debug, Queryable)]
pub struct Locked {
    #[diesel(deserialize_as = i64)]
    pub id: OrderId,
    #[diesel(deserialize_as = i64)]
    pub user_id: UserId,
    #[diesel(deserialize_as = String)]
    pub status: OrderStatus,
    payment_id: Option<i64>,
    #[diesel(deserialize_as = String)]
    pub payment_status: PaymentStatus,
    /// Something is being asked of the payment provider right now.
    pub payment_pending: bool,
    /// Whether anything of it has to be sent.
    pub is_sent: bool,
}

impl Locked {
    /// The payment, where a provider handles one.
    #[must_use]
    pub fn payment_id(&self) -> Option<PaymentId> {
        self.payment_id.and_then(|id| id.try_into().ok())
    }
}

/// Why an order did not take a step.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Forbidden(#[from] ForbiddenTransition),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct LockOrder { id: i64 => BigInt } -> BigInt =
    "SELECT id FROM ordering.orders WHERE id = $1 FOR UPDATE"
}

db::statement! {
    struct ReadOrder { id: i64 => BigInt }
        -> (BigInt, BigInt, Text, Nullable<BigInt>, Text, Bool, Bool) =
    "SELECT o.id, o.user_id, o.status, p.id, coalesce(p.status, 'notRequired'), \
            EXISTS (SELECT FROM ordering.payment_operations \
                     WHERE payment_id = p.id AND status = 'pending'), \
            EXISTS (SELECT FROM ordering.line_units WHERE order_id = o.id) \
       FROM ordering.orders o LEFT JOIN ordering.payments p ON p.order_id = o.id \
      WHERE o.id = $1"
}

db::statement! {
    struct SetStatus {
        id: i64 => BigInt,
        from: &'static str => Text,
        to: &'static str => Text,
        actor_id: Option<i64> => Nullable<BigInt>,
        note: Option<String> => Nullable<Text>,
    } -> BigInt =
    "WITH changed AS ( \
       UPDATE ordering.orders SET status = $3, version = version + 1, updated_at = now(), \
              cancelled_at = CASE WHEN $3 = 'cancelled' THEN now() END \
        WHERE id = $1 AND status = $2 RETURNING id, version) \
     INSERT INTO ordering.order_timeline (order_id, version, kind, from_status, to_status, actor_id, note) \
     SELECT id, version, 'status', $2, $3, $4, $5 FROM changed RETURNING version"
}

db::statement! {
    struct AddEntry {
        id: i64 => BigInt,
        kind: &'static str => Text,
        actor_id: Option<i64> => Nullable<BigInt>,
        note: Option<String> => Nullable<Text>,
    } -> BigInt =
    "WITH changed AS ( \
       UPDATE ordering.orders SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING id, version) \
     INSERT INTO ordering.order_timeline (order_id, version, kind, actor_id, note) \
     SELECT id, version, $2, $3, $4 FROM changed RETURNING version"
}

/// Locks an order for a step. To be called before stock is touched.
///
/// # Errors
///
/// Those of the database.
pub fn lock(conn: &mut PgConnection, id: OrderId) -> QueryResult<Option<Locked>> {
    // Two statements: one that waited for the lock would still see the payment as it was before.
    LockOrder { id: id.get() }.execute(conn)?;
    ReadOrder { id: id.get() }.get_result(conn).optional()
}

/// Takes one step of the transition table, with its timeline entry and its event.
///
/// # Errors
///
/// [`StepError::Forbidden`] when the table has no such step.
pub fn step(
    conn: &mut PgConnection,
    order: &Locked,
    to: OrderStatus,
    actor: Option<UserId>,
    note: Option<&str>,
) -> Result<(), StepError> {
    let from = order.status;
    let to = from.transition(to, order.is_sent)?;
    let version = SetStatus {
        id: order.id.get(),
        from: from.code(),
        to: to.code(),
        actor_id: actor.map(UserId::get),
        note: note.map(str::to_owned),
    }
    .get_result::<i64>(conn)?;
    let event = match to {
        OrderStatus::Cancelled => Event::OrderCancelled {
            order_id: order.id,
            reason: note.unwrap_or("cancelled").to_owned(),
        },
        _ => Event::OrderStatusChanged {
            order_id: order.id,
            from,
            to,
        },
    };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    Ok(())
}

/// Adds an entry to the timeline that leaves the status as it is, and returns the order's version.
pub(crate) fn note(
    conn: &mut PgConnection,
    id: OrderId,
    kind: &'static str,
    actor: Option<UserId>,
    note: Option<String>,
) -> QueryResult<i64> {
    AddEntry {
        id: id.get(),
        kind,
        actor_id: actor.map(UserId::get),
        note,
    }
    .get_result(conn)
}
