-- As catalog.quote, which an earlier release goes on calling, and what is taken for a unit: of a bundle its parts. Of what keeps
-- no stock that one finds none, so that it does not sell it. The parts of what is no bundle are not looked for.
CREATE FUNCTION catalog.quote_line(wanted_product bigint, wanted_sku text, preferred_currency text)
RETURNS TABLE (variant_id bigint, product_id bigint, product_version bigint, sku text, title text,
               price_id bigint, price_minor bigint, currency text, available bigint, in_lists boolean,
               kind text, tax_class text, parts jsonb)
LANGUAGE sql STABLE AS $$
    SELECT v.id, p.id, p.version, v.sku, CASE v.title WHEN '' THEN p.name ELSE p.name || ' – ' || v.title END,
           c.id, c.amount_minor, c.currency, s.available, v.in_lists, v.kind, p.tax_class,
           CASE v.kind WHEN 'bundle' THEN catalog.bundle_parts_of(v.id) END
      FROM (SELECT id, product_id, sku, title, in_lists, kind FROM catalog.variants
             WHERE product_id = wanted_product AND is_default AND archived_at IS NULL
             UNION ALL
            SELECT id, product_id, sku, title, in_lists, kind FROM catalog.variants WHERE sku = wanted_sku AND archived_at IS NULL) v
      JOIN catalog.products p ON p.id = v.product_id AND catalog.is_on_sale(p)
     CROSS JOIN LATERAL (
           SELECT id, amount_minor, currency FROM catalog.prices
            WHERE variant_id = v.id AND valid_from <= statement_timestamp()
            ORDER BY (currency = preferred_currency) DESC, valid_from DESC, id DESC LIMIT 1) c
     CROSS JOIN LATERAL catalog.availability(v.id) s
$$;
