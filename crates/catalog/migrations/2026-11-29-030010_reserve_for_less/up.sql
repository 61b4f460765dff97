-- Whoever takes stock waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';

-- As before. The condition is parsed anew for each statement that writes levels, so it is short, and the function looks again.
CREATE OR REPLACE FUNCTION catalog.tell_when_low() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    now_available bigint := NEW.on_hand - NEW.safety + NEW.backorder_limit - NEW.reserved;
    is_low boolean := coalesce(now_available <= NEW.low_at, false);
    number bigint;
BEGIN
    IF is_low = (NEW.low_since IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    UPDATE catalog.stock_levels SET low_since = CASE WHEN is_low THEN now() END
     WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id;
    UPDATE catalog.stock_levels SET version = version + 1
     WHERE variant_id = NEW.variant_id AND location_id = 1 RETURNING version INTO number;
    -- Behind the last one of the variant, as outbox::write does it.
    INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence, xid)
    VALUES (CASE WHEN is_low THEN 'stock.low' ELSE 'stock.back' END, 'variant', NEW.variant_id,
            jsonb_build_object('variantId', NEW.variant_id, 'locationId', NEW.location_id, 'available', now_available, 'lowAt', NEW.low_at),
            number,
            greatest(pg_current_xact_id(), (SELECT o.xid FROM platform.outbox o
                                             WHERE o.resource_type = 'variant' AND o.resource_id = NEW.variant_id AND o.sequence < number
                                             ORDER BY o.sequence DESC LIMIT 1)));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER stock_levels_tell_when_low AFTER UPDATE ON catalog.stock_levels FOR EACH ROW
    WHEN (NEW.low_at IS NOT NULL OR NEW.low_since IS NOT NULL)
    EXECUTE FUNCTION catalog.tell_when_low();

-- Marks the products of variants of which some location has none left: the index may have to say so.
CREATE FUNCTION catalog.search_mark_used_up(variant_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog.search_stale (product_id) SELECT DISTINCT product_id FROM catalog.variants WHERE id = ANY (variant_ids);
END $$;

-- As before; a shop with one location is not asked where its variants are. What is used up is marked here, where it is known
-- for nothing: following it from each order took the index longer than all else.
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
    IF elsewhere = '{}' THEN
        RETURN;
    END IF;
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
END $$;
