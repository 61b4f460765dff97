//! Payments: they go with their order, and with what the provider said.

use db::doctor::Check;
use domain::{PaymentOperationKind, PaymentStatus};

pub(super) fn checks() -> [Check; 6] {
    [
        unpaid(),
        kept_money(),
        other_amounts(),
        unexplained(),
        left_behind(),
        unanswered(),
    ]
}

/// Only a payment that the provider is asked to collect can be collected.
fn unpaid() -> Check {
    Check {
        id: "I3",
        name: "an order by card goes on when it is paid, and not before",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('is %s over %s %s by %s, its payment is %s', o.status, o.total_minor, o.currency, \
                            o.payment_method, coalesce(p.status, 'missing')) \
                FROM ordering.orders o LEFT JOIN ordering.payments p ON p.order_id = o.id \
               WHERE CASE WHEN p.id IS NULL THEN o.payment_method <> 'card' OR o.total_minor = 0 \
                          WHEN o.status = 'cancelled' THEN true \
                          WHEN o.status = 'ordered' THEN p.status IN ('pending', 'authorised') \
                          ELSE p.status = 'captured' END IS NOT TRUE"
            .into(),
        todo: "Look the payment up at the provider. If the money is there, correct the payment; if \
               not, hold the parcel and ask the customer, or cancel the order.",
        repair: None,
    }
}

fn kept_money() -> Check {
    Check {
        id: "I3",
        name: "the money of a cancelled order is given back, or on its way",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('is cancelled, its payment of %s %s is %s, and nobody is asked to give it back', \
                            p.amount_minor, p.currency, p.status) \
                FROM ordering.orders o JOIN ordering.payments p ON p.order_id = o.id \
               WHERE o.status = 'cancelled' AND p.status IN ('pending', 'authorised', 'captured') \
                 AND NOT EXISTS (SELECT FROM ordering.payment_operations x \
                                  WHERE x.payment_id = p.id AND x.status = 'pending') \
              UNION ALL \
              SELECT o.id, 'order ' || o.id, format('is %s, and its money is being given back', o.status) \
                FROM ordering.payment_operations x JOIN ordering.payments p ON p.id = x.payment_id \
                JOIN ordering.orders o ON o.id = p.order_id \
               WHERE x.status = 'pending' AND x.kind IN ('void', 'refund') AND o.status <> 'cancelled'"
            .into(),
        todo: "The provider refused, or a crash lost the question. Cancel the order again (DELETE \
               /api/orders/{id}): that asks once more. If it refuses again, give the money back by hand.",
        repair: None,
    }
}

fn other_amounts() -> Check {
    Check {
        id: "I3",
        name: "a payment is over its order's total",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('is over %s %s, its payment over %s %s', o.total_minor, o.currency, p.amount_minor, p.currency) \
                FROM ordering.payments p JOIN ordering.orders o ON o.id = p.order_id \
               WHERE p.amount_minor <> o.total_minor OR p.currency <> o.currency"
            .into(),
        todo: "See what the provider took. Give back what is too much; ask the customer for what is \
               missing, or let it go.",
        repair: None,
    }
}

/// A payment's path is short and never returns, so that counting what succeeded tells where it stands.
fn unexplained() -> Check {
    let steps = PaymentStatus::ALL.into_iter().flat_map(|from| {
        let kinds = PaymentOperationKind::ALL.into_iter();
        let allowed = kinds.filter(move |kind| from.after(*kind, true).is_ok());
        allowed.map(move |kind| format!("('{}', '{}')", from.code(), kind.code()))
    });
    let allowed = steps.collect::<Vec<_>>().join(", ");
    Check {
        id: "I3",
        name: "a payment stands where its operations brought it",
        sql: format!(
            "SELECT p.order_id, 'order ' || p.order_id, \
                    format('payment %s is %s, its operations say %s', p.id, p.status, \
                           coalesce(nullif(concat_ws(', ', x.succeeded, x.waiting), ''), 'nothing')) \
               FROM ordering.payments p \
               LEFT JOIN (SELECT payment_id, \
                                 string_agg(kind, ', ' ORDER BY id) FILTER (WHERE status = 'succeeded') AS succeeded, \
                                 count(*) FILTER (WHERE status = 'failed' AND kind = 'authorise') AS declined, \
                                 count(*) FILTER (WHERE status = 'pending') AS pending, \
                                 'waiting for ' || max(kind) FILTER (WHERE status = 'pending') AS waiting, \
                                 max(kind) FILTER (WHERE status = 'pending') AS pending_kind \
                            FROM ordering.payment_operations GROUP BY payment_id) AS x ON x.payment_id = p.id \
              WHERE (p.status = CASE \
                       WHEN x.declined > 0 THEN CASE WHEN x.declined = 1 AND x.succeeded IS NULL THEN 'failed' END \
                       WHEN x.succeeded IS NULL THEN 'pending' \
                       WHEN x.succeeded = 'authorise' THEN 'authorised' \
                       WHEN x.succeeded = 'authorise, capture' THEN 'captured' \
                       WHEN x.succeeded = 'authorise, void' THEN 'voided' \
                       WHEN x.succeeded = 'authorise, capture, refund' THEN 'refunded' END) IS NOT TRUE \
                 OR (p.status = 'pending' AND coalesce(x.pending, 0) = 0) OR x.pending > 1 \
                 OR (x.pending = 1 AND (p.status, x.pending_kind) NOT IN ({allowed}))"
        )
        .into(),
        todo: "Look the payment up at the provider, by the key cartwright-payment-operation-<id> of \
               its operations: what it says is true. Correct payment and operations accordingly.",
        repair: None,
    }
}

/// `attempted_at` moves each time somebody asks, so an old one says that nobody does.
fn left_behind() -> Check {
    waiting(
        "no payment waits without being asked about",
        "'%s of payment %s waits since %s, last asked about at %s', x.kind, p.id, x.created_at, x.attempted_at",
        "x.attempted_at < now() - interval '1 minute'",
        "A replica asks after ten seconds, and again until there is an answer. No replica runs: start one.",
    )
}

fn unanswered() -> Check {
    waiting(
        "providers answer within an hour",
        "'%s of payment %s was asked for at %s, and the provider does not answer', x.kind, p.id, x.created_at",
        "x.attempted_at >= now() - interval '1 minute' AND x.created_at < now() - interval '1 hour'",
        "The provider cannot be reached: see the log for why. It is asked again by itself.",
    )
}

fn waiting(name: &'static str, message: &str, holds: &str, todo: &'static str) -> Check {
    Check {
        id: "I10",
        name,
        sql: format!(
            "SELECT p.order_id, 'order ' || p.order_id, format({message}) \
               FROM ordering.payment_operations x JOIN ordering.payments p ON p.id = x.payment_id \
              WHERE x.status = 'pending' AND {holds}"
        )
        .into(),
        todo,
        repair: None,
    }
}
