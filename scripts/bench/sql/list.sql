-- What the API asks for a page of 20 products.
\set after random(:first, :last - 30)
SELECT p.id, p.name, p.description, p.image, p.version, p.created_at, p.updated_at,
       v.sku, v.id, v.kind, c.amount_minor, c.currency, p.variant_count, NULL::jsonb, p.slug, p.brand, NULL::text[], NULL::text, NULL::text, NULL::text, NULL::jsonb,
       CASE WHEN v.in_lists THEN catalog.shown_price(v.id, c.amount_minor, c.currency, NULL) END, p.has_media
  FROM catalog.products p
  JOIN catalog.variants v ON v.product_id = p.id AND v.is_default
 CROSS JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices
        WHERE variant_id = v.id AND valid_from <= statement_timestamp()
        ORDER BY (currency = 'USD') DESC, valid_from DESC, id DESC LIMIT 1) c
 WHERE catalog.is_on_sale(p) AND p.id > :after AND v.product_id > :after
 ORDER BY p.id LIMIT 21 OFFSET 0;
