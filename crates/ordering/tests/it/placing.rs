use diesel::connection::SimpleConnection;
use domain::{
    Address, OrderId, OrderStatus, PaymentMethod, PaymentStatus, PostalAddress, PriceSource,
};
use ordering::placing::NewOrder;
use ordering::{Line, Source, orders, payments};

use crate::{
    card_order, conn, count, eur, insert, insert_all, line, next_id, order, place, text, user,
    violated,
};

fn postal() -> Address {
    Address::postal(PostalAddress {
        name: Some("Änne O'Neill".into()),
        line1: "Straße 1".into(),
        line2: None,
        city: Some("Köln".into()),
        region: None,
        postal_code: Some("50667".into()),
        country: Some("DE".into()),
    })
    .unwrap()
}

/// An order in which every field has a value.
fn full() -> NewOrder {
    let negotiated = Line {
        unit_price: eur(800),
        price_source: PriceSource::Negotiated,
        discount: eur(0),
        total: eur(1_600),
        ..line("Ä-2 \"x\"")
    };
    NewOrder {
        lines: vec![line("B"), negotiated, line("A")],
        totals: domain::Totals {
            subtotal: eur(5_600),
            discount: eur(200),
            shipping: eur(490),
            total: eur(5_890),
        },
        address: postal(),
        shipping_method: "exp".into(),
        source: Source::Staff,
        reference: Some("PO 4711, \\N {x}".into()),
        request: Some((
            "staff 9 POST /orders".into(),
            "key-0123456789abcdef".into(),
            [7; 32],
        )),
        request_id: Some("request-0123456789".into()),
        actor: Some(user(9)),
        ..card_order()
    }
}

#[test]
fn what_is_inserted_is_what_is_read_back() {
    for new in [order(), full()] {
        let conn = &mut conn();

        let (placed, _) = insert(conn, new).unwrap();
        let found = orders::find(conn, placed.id).unwrap().unwrap();

        assert_eq!(format!("{placed:#?}"), format!("{found:#?}"));
        assert_eq!((found.status, found.version), (OrderStatus::Ordered, 1));
        assert_eq!(found.cancelled_at, None);
    }
}

#[test]
fn every_field_of_an_order_is_kept() {
    let conn = &mut conn();

    let id = place(conn, full()).id;
    let found = orders::find(conn, id).unwrap().unwrap();

    assert_eq!(found.user_id, user(1));
    assert_eq!(found.totals, full().totals);
    assert_eq!(found.address, postal());
    assert_eq!(found.payment_method, PaymentMethod::Card);
    assert_eq!(found.payment_status, PaymentStatus::Pending);
    assert_eq!(
        (found.shipping_method.as_str(), found.source),
        ("exp", Source::Staff)
    );
    assert_eq!(found.reference.as_deref(), Some("PO 4711, \\N {x}"));
    let skus: Vec<_> = found.lines.iter().map(|l| l.sku.as_str()).collect();
    assert_eq!(skus, ["B", "Ä-2 \"x\"", "A"], "lines keep their order");
    let negotiated = &found.lines[1];
    assert_eq!(negotiated.price_source, PriceSource::Negotiated);
    assert_eq!(
        (negotiated.list_price, negotiated.unit_price),
        (eur(1_000), eur(800))
    );
    assert_eq!(
        (negotiated.discount, negotiated.total),
        (eur(0), eur(1_600))
    );
    assert_eq!(
        (negotiated.quantity.get(), negotiated.title.as_str()),
        (2, "Product Ä-2 \"x\"")
    );
}

