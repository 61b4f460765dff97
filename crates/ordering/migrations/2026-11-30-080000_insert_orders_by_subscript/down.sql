CREATE OR REPLACE FUNCTION ordering.insert_orders(
    order_ids bigint[],
    -- One entry per order.
    user_ids bigint[], currencies text[], subtotals bigint[], discounts bigint[], shippings bigint[], totals bigint[],
    addresses jsonb[], payment_methods text[], shipping_methods text[], sources text[], refs text[],
    request_scopes text[], request_keys text[], fingerprints bytea[], actor_ids bigint[], notes text[], request_ids text[],
    providers text[], tokens text[], placed timestamptz[],
    -- One entry per line; line_orders counts the orders from 1.
    line_orders int[], positions int[], product_ids bigint[], variant_ids bigint[], skus text[], titles text[],
    quantities bigint[], list_prices bigint[], unit_prices bigint[], price_sources text[], line_discounts bigint[], line_totals bigint[],
    kinds text[], tax_classes text[],
    -- One entry per part of a bundle; part_lines counts the lines from 1.
    part_lines int[], part_variant_ids bigint[], part_skus text[], part_titles text[], part_kinds text[], part_quantities bigint[]
) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    asked bigint[];
BEGIN
    WITH o AS MATERIALIZED (
        SELECT * FROM unnest(order_ids, user_ids, currencies, subtotals, discounts, shippings, totals, addresses, payment_methods,
                             shipping_methods, sources, refs, request_scopes, request_keys, fingerprints, actor_ids, notes,
                             request_ids, providers, tokens, placed)
          WITH ORDINALITY AS o (id, user_id, currency, subtotal, discount, shipping, total, address, payment_method, shipping_method,
                                source, ref, scope, key, fingerprint, actor_id, note, request_id, provider, token, placed_at, position)
    ), orders AS (
        INSERT INTO ordering.orders (id, user_id, status, currency, subtotal_minor, discount_minor, shipping_minor, total_minor,
            address, payment_method, shipping_method, source, reference, request_scope, request_key, request_fingerprint,
            placed_at, updated_at) OVERRIDING SYSTEM VALUE
        SELECT id, user_id, 'ordered', currency, subtotal, discount, shipping, total, address, payment_method, shipping_method,
               source, ref, scope, key, fingerprint, placed_at, placed_at
          FROM o WHERE id IS NOT NULL
    ), lines AS (
        INSERT INTO ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, list_price_minor,
            unit_price_minor, price_source, discount_minor, total_minor, kind, tax_class)
        SELECT order_ids[l.of], l.position, l.product_id, l.variant_id, l.sku, l.title, l.quantity, l.list_price,
               l.unit_price, l.price_source, l.discount, l.total, l.kind, l.tax_class
          FROM unnest(line_orders, positions, product_ids, variant_ids, skus, titles, quantities, list_prices, unit_prices,
                      price_sources, line_discounts, line_totals, kinds, tax_classes)
            AS l (of, position, product_id, variant_id, sku, title, quantity, list_price, unit_price, price_source, discount, total,
                 kind, tax_class)
         WHERE order_ids[l.of] IS NOT NULL
    ), timeline AS (
        INSERT INTO ordering.order_timeline (order_id, version, kind, to_status, actor_id, note, occurred_at)
        SELECT id, 1, 'placed', 'ordered', actor_id, note, placed_at FROM o WHERE id IS NOT NULL
    ), payments AS (
        INSERT INTO ordering.payments (order_id, provider, status, amount_minor, currency, token)
        SELECT id, provider, 'pending', total, currency, token FROM o WHERE id IS NOT NULL AND provider IS NOT NULL
        RETURNING id, order_id
    ), operations AS (
        INSERT INTO ordering.payment_operations (payment_id, kind, actor_id)
        SELECT p.id, 'authorise', o.actor_id FROM payments p JOIN o ON o.id = p.order_id
        RETURNING id, payment_id
    ), events AS (
        INSERT INTO platform.outbox (event_id, kind, resource_type, resource_id, sequence, actor_id, request_id, payload)
        SELECT gen_random_uuid(), 'order.placed', 'order', id, 1, actor_id, request_id,
               jsonb_build_object('orderId', id, 'userId', user_id,
                                  'total', jsonb_build_object('amount', total, 'currency', currency))
          FROM o WHERE id IS NOT NULL ORDER BY position
    )
    SELECT array_agg(x.id ORDER BY o.position) INTO asked
      FROM o LEFT JOIN payments p ON p.order_id = o.id LEFT JOIN operations x ON x.payment_id = p.id;
    IF part_lines <> '{}' THEN
        INSERT INTO ordering.order_line_parts (order_id, position, part, variant_id, sku, title, kind, quantity)
        SELECT order_ids[line_orders[p.line]], positions[p.line], row_number() OVER (PARTITION BY p.line ORDER BY p.n),
               p.variant_id, p.sku, p.title, p.kind, p.quantity
          FROM unnest(part_lines, part_variant_ids, part_skus, part_titles, part_kinds, part_quantities)
               WITH ORDINALITY AS p (line, variant_id, sku, title, kind, quantity, n)
         WHERE order_ids[line_orders[p.line]] IS NOT NULL;
    END IF;
    RETURN asked;
END $$;
