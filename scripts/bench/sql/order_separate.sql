-- One order of two lines as most shops write it: one transaction of separate statements. It reads nothing first,
-- neither key nor user nor prices, locks stock in one order as late as it can, and leaves the very rows that the API leaves.
\set user random(:first_user, :last_user)
\set one random(:first, :last)
\set step random(1, :last - :first)
\set two :first + (:one - :first + :step) % (:last - :first + 1)
\set low least(:one, :two)
\set high greatest(:one, :two)
\set key random(1, 9000000000000000000)
BEGIN;
INSERT INTO ordering.orders (user_id, status, currency, subtotal_minor, discount_minor, shipping_minor, total_minor,
                             address, payment_method, shipping_method, source, request_scope, request_key, request_fingerprint)
VALUES (:user, 'ordered', 'USD', 20000, 0, 0, 20000, '"Bench"', 'invoice', 'std', 'web',
        'anonymous POST /api/orders', 'pgbench-' || :key, decode(repeat('5a', 32), 'hex'))
RETURNING id AS order_id \gset
INSERT INTO platform.idempotency_keys (scope, key, fingerprint, status, location, body)
VALUES ('anonymous POST /api/orders', 'pgbench-' || :key, decode(repeat('5a', 32), 'hex'), 201, '/api/orders/' || :order_id,
        convert_to('{"orderId":' || :order_id || repeat(' ', 1000) || '}', 'UTF8'));
INSERT INTO ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, list_price_minor,
                                  unit_price_minor, price_source, discount_minor, total_minor)
VALUES (:order_id, 1, :one, :one, 'BENCH-00000001', 'Product 1', 1, 10000, 10000, 'list', 0, 10000);
INSERT INTO ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, list_price_minor,
                                  unit_price_minor, price_source, discount_minor, total_minor)
VALUES (:order_id, 2, :two, :two, 'BENCH-00000002', 'Product 2', 1, 10000, 10000, 'list', 0, 10000);
INSERT INTO ordering.order_timeline (order_id, version, kind, to_status) VALUES (:order_id, 1, 'placed', 'ordered');
INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence)
VALUES ('order.placed', 'order', :order_id, '{"total": {"amount": 20000, "currency": "USD"}}', 1);
INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id)
VALUES (:low, 1, 0, 1, 'order_placed', :order_id);
INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id)
VALUES (:high, 1, 0, 1, 'order_placed', :order_id);
UPDATE catalog.stock_levels SET reserved = reserved + 1
 WHERE variant_id = :low AND location_id = 1 AND on_hand - safety + backorder_limit - reserved >= 1;
UPDATE catalog.stock_levels SET reserved = reserved + 1
 WHERE variant_id = :high AND location_id = 1 AND on_hand - safety + backorder_limit - reserved >= 1;
COMMIT;