#[test]
fn an_order_begins_its_timeline_and_tells_of_it() {
    let conn = &mut conn();

    let (list, special) = (place(conn, order()), place(conn, full()));

    let plain = orders::timeline(conn, list.id).unwrap();
    assert_eq!(plain.len(), 1);
    assert_eq!((plain[0].version, plain[0].kind.as_str()), (1, "placed"));
    assert_eq!(
        (plain[0].from.as_deref(), plain[0].to.as_deref()),
        (None, Some("ordered"))
    );
    assert_eq!((plain[0].actor_id, plain[0].note.as_deref()), (None, None));
    assert_eq!(plain[0].occurred_at, list.placed_at);
    let by_staff = orders::timeline(conn, special.id).unwrap();
    assert_eq!(by_staff[0].actor_id, Some(9));
    assert_eq!(
        by_staff[0].note.as_deref(),
        Some("negotiated price on 1 of 3 lines")
    );
    let id = special.id;
    let event = format!(
        "(SELECT payload::text FROM platform.outbox WHERE kind = 'order.placed' AND resource_id = {id})"
    );
    let told = format!(
        r#"{{"total": {{"amount": 5890, "currency": "EUR"}}, "userId": 1, "orderId": {id}}}"#
    );
    assert_eq!(text(conn, &event), told);
}

#[test]
fn an_event_tells_what_the_domain_says_it_does() {
    let conn = &mut conn();

    let placed = place(conn, full());

    let event = domain::Event::OrderPlaced {
        order_id: placed.id,
        user_id: placed.user_id,
        total: placed.totals.total,
    };
    let same = format!(
        "(SELECT (payload = '{}' AND kind = '{}' AND resource_type = '{}' AND sequence = 1 AND actor_id = 9 \
           AND request_id = 'request-0123456789')::text FROM platform.outbox WHERE resource_id = {})",
        serde_json::to_value(&event).unwrap(),
        event.kind(),
        event.resource().0,
        placed.id
    );
    assert_eq!(text(conn, &same), "true");
}

#[test]
fn orders_of_a_set_are_written_side_by_side_and_those_without_an_id_not_at_all() {
    let conn = &mut conn();
    let (first, third) = (next_id(conn), next_id(conn));
    let lines = |skus: &[&str]| NewOrder {
        lines: skus.iter().map(|sku| line(sku)).collect(),
        ..card_order()
    };

    let operations = insert_all(
        conn,
        &[
            (Some(first), lines(&["A", "B"])),
            (None, lines(&["C"])),
            (
                Some(third),
                NewOrder {
                    lines: vec![line("D")],
                    ..order()
                },
            ),
        ],
    )
    .unwrap();

    assert!(operations[0].is_some());
    assert_eq!(operations[1..], [None, None]);
    let skus = |conn: &mut _, id: i64| {
        let order = orders::find(conn, id.try_into().unwrap()).unwrap().unwrap();
        let skus: Vec<String> = order.lines.iter().map(|l| l.sku.to_string()).collect();
        skus
    };
    assert_eq!(skus(conn, first), ["A", "B"]);
    assert_eq!(skus(conn, third), ["D"]);
    assert_eq!(count(conn, "ordering.order_lines WHERE sku = 'C'"), 0);
    assert_eq!(count(conn, "ordering.orders"), 2);
    assert_eq!(count(conn, "platform.outbox"), 2);
}

#[test]
fn only_an_order_that_somebody_is_asked_to_pay_has_a_payment() {
    let conn = &mut conn();

    let (free, nothing) = insert(conn, order()).unwrap();
    let (paid, operation) = insert(conn, card_order()).unwrap();

    assert_eq!(
        (free.payment_status, nothing),
        (PaymentStatus::NotRequired, None)
    );
    assert_eq!(paid.payment_status, PaymentStatus::Pending);
    assert!(operation.is_some());
    let id = paid.id;
    assert_eq!(
        count(conn, &format!("ordering.payments WHERE order_id = {id}")),
        1
    );
    assert_eq!(
        count(
            conn,
            &format!("ordering.payments WHERE order_id = {}", free.id)
        ),
        0
    );
}

