//! Stock, payments and orders that went wrong, each in one way.

use super::Case;

pub const STOCK: [Case; 12] = [
    (
        "ALTER TABLE catalog.stock_levels DROP CONSTRAINT stock_levels_not_oversold; \
         UPDATE catalog.stock_levels SET safety = 1000000 WHERE variant_id = 4",
        &[
            ("I1", "variant 4"),
            ("S1", "catalog.stock_levels_not_oversold"),
            ("S13", "product 4"),
        ],
    ),
    // More is reserved than orders ask for, and a movement says so too.
    (
        "UPDATE catalog.stock_levels SET reserved = reserved + 1 WHERE variant_id = 4; \
         INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason) \
         VALUES (4, 1, 0, 1, 'initial')",
        &[("I1", "variant 4")],
    ),
    // A unit came back from an order that was never shipped.
    (
        "UPDATE catalog.stock_levels SET on_hand = on_hand + 1 WHERE variant_id = 4; \
         INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id) \
         VALUES (4, 1, 1, 0, 'order_shipped', 7)",
        &[("I1", "variant 4"), ("I10", "order 7")],
    ),
    (
        "INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason) \
         VALUES (4, 1, 0, 1, 'initial')",
        &[("I2", "variant 4")],
    ),
    // A lost update: the counter alone is another one.
    (
        "UPDATE catalog.stock_levels SET on_hand = on_hand + 1 WHERE variant_id = 4",
        &[("I1", "variant 4"), ("I2", "variant 4")],
    ),
    // A cancellation that returned its stock twice.
    (
        "UPDATE catalog.stock_levels SET reserved = reserved - 1 WHERE variant_id = 4; \
         INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id) \
         VALUES (4, 1, 0, -1, 'order_cancelled', 4)",
        &[("I1", "variant 4"), ("I10", "order 4")],
    ),
    // More came than went.
    (
        "INSERT INTO catalog.stock_transfers (note) VALUES ('lost on the way'); \
         INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, transfer_id) \
         SELECT 4, 1, 3, 0, 'transfer_in', max(id) FROM catalog.stock_transfers; \
         UPDATE catalog.stock_levels SET on_hand = on_hand + 3 WHERE variant_id = 4",
        &[("I1", "transfer ")],
    ),
    (
        "INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, transfer_id) \
         VALUES (4, 1, -1, 0, 'transfer_out', 999), (4, 1, 1, 0, 'transfer_in', 999)",
        &[("I1", "transfer 999"), ("I9", "variant 4")],
    ),
    // It is over, and keeps something that nobody reserved.
    (
        "WITH over AS (INSERT INTO catalog.stock_holds (expires_at, ended_at, outcome, version) \
                       VALUES (now(), now(), 'released', 0) RETURNING id) \
         INSERT INTO catalog.stock_hold_lines (hold_id, variant_id, location_id, units) SELECT id, 4, 1, 2 FROM over",
        &[("I1", "variant 4"), ("I10", "hold ")],
    ),
    (
        "INSERT INTO catalog.stock_holds (expires_at) VALUES (now() - interval '2 hours')",
        &[("I9", "hold "), ("I10", "hold ")],
    ),
    // It was returned to a location that it did not come from.
    (
        "INSERT INTO catalog.locations (code, name) VALUES ('far', 'Far away'); \
         INSERT INTO catalog.stock_levels (variant_id, location_id) SELECT 4, max(id) FROM catalog.locations; \
         UPDATE catalog.stock_movements SET location_id = (SELECT max(id) FROM catalog.locations) \
          WHERE order_id = 4 AND reason = 'order_cancelled'",
        &[("I10", "order 4"), ("I2", "variant 4")],
    ),
    // Counters are right, but the movement names another order.
    (
        "UPDATE catalog.stock_movements SET order_id = 4 WHERE order_id = 2 AND variant_id = 4",
        &[("I10", "order 2"), ("I10", "order 4")],
    ),
];

