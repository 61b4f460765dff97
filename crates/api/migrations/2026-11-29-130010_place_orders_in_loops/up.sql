-- As before. What is done for each order or line is a loop: most sets are small, and each statement that is left out of a function
-- saves the making of its plan's state.
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
    orders int := cardinality(placed);
    verdicts text[] := platform.claim_keys(request_scopes, request_keys, patient);
    outdated int[];
    has_lists boolean;
    line_order int;
    line_currencies text[] := '{}';
    -- Before this an order was priced too long ago.
    horizon timestamptz := clock_timestamp() - interval '0.7 s';
    -- What is taken from stock: for which order, and how many units of what. Nearly always that is what the lines say.
    taken_orders int[] := line_orders;
    taken_variants bigint[] := variant_ids;
    taken_units bigint[] := quantities;
    stock record;
    order_ids bigint[] := array_fill(NULL::bigint, ARRAY[orders]);
    operation_ids bigint[];
    is_settled boolean;
    reserved_orders bigint[] := '{}';
    reserved_actors bigint[] := '{}';
    reserved_variants bigint[] := '{}';
    reserved_units bigint[] := '{}';
    stored_scopes text[] := '{}';
    stored_keys text[] := '{}';
    stored_fingerprints bytea[] := '{}';
    stored_operations bigint[] := '{}';
    stored_statuses smallint[] := '{}';
    stored_locations text[] := '{}';
    stored_bodies bytea[] := '{}';
    lock_limit text;
BEGIN
    FOREACH line_order IN ARRAY line_orders LOOP
        line_currencies := line_currencies || currencies[line_order];
    END LOOP;
    SELECT coalesce(catalog.find_outdated(line_orders, product_ids, product_versions, variant_ids, price_ids, line_currencies), '{}'),
           EXISTS (SELECT FROM catalog.price_lists)
      INTO outdated, has_lists;
    FOR n IN 1..orders LOOP
        IF placed[n] < horizon THEN
            outdated := outdated || n;
        END IF;
    END LOOP;
    -- A shop without price lists is not asked which variants are in one.
    IF has_lists AND EXISTS (SELECT FROM catalog.variants WHERE id = ANY (variant_ids) AND in_lists) THEN
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
        -- A row that somebody holds for long fails the set early enough for its members to be placed one by one. An assignment
        -- needs no statement.
        lock_limit := set_config('lock_timeout', '500ms', true);
    END IF;
    -- Who has a key that is known or busy, or was quoted what does not hold, takes nothing.
    IF 'free' = ALL (verdicts) AND outdated = '{}' THEN
        stock := catalog.grant_stock(taken_orders, taken_variants, taken_units);
    ELSE
        SELECT g.* INTO stock
          FROM (SELECT array_agg(l.of) AS orders, array_agg(l.variant_id) AS variants, array_agg(l.units) AS units
                  FROM unnest(taken_orders, taken_variants, taken_units) AS l (of, variant_id, units)
                 WHERE verdicts[l.of] = 'free' AND l.of <> ALL (outdated)) l,
               catalog.grant_stock(coalesce(l.orders, '{}'), coalesce(l.variants, '{}'), coalesce(l.units, '{}')) g;
    END IF;
    FOR n IN 1..orders LOOP
        IF verdicts[n] = 'free' THEN
            IF n = ANY (outdated) THEN
                verdicts[n] := 'outdated';
            ELSIF n = ANY (stock.short_orders) THEN
                verdicts[n] := 'short';
            ELSE
                verdicts[n] := 'placed';
                order_ids[n] := nextval('ordering.orders_id_seq');
            END IF;
        END IF;
    END LOOP;
    IF 'placed' = ANY (verdicts) THEN
        operation_ids := ordering.insert_orders(order_ids,
            user_ids, currencies, subtotals, discounts, shippings, totals, addresses, payment_methods, shipping_methods, sources,
            refs, request_scopes, request_keys, fingerprints, actor_ids, notes, request_ids, providers, tokens, placed,
            line_orders, positions, product_ids, variant_ids, skus, titles, quantities, list_prices, unit_prices, price_sources,
            line_discounts, line_totals, kinds, tax_classes,
            part_lines, part_variant_ids, part_skus, part_titles, part_kinds, part_quantities);
        FOR l IN 1..cardinality(taken_orders) LOOP
            IF order_ids[taken_orders[l]] IS NOT NULL THEN
                reserved_orders := reserved_orders || order_ids[taken_orders[l]];
                reserved_actors := reserved_actors || actor_ids[taken_orders[l]];
                reserved_variants := reserved_variants || taken_variants[l];
                reserved_units := reserved_units || taken_units[l];
            END IF;
        END LOOP;
        PERFORM catalog.reserve_stock(reserved_orders, reserved_actors, reserved_variants, reserved_units);
        FOR n IN 1..orders LOOP
            IF order_ids[n] IS NOT NULL AND request_keys[n] IS NOT NULL THEN
                is_settled := operation_ids[n] IS NULL;
                stored_scopes := stored_scopes || request_scopes[n];
                stored_keys := stored_keys || request_keys[n];
                stored_fingerprints := stored_fingerprints || fingerprints[n];
                stored_operations := stored_operations || operation_ids[n];
                stored_statuses := stored_statuses || CASE WHEN is_settled THEN 201::smallint END;
                stored_locations := stored_locations || CASE WHEN is_settled THEN location_head || order_ids[n] END;
                stored_bodies := stored_bodies
                    || CASE WHEN is_settled THEN convert_to(answer_head || order_ids[n] || answer_tails[n], 'UTF8') END;
            END IF;
        END LOOP;
        IF stored_keys <> '{}' THEN
            PERFORM platform.store_keys(stored_scopes, stored_keys, stored_fingerprints, stored_operations, stored_statuses,
                stored_locations, stored_bodies);
        END IF;
    END IF;
    FOR n IN 1..orders LOOP
        verdict := verdicts[n];
        order_id := order_ids[n];
        operation_id := operation_ids[n];
        IF verdict = 'short' THEN
            SELECT array_agg(s.variant_id), array_agg(s.units) INTO lacking, available
              FROM unnest(stock.short_orders, stock.short_variants, stock.short_available) AS s (of, variant_id, units) WHERE s.of = n;
        ELSE
            lacking := NULL;
            available := NULL;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
