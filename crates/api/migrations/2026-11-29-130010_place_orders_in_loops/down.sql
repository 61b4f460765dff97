CREATE OR REPLACE FUNCTION workflows.place_orders(
    -- As in ordering.insert_orders.
    user_ids bigint[], currencies text[], subtotals bigint[], discounts bigint[], shippings bigint[], totals bigint[],
    addresses jsonb[], payment_methods text[], shipping_methods text[], sources text[], refs text[],
    request_scopes text[], request_keys text[], fingerprints bytea[], actor_ids bigint[], notes text[], request_ids text[],
    providers text[], tokens text[], placed timestamptz[],
    line_orders int[], positions int[], product_ids bigint[], variant_ids bigint[], skus text[], titles text[],
    quantities bigint[], list_prices bigint[], unit_prices bigint[], price_sources text[], line_discounts bigint[], line_totals bigint[],
    kinds text[], tax_classes text[],
    -- One entry per part of a bundle; part_lines counts the lines from 1.
    part_lines int[], part_variant_ids bigint[], part_skus text[], part_titles text[], part_kinds text[], part_quantities bigint[],
    -- What the lines were quoted by.
    product_versions bigint[], price_ids bigint[],
    -- The answer to store under a key: where the order is found, and the body, both around the order's id.
    location_head text, answer_head text, answer_tails text[],
    patient boolean
) RETURNS TABLE (verdict text, order_id bigint, operation_id bigint, lacking bigint[], available bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    verdicts text[] := platform.claim_keys(request_scopes, request_keys, patient);
    outdated int[] := coalesce(catalog.find_outdated(line_orders, product_ids, product_versions, variant_ids, price_ids,
        (SELECT array_agg(currencies[l.of] ORDER BY n) FROM unnest(line_orders) WITH ORDINALITY AS l (of, n))), '{}')
        || ARRAY(SELECT n::int FROM unnest(placed) WITH ORDINALITY AS p (at, n) WHERE at < clock_timestamp() - interval '0.7 s');
    -- What is taken from stock: for which order, and how many units of what. Nearly always that is what the lines say.
    taken_orders int[] := line_orders;
    taken_variants bigint[] := variant_ids;
    taken_units bigint[] := quantities;
    stock record;
    order_ids bigint[];
    operation_ids bigint[];
BEGIN
    -- A shop without price lists is not asked which variants are in one.
    IF EXISTS (SELECT FROM catalog.price_lists) AND EXISTS (SELECT FROM catalog.variants WHERE id = ANY (variant_ids) AND in_lists) THEN
        outdated := outdated || ARRAY(
            SELECT DISTINCT l.of
              FROM (SELECT l.of, l.variant_id, l.price_id, l.amount, sum(l.quantity) OVER (PARTITION BY l.of, l.variant_id)::bigint AS pieces
                      FROM unnest(line_orders, variant_ids, quantities, price_ids, list_prices)
                           AS l (of, variant_id, quantity, price_id, amount)) l
              JOIN accounts.users u ON u.id = user_ids[l.of]
             WHERE l.amount IS DISTINCT FROM coalesce(
                   catalog.charged_price(l.variant_id, currencies[l.of], l.pieces, u.customer_groups, addresses[l.of] ->> 'country'),
                   (SELECT amount_minor FROM catalog.prices WHERE id = l.price_id)));
    END IF;
    IF 'physical' <> ANY (kinds) THEN
        outdated := outdated || ARRAY(
            SELECT DISTINCT line_orders[p.line]
              FROM unnest(part_lines, part_variant_ids, part_kinds) AS p (line, variant_id, kind)
             WHERE NOT EXISTS (SELECT FROM catalog.variants v WHERE v.id = p.variant_id AND v.kind = p.kind AND v.archived_at IS NULL));
        SELECT coalesce(array_agg(t.of), '{}'), coalesce(array_agg(t.variant_id), '{}'), coalesce(array_agg(t.units), '{}')
          INTO taken_orders, taken_variants, taken_units
          FROM (SELECT l.of, l.variant_id, l.quantity AS units
                  FROM unnest(line_orders, variant_ids, quantities, kinds) AS l (of, variant_id, quantity, kind)
                 WHERE l.kind = 'physical'
                 UNION ALL
                SELECT line_orders[p.line], p.variant_id, p.quantity * quantities[p.line]
                  FROM unnest(part_lines, part_variant_ids, part_quantities, part_kinds) AS p (line, variant_id, quantity, kind)
                 WHERE p.kind = 'physical') t;
    END IF;
    IF NOT patient THEN
        -- A row that somebody holds for long fails the set early enough for its members to be placed one by one.
        PERFORM set_config('lock_timeout', '500ms', true);
    END IF;
    SELECT g.* INTO stock
      FROM (SELECT array_agg(l.of) AS orders, array_agg(l.variant_id) AS variants, array_agg(l.units) AS units
              FROM unnest(taken_orders, taken_variants, taken_units) AS l (of, variant_id, units)
             WHERE verdicts[l.of] = 'free' AND l.of <> ALL (outdated)) l,
           catalog.grant_stock(coalesce(l.orders, '{}'), coalesce(l.variants, '{}'), coalesce(l.units, '{}')) g;
    SELECT array_agg(v.verdict ORDER BY n),
           array_agg(CASE WHEN v.verdict = 'placed' THEN nextval('ordering.orders_id_seq') END ORDER BY n)
      INTO verdicts, order_ids
      FROM (SELECT n, CASE WHEN verdict <> 'free' THEN verdict
                           WHEN n = ANY (outdated) THEN 'outdated'
                           WHEN n = ANY (stock.short_orders) THEN 'short'
                           ELSE 'placed' END AS verdict
              FROM unnest(verdicts) WITH ORDINALITY AS v (verdict, n) ORDER BY n) v;
    IF 'placed' = ANY (verdicts) THEN
        operation_ids := ordering.insert_orders(order_ids,
            user_ids, currencies, subtotals, discounts, shippings, totals, addresses, payment_methods, shipping_methods, sources,
            refs, request_scopes, request_keys, fingerprints, actor_ids, notes, request_ids, providers, tokens, placed,
            line_orders, positions, product_ids, variant_ids, skus, titles, quantities, list_prices, unit_prices, price_sources,
            line_discounts, line_totals, kinds, tax_classes,
            part_lines, part_variant_ids, part_skus, part_titles, part_kinds, part_quantities);
        PERFORM catalog.reserve_stock(array_agg(order_ids[l.of]), array_agg(actor_ids[l.of]), array_agg(l.variant_id), array_agg(l.units))
           FROM unnest(taken_orders, taken_variants, taken_units) AS l (of, variant_id, units) WHERE order_ids[l.of] IS NOT NULL;
        PERFORM platform.store_keys(array_agg(k.scope), array_agg(k.key), array_agg(k.fingerprint), array_agg(k.operation_id),
                    array_agg(CASE WHEN k.operation_id IS NULL THEN 201::smallint END),
                    array_agg(CASE WHEN k.operation_id IS NULL THEN location_head || k.order_id END),
                    array_agg(CASE WHEN k.operation_id IS NULL THEN convert_to(answer_head || k.order_id || k.tail, 'UTF8') END))
           FROM unnest(request_scopes, request_keys, fingerprints, order_ids, operation_ids, answer_tails)
                AS k (scope, key, fingerprint, order_id, operation_id, tail)
          WHERE k.key IS NOT NULL AND k.order_id IS NOT NULL HAVING count(*) > 0;
    END IF;
    RETURN QUERY
        SELECT v.verdict, v.order_id, v.operation_id,
               (SELECT array_agg(s.variant_id) FROM unnest(stock.short_orders, stock.short_variants) AS s (of, variant_id) WHERE s.of = v.n),
               (SELECT array_agg(s.available) FROM unnest(stock.short_orders, stock.short_available) AS s (of, available) WHERE s.of = v.n)
          FROM unnest(verdicts, order_ids, operation_ids) WITH ORDINALITY AS v (verdict, order_id, operation_id, n) ORDER BY v.n;
END $$;
