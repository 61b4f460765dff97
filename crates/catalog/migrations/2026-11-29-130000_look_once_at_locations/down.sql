CREATE OR REPLACE FUNCTION catalog.grant_stock(
    line_orders int[], variant_ids bigint[], quantities bigint[],
    OUT short_orders int[], OUT short_variants bigint[], OUT short_available bigint[]
)
LANGUAGE plpgsql AS $$
DECLARE
    variants bigint[]; -- those that have stock, in order
    free bigint[];     -- what is left of each
    enough boolean;
    number int;
    lacking record;
BEGIN
    short_orders := '{}'; short_variants := '{}'; short_available := '{}';
    -- What expired holds gave back is seen by a second look, and so is a level that was made while this waited for others.
    FOR look IN 1..2 LOOP
        -- In the order of the locks. Nearly always each variant is at one location, and there is enough of it.
        SELECT array_agg(variant_id), array_agg(available),
               coalesce(bool_and(available >= wanted), true)
                 AND count(*) = (SELECT count(DISTINCT v) FROM unnest(variant_ids) v)
          INTO variants, free, enough
          FROM (SELECT s.variant_id, w.wanted,
                       CASE WHEN s.location_id <> ALL (ARRAY(SELECT id FROM catalog.locations WHERE deactivated_at IS NOT NULL))
                            THEN s.on_hand - s.safety + s.backorder_limit - s.reserved ELSE 0 END AS available
                  FROM (SELECT v AS variant_id, sum(q) AS wanted FROM unnest(variant_ids, quantities) AS l (v, q) GROUP BY v) w
                  JOIN catalog.stock_levels s ON s.variant_id = w.variant_id
                 ORDER BY s.variant_id, s.location_id FOR UPDATE OF s) AS locked;
        IF enough THEN
            RETURN;
        END IF;
        SELECT array_agg(l.variant_id ORDER BY l.variant_id) FILTER (WHERE l.variant_id IS NOT NULL),
               array_agg(l.available ORDER BY l.variant_id) FILTER (WHERE l.variant_id IS NOT NULL),
               bool_and(l.available >= w.wanted) AND count(l.variant_id) = count(*)
          INTO variants, free, enough
          FROM (SELECT v AS variant_id, sum(q) AS wanted FROM unnest(variant_ids, quantities) AS q (v, q) GROUP BY v) w
          LEFT JOIN (SELECT variant_id, sum(available)::bigint AS available
                       FROM unnest(variants, free) AS f (variant_id, available) GROUP BY variant_id) l USING (variant_id);
        IF enough THEN
            RETURN;
        END IF;
        IF look = 1 THEN
            PERFORM catalog.release_expired_holds(variant_ids);
        END IF;
    END LOOP;
    FOR number IN SELECT DISTINCT o FROM unnest(line_orders) o ORDER BY o LOOP
        SELECT array_agg(w.variant_id) AS variants, array_agg(coalesce(f.available, 0)) AS available INTO lacking
          FROM (SELECT v AS variant_id, sum(q) AS wanted
                  FROM unnest(line_orders, variant_ids, quantities) AS l (o, v, q) WHERE o = number GROUP BY v) w
          LEFT JOIN unnest(variants, free) AS f (variant_id, available) USING (variant_id)
         WHERE coalesce(f.available, 0) < w.wanted;
        IF lacking.variants IS NULL THEN
            SELECT array_agg(f.available - coalesce(w.wanted, 0) ORDER BY f.variant_id) INTO free
              FROM unnest(variants, free) AS f (variant_id, available)
              LEFT JOIN (SELECT v AS variant_id, sum(q) AS wanted
                           FROM unnest(line_orders, variant_ids, quantities) AS l (o, v, q) WHERE o = number GROUP BY v) w
              USING (variant_id);
        ELSE
            short_orders := short_orders || array_fill(number, ARRAY[cardinality(lacking.variants)]);
            short_variants := short_variants || lacking.variants;
            short_available := short_available || lacking.available;
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION catalog.availability(wanted_variant bigint) RETURNS TABLE (available bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(s.on_hand - s.safety + s.backorder_limit - s.reserved), 0)::bigint
           + coalesce((SELECT sum(l.units) FROM catalog.stock_hold_lines l JOIN catalog.stock_holds h ON h.id = l.hold_id
                        WHERE l.variant_id = wanted_variant AND l.released_at IS NULL AND h.expires_at <= statement_timestamp()
                          AND l.location_id <> ALL (ARRAY(SELECT id FROM catalog.locations WHERE deactivated_at IS NOT NULL))), 0)::bigint
      FROM catalog.stock_levels s
     WHERE s.variant_id = wanted_variant
       AND s.location_id <> ALL (ARRAY(SELECT id FROM catalog.locations WHERE deactivated_at IS NOT NULL))
