use db::outbox;
use diesel::prelude::*;
use diesel::result::Error;
use domain::{Event, OrderId, OrderStatus, ProductId};

use crate::{count, text};

fn product_changed() -> Event {
    Event::ProductChanged {
        product_id: ProductId::try_from(3).unwrap(),
    }
}

#[test]
fn events_are_written_in_order_with_all_they_tell() {
    let conn = &mut crate::database().connect();
    let delivered = Event::OrderStatusChanged {
        order_id: OrderId::try_from(17).unwrap(),
        from: OrderStatus::OutForDelivery,
        to: OrderStatus::Delivered,
    };

    outbox::write(conn, &[product_changed(), delivered]).unwrap();

    let told = "(SELECT string_agg(concat_ws(' ', kind, resource_type, resource_id, payload), '; ' \
                 ORDER BY id) FROM platform.outbox)";
    assert_eq!(
        text(conn, told),
        r#"product.changed product 3 {"productId": 3}; order.statusChanged order 17 {"to": "delivered", "from": "outForDelivery", "orderId": 17}"#
    );
    let about =
        |id| format!("platform.outbox WHERE resource_type = 'product' AND resource_id = {id}");
    assert_eq!(count(conn, &about(3)), 1);
    assert_eq!(count(conn, &about(4)), 0);
}

#[test]
fn an_event_is_rolled_back_with_its_change() {
    let conn = &mut crate::database().connect();

    let undone = conn.transaction(|conn| {
        outbox::write(conn, &[product_changed()])?;
        Err::<(), _>(Error::RollbackTransaction)
    });

    assert_eq!(undone, Err(Error::RollbackTransaction));
    assert_eq!(count(conn, "platform.outbox"), 0);
}

#[test]
fn no_events_are_no_rows() {
    let conn = &mut crate::database().connect();

    outbox::write(conn, &[]).unwrap();

    assert_eq!(count(conn, "platform.outbox"), 0);
}
