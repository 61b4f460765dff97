-- When the clock next changes which list has a price of a variant, or what it is.
CREATE FUNCTION catalog.search_relisted_at(of_variant bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT min(at) FROM (
        SELECT valid_from AS at FROM catalog.list_prices WHERE variant_id = of_variant
         UNION ALL
        SELECT unnest(ARRAY[l.starts_at, l.ends_at]) FROM catalog.price_lists l
         WHERE l.is_active AND l.id IN (SELECT list_id FROM catalog.list_prices WHERE variant_id = of_variant)) moments
     WHERE at > statement_timestamp() AND at < 'infinity'
$$;

-- As before; the price is that of a list where one has any for everybody, wherever the order goes.
CREATE OR REPLACE VIEW catalog.search_sources AS
SELECT p.id AS product_id,
       -- Nobody can buy what has no price yet.
       CASE WHEN c.amounts IS NULL THEN greatest(p.published_at, coalesce(d.priced_at, 'infinity')) ELSE p.published_at END AS published_at,
       p.unpublished_at, p.name, p.brand, p.tags, least(d.priced_at, nullif(p.unpublished_at, 'infinity')) AS changes_at,
       d.categories,
       -- The names of options, and in the same order their values.
       o.names AS option_names, o.values AS options,
       d.in_stock, coalesce(c.currencies, '{}') AS currencies, coalesce(c.amounts, '{}') AS amounts,
       concat_ws(' ', p.brand, array_to_string(p.tags, ' '), left(d.skus, 100000)) AS labels,
       left(concat_ws(' ', p.description, regexp_replace(p.description_html, '<[^>]*>', ' ', 'g'), p.seo_title, p.seo_description),
            100000) AS texts,
       -- Of all of it but the moments of prices to come, which pass by themselves.
       md5(concat_ws(chr(31), extract(epoch FROM p.published_at), extract(epoch FROM p.unpublished_at), p.name, p.brand, p.tags,
           d.categories, o.names, o.values, d.in_stock, c.currencies, c.amounts, d.skus, p.description, p.description_html,
           p.seo_title, p.seo_description))::uuid AS fingerprint
  FROM catalog.products p
  JOIN catalog.variants v ON v.product_id = p.id AND v.is_default
 CROSS JOIN LATERAL (
       SELECT least((SELECT min(c.valid_from) FROM catalog.prices c
                      WHERE c.variant_id = v.id AND c.valid_from > statement_timestamp()),
                    CASE WHEN v.in_lists THEN catalog.search_relisted_at(v.id) END) AS priced_at,
              ARRAY(WITH RECURSIVE up (id) AS (
                      SELECT cp.category_id FROM catalog.category_products cp
                        JOIN catalog.categories k ON k.id = cp.category_id AND k.archived_at IS NULL WHERE cp.product_id = p.id
                       UNION
                      SELECT e.parent_id FROM up JOIN catalog.category_parents e ON e.category_id = up.id
                    ) SELECT up.id::text FROM up ORDER BY 1) AS categories,
              catalog.has_stock(p.id) AS in_stock,
              (SELECT string_agg(w.sku, ' ' ORDER BY w.id) FROM catalog.variants w
                WHERE w.product_id = p.id AND w.archived_at IS NULL) AS skus
       OFFSET 0) d -- each is worked out once, not wherever it is named
  LEFT JOIN LATERAL (
       SELECT array_agg(x.currency ORDER BY x.currency COLLATE "C") AS currencies,
              array_agg(CASE WHEN v.in_lists THEN coalesce((SELECT l.amount_minor
                                FROM catalog.list_price(v.id, x.currency, 1, '{}', NULL) l), x.amount_minor)
                             ELSE x.amount_minor END ORDER BY x.currency COLLATE "C") AS amounts
         FROM (SELECT DISTINCT ON (currency) currency, amount_minor FROM catalog.prices
                WHERE variant_id = v.id AND valid_from <= statement_timestamp()
                ORDER BY currency, valid_from DESC, id DESC) x) c ON true
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(x.key ORDER BY x.key COLLATE "C", x.value COLLATE "C"), '{}') AS names,
              coalesce(array_agg(x.value ORDER BY x.key COLLATE "C", x.value COLLATE "C"), '{}') AS values
         FROM (SELECT DISTINCT j.key, j.value FROM catalog.variants w, jsonb_each_text(w.choices) j
                WHERE w.product_id = p.id AND w.archived_at IS NULL) x) o
 WHERE p.archived_at IS NULL AND p.published_at < 'infinity' AND p.unpublished_at > statement_timestamp();

-- As before, and of a price list.
CREATE OR REPLACE FUNCTION catalog.search_affected(kinds text[], resource_ids bigint[], payloads jsonb[])
RETURNS TABLE (product_id bigint, is_about_stock boolean)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE events AS (
        SELECT e.* FROM unnest(kinds, resource_ids, payloads) AS e (kind, resource_id, payload)
    ), below (id) AS ( -- other categories are above all of these now
        SELECT resource_id FROM events WHERE kind IN ('category.updated', 'category.archived')
         UNION
        SELECT k.category_id FROM below JOIN catalog.category_parents k ON k.parent_id = below.id
    )
    SELECT resource_id, false FROM events WHERE kind = 'product.changed'
     UNION
    SELECT p::bigint, false FROM events,
           jsonb_array_elements_text((payload -> 'placed') || (payload -> 'removed')) p
     WHERE kind = 'category.productsChanged'
     UNION
    SELECT cp.product_id, false FROM below JOIN catalog.category_products cp ON cp.category_id = below.id
     UNION
    SELECT v.product_id, false FROM events
      JOIN catalog.list_prices l ON l.list_id = resource_id JOIN catalog.variants v ON v.id = l.variant_id
     WHERE kind = 'priceList.changed'
     UNION
    SELECT v.product_id, true FROM events JOIN catalog.variants v ON v.id = resource_id
     WHERE kind IN ('stock.adjusted', 'stock.limitsChanged')
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_movements m ON m.order_id = resource_id JOIN catalog.variants v ON v.id = m.variant_id
     WHERE kind IN ('order.placed', 'order.statusChanged', 'order.cancelled')
$$;