$$;

CREATE OR REPLACE FUNCTION catalog.reserve_stock(order_ids bigint[], actor_ids bigint[], variant_ids bigint[], quantities bigint[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- Variants that are, or were, not only at the main location.
    elsewhere bigint[] := '{}';
    used_up bigint[];
BEGIN
    IF EXISTS (SELECT FROM catalog.locations WHERE id > 1) THEN
        elsewhere := ARRAY(SELECT v FROM unnest(variant_ids) v
                            WHERE EXISTS (SELECT FROM catalog.stock_levels WHERE variant_id = v AND location_id > 1));
    END IF;
    WITH reserved AS (
        UPDATE catalog.stock_levels s SET reserved = s.reserved + w.units
          FROM (SELECT v AS variant_id, sum(q)::bigint AS units FROM unnest(variant_ids, quantities) AS l (v, q)
                 WHERE v <> ALL (elsewhere) GROUP BY v) w
         WHERE s.variant_id = w.variant_id AND s.location_id = 1
        RETURNING s.variant_id, s.on_hand - s.safety + s.backorder_limit - s.reserved AS available
    ), moved AS (
        INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id, actor_id)
        SELECT v, 1, 0, sum(q), 'order_placed', o, a
          FROM unnest(order_ids, actor_ids, variant_ids, quantities) AS l (o, a, v, q)
         WHERE v <> ALL (elsewhere) GROUP BY o, a, v)
    SELECT array_agg(variant_id) INTO used_up FROM reserved WHERE available <= 0;
    IF used_up IS NOT NULL THEN
        PERFORM catalog.search_mark_used_up(used_up);
    END IF;
    IF elsewhere <> '{}' THEN
        -- All units of a variant stand in a row, those of the first order first; so do the places they come from.
        WITH wanted AS (
            SELECT o, a, v, sum(q) OVER came - q AS low, sum(q) OVER came AS high
              FROM (SELECT o, a, v, sum(q) AS q FROM unnest(order_ids, actor_ids, variant_ids, quantities) AS l (o, a, v, q)
                     WHERE v = ANY (elsewhere) GROUP BY o, a, v) l
            WINDOW came AS (PARTITION BY v ORDER BY o, a ROWS UNBOUNDED PRECEDING)
        ), taken AS MATERIALIZED (
            SELECT w.o, w.a, w.v, p.location_id, sum(least(w.high, p.high) - greatest(w.low, p.low))::bigint AS units
              FROM wanted w CROSS JOIN LATERAL catalog.sources(w.v) p
             WHERE p.low < w.high AND w.low < p.high AND p.low < p.high
             GROUP BY w.o, w.a, w.v, p.location_id
        ), reserved AS (
            UPDATE catalog.stock_levels s SET reserved = s.reserved + t.units
              FROM (SELECT v, location_id, sum(units)::bigint AS units FROM taken GROUP BY v, location_id) t
             WHERE s.variant_id = t.v AND s.location_id = t.location_id
            RETURNING s.variant_id, s.on_hand - s.safety + s.backorder_limit - s.reserved AS available
        ), moved AS (
            INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id, actor_id)
            SELECT v, location_id, 0, units, 'order_placed', o, a FROM taken)
        SELECT array_agg(variant_id) INTO used_up FROM reserved WHERE available <= 0;
        IF used_up IS NOT NULL THEN
            PERFORM catalog.search_mark_used_up(used_up);
        END IF;
    END IF;
    IF EXISTS (SELECT FROM catalog.bundle_parts) THEN
        PERFORM catalog.search_mark_bundles_used_up(variant_ids, quantities);
    END IF;
END $$;
