-- As before. PL/pgSQL unpacks an array once, so that a subscript costs the same wherever it points: cheaper than twenty arrays side by
-- side in FROM, each of which is kept as a set of its own. Who pays without a provider is spared the statement that asks one.
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
    asked bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(order_ids)]);
BEGIN
    WITH orders AS (
        INSERT INTO ordering.orders (id, user_id, status, currency, subtotal_minor, discount_minor, shipping_minor, total_minor,
            address, payment_method, shipping_method, source, reference, request_scope, request_key, request_fingerprint,
            placed_at, updated_at) OVERRIDING SYSTEM VALUE
        SELECT order_ids[n], user_ids[n], 'ordered', currencies[n], subtotals[n], discounts[n], shippings[n], totals[n],
               addresses[n], payment_methods[n], shipping_methods[n], sources[n], refs[n], request_scopes[n], request_keys[n],
               fingerprints[n], placed[n], placed[n]
          FROM generate_subscripts(order_ids, 1) AS n WHERE order_ids[n] IS NOT NULL
    ), lines AS (
        INSERT INTO ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, list_price_minor,
            unit_price_minor, price_source, discount_minor, total_minor, kind, tax_class)
        SELECT order_ids[line_orders[l]], positions[l], product_ids[l], variant_ids[l], skus[l], titles[l], quantities[l],
               list_prices[l], unit_prices[l], price_sources[l], line_discounts[l], line_totals[l], kinds[l], tax_classes[l]
          FROM generate_subscripts(line_orders, 1) AS l WHERE order_ids[line_orders[l]] IS NOT NULL
    ), timeline AS (
        INSERT INTO ordering.order_timeline (order_id, version, kind, to_status, actor_id, note, occurred_at)
        SELECT order_ids[n], 1, 'placed', 'ordered', actor_ids[n], notes[n], placed[n]
          FROM generate_subscripts(order_ids, 1) AS n WHERE order_ids[n] IS NOT NULL
    )
    INSERT INTO platform.outbox (event_id, kind, resource_type, resource_id, sequence, actor_id, request_id, payload)
    SELECT gen_random_uuid(), 'order.placed', 'order', order_ids[n], 1, actor_ids[n], request_ids[n],
           jsonb_build_object('orderId', order_ids[n], 'userId', user_ids[n],
                              'total', jsonb_build_object('amount', totals[n], 'currency', currencies[n]))
      FROM generate_subscripts(order_ids, 1) AS n WHERE order_ids[n] IS NOT NULL;
    IF array_remove(providers, NULL) <> '{}' THEN
        WITH payments AS (
            INSERT INTO ordering.payments (order_id, provider, status, amount_minor, currency, token)
            SELECT order_ids[n], providers[n], 'pending', totals[n], currencies[n], tokens[n]
              FROM generate_subscripts(order_ids, 1) AS n WHERE order_ids[n] IS NOT NULL AND providers[n] IS NOT NULL
            RETURNING id, order_id
        ), operations AS (
            INSERT INTO ordering.payment_operations (payment_id, kind, actor_id)
            SELECT p.id, 'authorise', actor_ids[array_position(order_ids, p.order_id)] FROM payments p
            RETURNING id, payment_id
        )
        SELECT array_agg(x.id ORDER BY n) INTO asked
          FROM generate_subscripts(order_ids, 1) AS n
          LEFT JOIN payments p ON p.order_id = order_ids[n] LEFT JOIN operations x ON x.payment_id = p.id;
    END IF;
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
