use std::sync::Barrier;
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{OrderId, PaymentOperationId, PaymentOperationKind, PaymentStatus};
use ordering::payments::{Outcome, claim_stale, find, find_latest, finish, list_unpaid, start};
use ordering::{lifecycle, orders};

use crate::{
    card_order, conn, count, database, eur, order, place, place_by_card, text, user, violated,
};

fn succeeded() -> Outcome {
    Outcome::Succeeded {
        provider_reference: Some("auth_1".into()),
    }
}

fn declined() -> Outcome {
    Outcome::Declined {
        reason: "insufficient funds".into(),
    }
}

/// Finishes an operation as its caller does: with the order's row locked.
fn conclude(
    conn: &mut PgConnection,
    operation: PaymentOperationId,
    outcome: &Outcome,
) -> Option<PaymentStatus> {
    let operation = find(conn, operation).unwrap().unwrap();
    let order = lifecycle::lock(conn, operation.order_id).unwrap().unwrap();
    finish(conn, &operation, order.payment_status, outcome).unwrap()
}

fn begin(
    conn: &mut PgConnection,
    order: OrderId,
    kind: PaymentOperationKind,
) -> QueryResult<PaymentOperationId> {
    let order = lifecycle::lock(conn, order)?.unwrap();
    start(conn, order.payment_id().unwrap(), kind, Some(user(9)))
}

/// Everything that a finish writes.
fn written(conn: &mut PgConnection) -> [i64; 2] {
    ["ordering.order_timeline", "platform.outbox"].map(|table| count(conn, table))
}

#[test]
fn an_operation_has_what_the_provider_is_to_be_told() {
    let conn = &mut conn();
    let (order, id) = place_by_card(conn);

    let operation = find(conn, id).unwrap().unwrap();

    assert_eq!((operation.id, operation.order_id), (id, order.id));
    assert_eq!(
        (operation.kind, operation.amount()),
        (PaymentOperationKind::Authorise, eur(1_900))
    );
    assert_eq!(
        (operation.provider.as_str(), operation.token.as_deref()),
        ("mock", Some("tok_visa"))
    );
    assert_eq!(
        (operation.provider_reference.as_deref(), operation.actor()),
        (None, None)
    );
    assert!(operation.is_pending());
    assert_eq!(
        operation.idempotency_key(),
        format!("cartwright-payment-operation-{id}")
    );
    assert_eq!(find_latest(conn, order.id).unwrap().map(|o| o.id), Some(id));
    let unknown = PaymentOperationId::try_from(i64::MAX).unwrap();
    assert!(find(conn, unknown).unwrap().is_none());
}

#[test]
fn an_order_without_a_payment_has_no_operation() {
    let conn = &mut conn();
    let id = place(conn, order()).id;

    assert!(find_latest(conn, id).unwrap().is_none());
}

#[test]
fn a_success_moves_the_payment_and_is_told_once() {
    let conn = &mut conn();
    let (order, id) = place_by_card(conn);

    assert_eq!(
        conclude(conn, id, &succeeded()),
        Some(PaymentStatus::Authorised)
    );
    let after_first = written(conn);
    assert_eq!(conclude(conn, id, &succeeded()), None);
    assert_eq!(conclude(conn, id, &declined()), None);
    let operation = find(conn, id).unwrap().unwrap();
    let stale = finish(conn, &operation, PaymentStatus::Pending, &declined());

    assert_eq!(stale, Ok(None), "also for one who looked before");
    assert_eq!(written(conn), after_first);
    assert_eq!(
        (operation.status.as_str(), operation.failure),
        ("succeeded", None)
    );
    assert_eq!(operation.provider_reference.as_deref(), Some("auth_1"));
    let now = orders::find(conn, order.id).unwrap().unwrap();
    assert_eq!(
        (now.payment_status, now.version),
        (PaymentStatus::Authorised, 2)
    );
    let entry = orders::timeline(conn, order.id).unwrap().pop().unwrap();
    assert_eq!((entry.version, entry.kind.as_str()), (2, "payment"));
    assert_eq!((entry.from, entry.to), (None, None));
    assert!(entry.note.unwrap().starts_with("authorise: 19.00"));
    let event = "(SELECT concat_ws(' ', payload->>'status', sequence) FROM platform.outbox \
                   WHERE kind = 'payment.changed')";
    assert_eq!(text(conn, event), "authorised 2");
}

#[test]
fn a_refused_authorisation_is_final() {
    let conn = &mut conn();
    let (order, id) = place_by_card(conn);

    assert_eq!(conclude(conn, id, &declined()), Some(PaymentStatus::Failed));

    let operation = find(conn, id).unwrap().unwrap();
    assert_eq!(
        (operation.status.as_str(), operation.failure.as_deref()),
        ("failed", Some("insufficient funds"))
    );
    let entry = orders::timeline(conn, order.id).unwrap().pop().unwrap();
    assert_eq!(
        entry.note.as_deref(),
        Some("authorise refused: insufficient funds")
    );
    let retry = begin(conn, order.id, PaymentOperationKind::Authorise).unwrap();
    assert_eq!(conclude(conn, retry, &succeeded()), None);
}

