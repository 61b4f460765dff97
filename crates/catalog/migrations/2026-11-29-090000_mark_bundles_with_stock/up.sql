-- Marks the products of bundles that could be had before these units of their parts were taken, and cannot any more: the index
-- may have to say so. Called by whoever took them.
CREATE FUNCTION catalog.search_mark_bundles_used_up(variant_ids bigint[], quantities bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog.search_stale (product_id)
    SELECT DISTINCT v.product_id
      FROM (SELECT l.id, sum(l.units) AS units FROM unnest(variant_ids, quantities) AS l (id, units) GROUP BY l.id) t
      JOIN catalog.bundle_parts b ON b.part_id = t.id
      JOIN catalog.variants v ON v.id = b.bundle_id AND v.archived_at IS NULL
     CROSS JOIN LATERAL catalog.availability(t.id) a
     WHERE a.available < b.quantity AND a.available + t.units >= b.quantity;
END $$;

-- As before, and bundles are looked at as well: also a release that knows nothing of them takes their parts.
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

-- As before, but a digital part that has left the shop counts as one that is sent, of which there is none: so its bundle is out
-- of stock, and not merely said to be.
CREATE OR REPLACE FUNCTION catalog.bundle_parts_of(wanted_bundle bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'variantId', b.part_id, 'sku', v.sku, 'title', CASE v.title WHEN '' THEN p.name ELSE p.name || ' – ' || v.title END,
                   'kind', CASE WHEN v.archived_at IS NULL THEN v.kind ELSE 'physical' END, 'quantity', b.quantity,
                   'available', CASE WHEN v.archived_at IS NULL THEN a.available ELSE 0 END) ORDER BY b.position)
          FROM catalog.bundle_parts b
          JOIN catalog.variants v ON v.id = b.part_id
          JOIN catalog.products p ON p.id = v.product_id
         CROSS JOIN LATERAL catalog.availability(b.part_id) a
         WHERE b.bundle_id = wanted_bundle);
END $$;
