SET LOCAL lock_timeout = '300ms';
-- As whoever writes documents takes it first, and reads the view then.
SELECT FROM catalog.search_index FOR UPDATE;

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
           p.seo_title, p.seo_description, nullif(f.names, '{}'), nullif(f.values, '{}'),
           t.texts, k.texts))::uuid AS fingerprint,
       -- The keys of custom fields that are filters, and in the same order their values.
       f.names AS field_names, f.values AS fields,
       t.texts IS NOT NULL AS is_translated
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
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(x.key ORDER BY x.key COLLATE "C", x.value COLLATE "C"), '{}') AS names,
              coalesce(array_agg(x.value ORDER BY x.key COLLATE "C", x.value COLLATE "C"), '{}') AS values
         FROM (SELECT DISTINCT j.key, e.value
                 FROM (SELECT 'product' AS resource, p.id
                       UNION ALL
                       SELECT 'variant', w.id FROM catalog.variants w WHERE w.product_id = p.id AND w.archived_at IS NULL) o
                 JOIN catalog.custom_values t ON t.resource = o.resource AND t.resource_id = o.id
                CROSS JOIN LATERAL jsonb_each(t.public_values) j
                 JOIN catalog.custom_fields c ON c.resource = t.resource AND c.key = j.key AND c.is_filterable AND c.removed_at IS NULL
                CROSS JOIN LATERAL jsonb_array_elements_text(
                      CASE jsonb_typeof(j.value) WHEN 'array' THEN j.value ELSE jsonb_build_array(j.value) END) AS e (value)
              ) x) f
 CROSS JOIN LATERAL ( -- what it says in other languages
       SELECT md5(string_agg(md5(t::text), '' ORDER BY t.locale COLLATE "C")) AS texts
         FROM catalog.product_translations t WHERE t.product_id = p.id) t
 CROSS JOIN LATERAL ( -- how its categories are called, in all languages
       SELECT md5(string_agg(md5(concat_ws(chr(31), k.id, k.name, (
                     SELECT string_agg(concat_ws(chr(30), x.locale, x.name), chr(31) ORDER BY x.locale COLLATE "C")
                       FROM catalog.category_translations x WHERE x.category_id = k.id AND x.name IS NOT NULL))), '' ORDER BY k.id)) AS texts
         FROM catalog.categories k WHERE k.id = ANY (d.categories::bigint[])) k
 WHERE p.archived_at IS NULL AND p.published_at < 'infinity' AND p.unpublished_at > statement_timestamp();

CREATE OR REPLACE FUNCTION catalog.search_shape() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 2 $$;

-- Documents that tell of countries are built anew.
UPDATE catalog.search_index
   SET shape = CASE WHEN c.are_there THEN 1 ELSE least(shape, 2) END,
       next_shape = CASE WHEN next_shape > 2 THEN CASE WHEN c.are_there THEN 1 ELSE 2 END ELSE next_shape END
  FROM (SELECT EXISTS (SELECT FROM catalog.price_lists WHERE is_active AND countries <> '{}' AND customer_groups = '{}') AS are_there) c;

DROP FUNCTION catalog.search_country_prices(bigint, text[], bigint[]);
DROP FUNCTION catalog.is_for_countries(catalog.price_lists);