#[test]
fn a_refused_capture_can_be_tried_again_and_keeps_the_reference() {
    use PaymentOperationKind::{Capture, Refund};
    let conn = &mut conn();
    let (order, authorise) = place_by_card(conn);
    conclude(conn, authorise, &succeeded());
    let silent = Outcome::Succeeded {
        provider_reference: None,
    };

    let first = begin(conn, order.id, Capture).unwrap();
    assert_eq!(
        conclude(conn, first, &declined()),
        Some(PaymentStatus::Authorised)
    );
    let second = begin(conn, order.id, Capture).unwrap();
    assert_eq!(
        conclude(conn, second, &silent),
        Some(PaymentStatus::Captured)
    );
    let refund = begin(conn, order.id, Refund).unwrap();
    assert_eq!(
        conclude(conn, refund, &silent),
        Some(PaymentStatus::Refunded)
    );

    let latest = find_latest(conn, order.id).unwrap().unwrap();
    assert_eq!((latest.id, latest.actor()), (refund, Some(user(9))));
    assert_eq!(latest.provider_reference.as_deref(), Some("auth_1"));
    let versions: Vec<_> = orders::timeline(conn, order.id)
        .unwrap()
        .iter()
        .map(|e| e.version)
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[test]
fn a_payment_has_one_pending_operation_at_a_time() {
    let conn = &mut database().connect();
    let (order, id) = place_by_card(conn);

    let second = conn.transaction(|conn| begin(conn, order.id, PaymentOperationKind::Void));
    assert_eq!(violated(second), "payment_operations_one_pending_idx");
    conclude(conn, id, &succeeded());

    begin(conn, order.id, PaymentOperationKind::Void).unwrap();
}

#[test]
fn a_payment_that_many_finish_at_once_is_finished_once() {
    let database = database();
    let (order, id) = place_by_card(&mut database.connect());
    let start = Barrier::new(8);
    let answer = |outcome: &Outcome| {
        let conn = &mut database.connect();
        start.wait();
        conn.transaction(|conn| QueryResult::Ok(conclude(conn, id, outcome)))
            .unwrap()
    };

    let statuses: Vec<_> = thread::scope(|scope| {
        let answer = &answer;
        let outcomes = (0..8).map(|n| if n % 2 == 0 { succeeded() } else { declined() });
        let answers: Vec<_> = outcomes.map(|o| scope.spawn(move || answer(&o))).collect();
        answers
            .into_iter()
            .filter_map(|a| a.join().unwrap())
            .collect()
    });

    let conn = &mut database.connect();
    assert_eq!(statuses.len(), 1);
    let now = orders::find(conn, order.id).unwrap().unwrap();
    assert_eq!((now.payment_status, now.version), (statuses[0], 2));
    assert_eq!(
        count(conn, "platform.outbox WHERE kind = 'payment.changed'"),
        1
    );
}

#[test]
fn an_operation_without_an_answer_is_claimed_by_one_of_many() {
    let database = database();
    let conn = &mut database.connect();
    let mut ids: Vec<_> = (0..12).map(|_| place_by_card(conn).1).collect();
    let finished = ids.pop().unwrap();
    conclude(conn, finished, &succeeded());
    conn.batch_execute(
        "UPDATE ordering.payment_operations SET attempted_at = now() - interval '1 hour'",
    )
    .unwrap();
    place(conn, card_order());
    let start = Barrier::new(4);
    let claim = || {
        let conn = &mut database.connect();
        start.wait();
        let rounds = (0..4).map(|_| claim_stale(conn, 60, 2).unwrap());
        rounds
            .inspect(|ids| assert!(ids.len() <= 2))
            .flatten()
            .collect::<Vec<_>>()
    };

    let mut claimed: Vec<_> = thread::scope(|scope| {
        let claims: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
        claims.into_iter().flat_map(|c| c.join().unwrap()).collect()
    });
    claimed.extend(claim_stale(conn, 60, 100).unwrap());

    claimed.sort_unstable();
    assert_eq!(claimed, ids, "each that is old and pending, once");
    assert_eq!(claim_stale(conn, 60, 100).unwrap(), []);
}

#[test]
fn an_order_is_unpaid_while_nobody_knows_of_its_money_and_only_after_its_time() {
    let conn = &mut conn();
    let (unpaid, _) = place_by_card(conn);
    let (paid, operation) = place_by_card(conn);
    let (young, _) = place_by_card(conn);
    let invoice = place(conn, order());
    let old = format!(
        "UPDATE ordering.orders SET placed_at = now() - interval '31 minutes' WHERE id IN ({}, {}, {})",
        unpaid.id, paid.id, invoice.id
    );
    let new = format!(
        "UPDATE ordering.orders SET placed_at = now() WHERE id = {}",
        young.id
    );
    conn.batch_execute(&format!("{old}; {new}")).unwrap();
    let listed = list_unpaid(conn, 30, 0, 10).unwrap();
    assert_eq!(
        listed,
        [unpaid.id, paid.id],
        "neither {} nor the invoice",
        young.id
    );

    conclude(conn, operation, &succeeded()).unwrap();

    assert_eq!(list_unpaid(conn, 30, 0, 10).unwrap(), [unpaid.id]);
    assert_eq!(list_unpaid(conn, 32, 0, 10).unwrap(), []);
    assert_eq!(list_unpaid(conn, 30, unpaid.id.get(), 10).unwrap(), []);
    assert_eq!(list_unpaid(conn, 0, 0, 1).unwrap().len(), 1);
}