pub const PAYMENTS: [Case; 10] = [
    (
        "DELETE FROM ordering.payment_operations WHERE kind = 'capture' \
            AND payment_id = (SELECT id FROM ordering.payments WHERE order_id = 2); \
         UPDATE ordering.payments SET status = 'authorised' WHERE order_id = 2",
        &[("I3", "order 2")],
    ),
    (
        "DELETE FROM ordering.payment_operations \
          WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = 2); \
         DELETE FROM ordering.payments WHERE order_id = 2",
        &[("I3", "order 2")],
    ),
    // Captured, and the order did not go on.
    (
        "INSERT INTO ordering.payment_operations (payment_id, kind, status, finished_at) \
         SELECT id, 'capture', 'succeeded', now() FROM ordering.payments WHERE order_id = 1; \
         UPDATE ordering.payments SET status = 'captured' WHERE order_id = 1",
        &[("I3", "order 1")],
    ),
    // Cancelled, and the money was kept.
    (
        "DELETE FROM ordering.payment_operations WHERE kind = 'void' \
            AND payment_id = (SELECT id FROM ordering.payments WHERE order_id = 4); \
         UPDATE ordering.payments SET status = 'authorised' WHERE order_id = 4",
        &[("I3", "order 4")],
    ),
    (
        "INSERT INTO ordering.payment_operations (payment_id, kind) \
         SELECT id, 'void' FROM ordering.payments WHERE order_id = 1",
        &[("I3", "order 1")],
    ),
    (
        "UPDATE ordering.payments SET amount_minor = amount_minor + 1 WHERE order_id = 2",
        &[("I3", "order 2")],
    ),
    (
        "UPDATE ordering.payment_operations SET status = 'failed' WHERE kind = 'capture' \
            AND payment_id = (SELECT id FROM ordering.payments WHERE order_id = 2)",
        &[("I3", "order 2")],
    ),
    // Nobody was asked, and nobody ever will be.
    (
        "DELETE FROM ordering.payment_operations \
          WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = 1); \
         UPDATE ordering.payments SET status = 'pending' WHERE order_id = 1",
        &[("I3", "order 1")],
    ),
    (
        "UPDATE ordering.payment_operations \
            SET status = 'pending', finished_at = NULL, attempted_at = now() - interval '2 minutes' \
          WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = 1); \
         UPDATE ordering.payments SET status = 'pending' WHERE order_id = 1",
        &[("I10", "order 1")],
    ),
    (
        "UPDATE ordering.payment_operations \
            SET status = 'pending', finished_at = NULL, attempted_at = now(), created_at = now() - interval '2 hours' \
          WHERE payment_id = (SELECT id FROM ordering.payments WHERE order_id = 1); \
         UPDATE ordering.payments SET status = 'pending' WHERE order_id = 1",
        &[("I10", "order 1")],
    ),
];

pub const ORDERS: [Case; 13] = [
    (
        "ALTER TABLE ordering.orders DROP CONSTRAINT orders_request_key; \
         UPDATE ordering.orders o SET request_scope = f.request_scope, request_key = f.request_key, \
                request_fingerprint = f.request_fingerprint FROM ordering.orders f WHERE f.id = 1 AND o.id = 7",
        &[
            ("I4", "order 1"),
            ("I4", "order 7"), // the answer of the key they share is about order 1
            ("S1", "ordering.orders_request_key"),
        ],
    ),
    (
        "UPDATE ordering.orders SET request_fingerprint = NULL WHERE id = 7",
        &[("I4", "order 7")],
    ),
    (
        "UPDATE platform.idempotency_keys SET location = '/api/orders/2' WHERE location = '/api/orders/7'",
        &[("I4", "order 7")],
    ),
    (
        "UPDATE platform.idempotency_keys SET location = '/api/products/999' WHERE location = '/api/products/4'",
        &[("I4", "key the-product-of-the-doctor")],
    ),
    // An order that was acknowledged and lost.
    (
        "UPDATE platform.idempotency_keys SET location = '/api/orders/999' WHERE location = '/api/orders/1'",
        &[("I4", "key the-first-order-there-is"), ("I4", "order 1")],
    ),
    (
        "INSERT INTO platform.idempotency_keys (scope, key, fingerprint, status, location) \
         VALUES ('s', 'lost', '', 201, '/api/users/999')",
        &[("I4", "key lost")],
    ),
    (
        "UPDATE ordering.orders SET subtotal_minor = subtotal_minor + 1, total_minor = total_minor + 1 WHERE id = 7",
        &[("I6", "order 7")],
    ),
    (
        "UPDATE ordering.order_lines SET list_price_minor = list_price_minor + 1 WHERE order_id = 7",
        &[("I6", "order 7")],
    ),
    (
        "UPDATE ordering.orders SET version = version + 1 WHERE id = 7",
        &[("I8", "order 7")],
    ),
    (
        "UPDATE ordering.order_timeline SET version = version + 1 WHERE order_id = 8 AND version = 3",
        &[("I8", "order 8")],
    ),
    // A step that the table does not have.
    (
        "UPDATE ordering.order_timeline SET to_status = 'delivered' WHERE order_id = 8 AND to_status = 'processed'",
        &[("I8", "order 8")],
    ),
    (
        "UPDATE ordering.orders SET status = 'delivered' WHERE id = 8",
        &[("I8", "order 8")],
    ),
    (
        "DELETE FROM platform.outbox WHERE resource_type = 'order' AND resource_id = 7",
        &[("I9", "order 7")],
    ),
];
