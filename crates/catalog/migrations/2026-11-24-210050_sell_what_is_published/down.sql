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
      JOIN catalog.products p ON p.id = v.product_id AND p.archived_at IS NULL
     CROSS JOIN LATERAL (
           SELECT id, amount_minor, currency FROM catalog.prices
            WHERE variant_id = v.id AND valid_from <= statement_timestamp()
            ORDER BY (currency = preferred_currency) DESC, valid_from DESC, id DESC LIMIT 1) c
      LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1
$$;

CREATE OR REPLACE FUNCTION catalog.find_outdated(
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
