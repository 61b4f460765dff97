CREATE OR REPLACE FUNCTION catalog.quote(wanted_product bigint, wanted_sku text, preferred_currency text)
RETURNS TABLE (variant_id bigint, product_id bigint, product_version bigint, sku text, title text,
               price_id bigint, price_minor bigint, currency text, available bigint)
LANGUAGE sql STABLE AS $$
    SELECT v.id, p.id, p.version, v.sku, CASE v.title WHEN '' THEN p.name ELSE p.name || ' – ' || v.title END,
           c.id, c.amount_minor, c.currency,
           coalesce(s.on_hand - s.safety + s.backorder_limit - s.reserved, 0)
      FROM (SELECT id, product_id, sku, title FROM catalog.variants
             WHERE product_id = wanted_product AND is_default AND archived_at IS NULL
             UNION ALL
            SELECT id, product_id, sku, title FROM catalog.variants WHERE sku = wanted_sku AND archived_at IS NULL) v
      JOIN catalog.products p ON p.id = v.product_id AND catalog.is_on_sale(p)
     CROSS JOIN LATERAL (
           SELECT id, amount_minor, currency FROM catalog.prices
            WHERE variant_id = v.id AND valid_from <= statement_timestamp()
            ORDER BY (currency = preferred_currency) DESC, valid_from DESC, id DESC LIMIT 1) c
      LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1
$$;

CREATE OR REPLACE FUNCTION catalog.grant_stock(
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

CREATE OR REPLACE FUNCTION catalog.reserve_stock(order_ids bigint[], actor_ids bigint[], variant_ids bigint[], quantities bigint[]) RETURNS void
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

DROP FUNCTION catalog.hold_stock;
DROP FUNCTION catalog.sources;
DROP FUNCTION catalog.availability;