/// Whose payment is asked for is told in the place of the order, and who placed it asked.
#[test]
fn payments_of_a_set_belong_to_their_orders() {
    let conn = &mut conn();
    let ids = [next_id(conn), next_id(conn), next_id(conn)];
    let by = |actor: i64, new: NewOrder| NewOrder {
        actor: Some(user(actor)),
        ..new
    };

    let asked = insert_all(
        conn,
        &[
            (None, by(5, card_order())),
            (Some(ids[0]), by(6, order())),
            (Some(ids[1]), by(7, card_order())),
            (Some(ids[2]), by(8, card_order())),
        ],
    )
    .unwrap();

    assert_eq!(asked[..2], [None, None]);
    for (asked, (id, actor)) in asked[2..].iter().zip([(ids[1], 7), (ids[2], 8)]) {
        let operation = asked.unwrap().try_into().unwrap();
        let operation = payments::find(conn, operation).unwrap().unwrap();
        assert_eq!(operation.order_id.get(), id);
        assert_eq!(operation.actor(), Some(user(actor)));
    }
    assert_eq!(count(conn, "ordering.payment_operations"), 2);
}

#[test]
fn a_request_places_one_order_for_ever() {
    let conn = &mut conn();
    let placed = place(conn, full());
    let (scope, key, fingerprint) = full().request.unwrap();

    let remembered = format!(
        "ordering.orders WHERE id = {} AND (request_scope, request_key) = ('{scope}', '{key}') \
           AND request_fingerprint = decode(repeat('07', 32), 'hex')",
        placed.id
    );
    assert_eq!(count(conn, &remembered), 1);
    let other_scope = Some(("staff 8".into(), key, fingerprint));
    place(
        conn,
        NewOrder {
            request: other_scope,
            ..full()
        },
    );
    let twice = insert(conn, full());

    assert_eq!(violated(twice), "orders_request_key");
}

#[test]
fn an_unknown_order_is_none() {
    let conn = &mut conn();
    let unknown = OrderId::try_from(i64::MAX).unwrap();

    assert!(orders::find(conn, unknown).unwrap().is_none());
    assert!(orders::timeline(conn, unknown).unwrap().is_empty());
}

#[test]
fn the_tables_refuse_amounts_that_do_not_add_up() {
    for (change, constraint) in [
        ("orders SET total_minor = total_minor + 1", "orders_amounts"),
        (
            "orders SET total_minor = -100, shipping_minor = -2000",
            "orders_amounts",
        ),
        (
            "orders SET discount_minor = 2001, total_minor = -1",
            "orders_amounts",
        ),
        (
            "orders SET discount_minor = -1, total_minor = 2001",
            "orders_amounts",
        ),
        ("orders SET status = 'lost'", "orders_status_known"),
        ("orders SET status = 'cancelled'", "orders_cancelled_since"),
        ("orders SET cancelled_at = now()", "orders_cancelled_since"),
        ("orders SET source = 'fax'", "orders_source_known"),
        (
            "order_lines SET total_minor = total_minor - 1",
            "order_lines_amounts",
        ),
        ("order_lines SET quantity = 3", "order_lines_amounts"),
        (
            "order_lines SET discount_minor = 2001, total_minor = -1",
            "order_lines_amounts",
        ),
        (
            "order_lines SET quantity = 0, total_minor = 0, discount_minor = 0",
            "order_lines_quantity",
        ),
        (
            "order_lines SET list_price_minor = -1",
            "order_lines_amounts",
        ),
        (
            "order_lines SET price_source = 'guess'",
            "order_lines_source_known",
        ),
        ("payments SET amount_minor = -1", "payments_amount"),
        ("payments SET status = 'lost'", "payments_status_known"),
        (
            "payment_operations SET status = 'succeeded'",
            "payment_operations_finished_since",
        ),
        (
            "payment_operations SET kind = 'guess'",
            "payment_operations_kind_known",
        ),
    ] {
        let conn = &mut conn();
        place(conn, card_order());

        let refused = conn.batch_execute(&format!("UPDATE ordering.{change}"));

        assert_eq!(violated(refused), constraint, "{change}");
    }
}
