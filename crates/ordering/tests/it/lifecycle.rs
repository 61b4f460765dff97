use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{OrderId, OrderStatus, PaymentStatus};
use ordering::lifecycle::{Locked, StepError, lock, step};
use ordering::orders;

use crate::{conn, count, database, order, place, place_by_card, text, user};

fn locked(conn: &mut PgConnection, id: OrderId) -> Locked {
    lock(conn, id).unwrap().unwrap()
}

/// Steps of an order's timeline as `version from>to`.
fn timeline(conn: &mut PgConnection, id: OrderId) -> Vec<String> {
    let entries = orders::timeline(conn, id).unwrap();
    let told = entries.into_iter().map(|e| {
        let [from, to] = [e.from, e.to].map(|status| status.unwrap_or_default());
        format!("{} {from}>{to}", e.version)
    });
    told.collect()
}

#[test]
fn exactly_the_steps_of_the_table_are_taken() {
    for from in OrderStatus::ALL {
        for to in OrderStatus::ALL {
            let conn = &mut conn();
            let id = place(conn, order()).id;
            conn.batch_execute(&format!(
                "UPDATE ordering.orders SET status = '{from}', \
                        cancelled_at = CASE WHEN '{from}' = 'cancelled' THEN now() END"
            ))
            .unwrap();
            let order = locked(conn, id);
            assert_eq!(order.status, from);

            let outcome = step(conn, &order, to, None, None);

            let now = orders::find(conn, id).unwrap().unwrap();
            if from.allowed_next(true).contains(&to) {
                outcome.unwrap();
                assert_eq!((now.status, now.version), (to, 2), "{from} to {to}");
                assert_eq!(now.cancelled_at.is_some(), to == OrderStatus::Cancelled);
                assert_eq!(timeline(conn, id)[1], format!("2 {from}>{to}"));
            } else {
                let Err(StepError::Forbidden(error)) = outcome else {
                    panic!("{from} to {to}: {outcome:?}");
                };
                assert_eq!((error.from, error.to), (from, to));
                assert_eq!((now.status, now.version), (from, 1), "{from} to {to}");
                assert_eq!(timeline(conn, id).len(), 1);
            }
        }
    }
}

#[test]
fn the_timeline_has_every_step_and_no_gap() {
    let conn = &mut conn();
    let id = place(conn, order()).id;

    for to in &OrderStatus::ALL[1..5] {
        let order = locked(conn, id);
        step(conn, &order, *to, Some(user(9)), Some("on its way")).unwrap();
    }

    let expected = [
        "1 >ordered",
        "2 ordered>processed",
        "3 processed>inTransit",
        "4 inTransit>outForDelivery",
        "5 outForDelivery>delivered",
    ];
    assert_eq!(timeline(conn, id), expected);
    let last = orders::timeline(conn, id).unwrap().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.actor_id), ("status", Some(9)));
    assert_eq!(last.note.as_deref(), Some("on its way"));
    assert_eq!(orders::find(conn, id).unwrap().unwrap().version, 5);
    let events =
        format!("platform.outbox WHERE kind = 'order.statusChanged' AND resource_id = {id}");
    assert_eq!(count(conn, &events), 4);
    // An event and its timeline entry have the same number, and name the same user.
    let told = format!(
        "(SELECT string_agg(concat_ws(' ', sequence, actor_id), ', ' ORDER BY sequence) \
            FROM platform.outbox WHERE resource_type = 'order' AND resource_id = {id})"
    );
    let timeline = format!(
        "(SELECT string_agg(concat_ws(' ', version, actor_id), ', ' ORDER BY version) \
            FROM ordering.order_timeline WHERE order_id = {id})"
    );
    assert_eq!(text(conn, &told), text(conn, &timeline));
}

#[test]
fn a_cancellation_tells_its_reason() {
    let conn = &mut conn();
    let id = place(conn, order()).id;
    let order = locked(conn, id);

    step(
        conn,
        &order,
        OrderStatus::Cancelled,
        None,
        Some("changed my mind"),
    )
    .unwrap();

    let event = format!(
        "(SELECT payload->>'reason' FROM platform.outbox WHERE kind = 'order.cancelled' AND resource_id = {id})"
    );
    assert_eq!(text(conn, &event), "changed my mind");
    let now = orders::find(conn, id).unwrap().unwrap();
    assert_eq!(now.cancelled_at, Some(now.updated_at));
}

#[test]
fn a_locked_order_tells_of_its_payment() {
    let conn = &mut conn();
    let free = place(conn, order()).id;
    let (paid, _) = place_by_card(conn);

    let (free, paid) = (locked(conn, free), locked(conn, paid.id));

    assert_eq!((free.payment_id(), free.payment_pending), (None, false));
    assert_eq!(free.payment_status, PaymentStatus::NotRequired);
    assert!(paid.payment_id().is_some() && paid.payment_pending);
    assert_eq!(
        (paid.payment_status, paid.user_id),
        (PaymentStatus::Pending, user(1))
    );
    assert!(
        lock(conn, OrderId::try_from(i64::MAX).unwrap())
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_step_from_a_status_that_is_over_writes_nothing() {
    let conn = &mut conn();
    let id = place(conn, order()).id;
    let stale = locked(conn, id);
    step(conn, &stale, OrderStatus::Cancelled, None, None).unwrap();

    let late = step(conn, &stale, OrderStatus::Processed, None, None);

    assert!(
        matches!(late, Err(StepError::Db(diesel::NotFound))),
        "{late:?}"
    );
    assert_eq!(timeline(conn, id), ["1 >ordered", "2 ordered>cancelled"]);
}

#[test]
fn of_cancelling_and_accepting_at_once_one_is_done() {
    let database = database();
    let id = place(&mut database.connect(), order()).id;
    let take = |to: OrderStatus| {
        database.connect().transaction(|conn| {
            let order = locked(conn, id);
            step(conn, &order, to, None, None)
        })
    };

    let outcomes: Vec<_> = thread::scope(|scope| {
        let take = &take;
        let steps: Vec<_> = (0..8)
            .map(|n| [OrderStatus::Cancelled, OrderStatus::Processed][n % 2])
            .map(|to| scope.spawn(move || take(to)))
            .collect();
        steps.into_iter().map(|s| s.join().unwrap()).collect()
    });

    let conn = &mut database.connect();
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let forbidden = |o: &&Result<(), StepError>| matches!(o, Err(StepError::Forbidden(_)));
    assert_eq!(
        taken + outcomes.iter().filter(forbidden).count(),
        8,
        "{outcomes:?}"
    );
    // Accepted first, an order may still be cancelled; never the other way round.
    assert!((1..=2).contains(&taken));
    let entries = timeline(conn, id);
    assert_eq!(entries.len(), taken + 1);
    let version = orders::find(conn, id).unwrap().unwrap().version;
    assert_eq!(version, i64::try_from(entries.len()).unwrap());
}
