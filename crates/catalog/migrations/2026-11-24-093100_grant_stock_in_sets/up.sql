-- Tells which orders were quoted something that does not hold any more: the product changed or left, or another price came
-- into force. One entry per line; line_orders says which order a line belongs to.
CREATE FUNCTION catalog.find_outdated(
    line_orders int[], product_ids bigint[], product_versions bigint[], variant_ids bigint[], price_ids bigint[], currencies text[]
) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT array_agg(DISTINCT l.of)
          FROM unnest(line_orders, product_ids, product_versions, variant_ids, price_ids, currencies)
               AS l (of, product_id, version, variant_id, price_id, currency)
         WHERE NOT EXISTS (SELECT FROM catalog.products p WHERE p.id = l.product_id AND p.version = l.version)
            OR l.price_id IS DISTINCT FROM (
               SELECT c.id FROM catalog.prices c
                WHERE c.variant_id = l.variant_id AND c.currency = l.currency AND c.valid_from <= statement_timestamp()
                ORDER BY c.valid_from DESC, c.id DESC LIMIT 1));
END $$;

-- Locks the stock of all lines in variant order until the transaction ends, and gives it to the orders first come, first
-- served: an order gets all of its lines or none, and one that falls short takes nothing from those behind it.
-- Orders are numbered in the order in which they came. Nothing is written; what the short ones lack is returned.
CREATE FUNCTION catalog.grant_stock(
    line_orders int[], variant_ids bigint[], quantities bigint[],
    OUT short_orders int[], OUT short_variants bigint[], OUT short_available bigint[]
)
LANGUAGE plpgsql AS $$
DECLARE
    levels bigint[]; -- variants that have stock, in order
    free bigint[];   -- what is left of each
    enough boolean;
    number int;
    lacking record;
BEGIN
    short_orders := '{}'; short_variants := '{}'; short_available := '{}';
    SELECT array_agg(variant_id ORDER BY variant_id), array_agg(available ORDER BY variant_id),
           coalesce(bool_and(available >= wanted), true)
             AND count(*) = (SELECT count(DISTINCT v) FROM unnest(variant_ids) v)
      INTO levels, free, enough
      FROM (SELECT s.variant_id, s.on_hand - s.safety + s.backorder_limit - s.reserved AS available, w.wanted
              FROM (SELECT v AS variant_id, sum(q) AS wanted FROM unnest(variant_ids, quantities) AS l (v, q) GROUP BY v) w
              JOIN catalog.stock_levels s ON s.variant_id = w.variant_id AND s.location_id = 1
             ORDER BY s.variant_id FOR UPDATE OF s) AS locked;
    IF enough THEN
        RETURN;
    END IF;
    FOR number IN SELECT DISTINCT o FROM unnest(line_orders) o ORDER BY o LOOP
        SELECT array_agg(w.variant_id) AS variants, array_agg(greatest(coalesce(f.available, 0), 0)) AS available INTO lacking
          FROM (SELECT v AS variant_id, sum(q) AS wanted
                  FROM unnest(line_orders, variant_ids, quantities) AS l (o, v, q) WHERE o = number GROUP BY v) w
          LEFT JOIN unnest(levels, free) AS f (variant_id, available) USING (variant_id)
         WHERE coalesce(f.available, 0) < w.wanted;
        IF lacking.variants IS NULL THEN
            SELECT array_agg(f.available - coalesce(w.wanted, 0) ORDER BY f.variant_id) INTO free
              FROM unnest(levels, free) AS f (variant_id, available)
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

-- Reserves what was granted, with a movement for each order and variant. One entry per line.
CREATE FUNCTION catalog.reserve_stock(order_ids bigint[], actor_ids bigint[], variant_ids bigint[], quantities bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH reserved AS (
        UPDATE catalog.stock_levels s SET reserved = s.reserved + w.units
          FROM (SELECT v AS variant_id, sum(q)::bigint AS units FROM unnest(variant_ids, quantities) AS l (v, q) GROUP BY v) w
         WHERE s.variant_id = w.variant_id AND s.location_id = 1)
    INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id, actor_id)
    SELECT v, 1, 0, sum(q), 'order_placed', o, a
      FROM unnest(order_ids, actor_ids, variant_ids, quantities) AS l (o, a, v, q) GROUP BY o, a, v;
END $$;
