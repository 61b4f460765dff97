-- Documents of a language have the texts of that language: what is translated, text by text, and else what the shop's own language
-- says; and the names of categories.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.search_index
    -- What documents were made of: a release that knows more has all of them made anew.
    ADD COLUMN shape      int NOT NULL DEFAULT 1,
    ADD COLUMN next_shape int;

-- The shape that documents are written in by now.
CREATE FUNCTION catalog.search_shape() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 2 $$;

UPDATE catalog.search_index SET shape = catalog.search_shape() WHERE NOT EXISTS (SELECT FROM catalog.products);

-- A locale, and what is still understood where nothing is said in it: pt-BR, then pt.
CREATE FUNCTION catalog.locales_of(locale text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT array_to_string(tags[1:n], '-')
                   FROM (SELECT string_to_array(locale, '-') AS tags) s, generate_series(cardinality(tags), 1, -1) n ORDER BY n DESC)
$$;

-- Also of languages that are spoken otherwise elsewhere: pt-BR.
CREATE OR REPLACE FUNCTION catalog.search_config(locale text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE split_part(locale, '-', 1)
        WHEN 'ar' THEN 'pg_catalog.arabic'::regconfig     WHEN 'da' THEN 'pg_catalog.danish'::regconfig
        WHEN 'de' THEN 'pg_catalog.german'::regconfig     WHEN 'el' THEN 'pg_catalog.greek'::regconfig
        WHEN 'en' THEN 'pg_catalog.english'::regconfig    WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
        WHEN 'fi' THEN 'pg_catalog.finnish'::regconfig    WHEN 'fr' THEN 'pg_catalog.french'::regconfig
        WHEN 'ga' THEN 'pg_catalog.irish'::regconfig      WHEN 'hu' THEN 'pg_catalog.hungarian'::regconfig
        WHEN 'id' THEN 'pg_catalog.indonesian'::regconfig WHEN 'it' THEN 'pg_catalog.italian'::regconfig
        WHEN 'lt' THEN 'pg_catalog.lithuanian'::regconfig WHEN 'nb' THEN 'pg_catalog.norwegian'::regconfig
        WHEN 'ne' THEN 'pg_catalog.nepali'::regconfig     WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
        WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig WHEN 'ro' THEN 'pg_catalog.romanian'::regconfig
        WHEN 'ru' THEN 'pg_catalog.russian'::regconfig    WHEN 'sv' THEN 'pg_catalog.swedish'::regconfig
        WHEN 'ta' THEN 'pg_catalog.tamil'::regconfig      WHEN 'tr' THEN 'pg_catalog.turkish'::regconfig
        ELSE 'pg_catalog.simple'::regconfig
    END
$$;

-- What a product is called in a language.
CREATE FUNCTION catalog.name_in(of_product bigint, in_locale text) RETURNS text
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT coalesce((SELECT t.name FROM catalog.product_translations t
                      WHERE t.product_id = of_product AND t.locale = ANY (catalog.locales_of(in_locale)) AND t.name IS NOT NULL
                      ORDER BY array_position(catalog.locales_of(in_locale), t.locale) LIMIT 1),
                    (SELECT p.name FROM catalog.products p WHERE p.id = of_product))
$$;

-- The name and the texts of a product in a language; NULL where nothing of it is translated.
CREATE FUNCTION catalog.search_texts(of_product bigint, is_translated boolean, in_locale text, OUT name text, OUT texts text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT is_translated THEN
        RETURN;
    END IF;
    SELECT coalesce(t.names[1], p.name),
           left(concat_ws(' ', coalesce(t.descriptions[1], p.description),
                          regexp_replace(coalesce(t.htmls[1], p.description_html), '<[^>]*>', ' ', 'g'),
                          coalesce(t.seo_titles[1], p.seo_title), coalesce(t.seo_descriptions[1], p.seo_description)), 100000)
      INTO name, texts
      FROM catalog.products p
     CROSS JOIN LATERAL (
           SELECT array_agg(x.name ORDER BY x.rank) FILTER (WHERE x.name IS NOT NULL) AS names,
                  array_agg(x.description ORDER BY x.rank) FILTER (WHERE x.description IS NOT NULL) AS descriptions,
                  array_agg(x.description_html ORDER BY x.rank) FILTER (WHERE x.description_html IS NOT NULL) AS htmls,
                  array_agg(x.seo_title ORDER BY x.rank) FILTER (WHERE x.seo_title IS NOT NULL) AS seo_titles,
                  array_agg(x.seo_description ORDER BY x.rank) FILTER (WHERE x.seo_description IS NOT NULL) AS seo_descriptions
             FROM (SELECT w.*, array_position(catalog.locales_of(in_locale), w.locale) AS rank
                     FROM catalog.product_translations w
                    WHERE w.product_id = of_product AND w.locale = ANY (catalog.locales_of(in_locale))) x) t
     WHERE p.id = of_product;
END $$;

-- How categories are called in a language.
CREATE FUNCTION catalog.search_category_names(category_ids text[], in_locale text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF category_ids = '{}' THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT string_agg(coalesce(
               (SELECT t.name FROM catalog.category_translations t
                 WHERE t.category_id = k.id AND t.locale = ANY (catalog.locales_of(in_locale)) AND t.name IS NOT NULL
                 ORDER BY array_position(catalog.locales_of(in_locale), t.locale) LIMIT 1), k.name), ' ' ORDER BY k.id)
              FROM catalog.categories k WHERE k.id = ANY (category_ids::bigint[]));
END $$;

-- As before, and what it says in other languages; documents of what has neither translations nor categories are what they were.
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
                 FROM catalog.custom_values t
                CROSS JOIN LATERAL jsonb_each(t.public_values) j
                 JOIN catalog.custom_fields c ON c.resource = 'product' AND c.key = j.key AND c.is_filterable AND c.removed_at IS NULL
                CROSS JOIN LATERAL jsonb_array_elements_text(
                      CASE jsonb_typeof(j.value) WHEN 'array' THEN j.value ELSE jsonb_build_array(j.value) END) AS e (value)
                WHERE t.resource = 'product' AND t.resource_id = p.id) x) f
 CROSS JOIN LATERAL ( -- what it says in other languages
       SELECT md5(string_agg(md5(t::text), '' ORDER BY t.locale COLLATE "C")) AS texts
         FROM catalog.product_translations t WHERE t.product_id = p.id) t
 CROSS JOIN LATERAL ( -- how its categories are called, in all languages
       SELECT md5(string_agg(md5(concat_ws(chr(31), k.id, k.name, (
                     SELECT string_agg(concat_ws(chr(30), x.locale, x.name), chr(31) ORDER BY x.locale COLLATE "C")
                       FROM catalog.category_translations x WHERE x.category_id = k.id AND x.name IS NOT NULL))), '' ORDER BY k.id)) AS texts
         FROM catalog.categories k WHERE k.id = ANY (d.categories::bigint[])) k
 WHERE p.archived_at IS NULL AND p.published_at < 'infinity' AND p.unpublished_at > statement_timestamp();

-- As before, in the words of each language, and the names of categories among the texts.
CREATE OR REPLACE FUNCTION catalog.search_write(slot smallint, locales text[], currency text, product_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = catalog, pg_temp AS $$
DECLARE
    -- Read once, so that the statements below agree.
    sources catalog.search_sources[] := ARRAY(SELECT s FROM catalog.search_sources s WHERE s.product_id = ANY(product_ids));
    -- The values of the documents of these products, each as often as it is there.
    values_of text := replace('SELECT unnest(ARRAY[-1, CASE WHEN in_stock THEN -2 END, brand] || categories || tags || options) '
        'FROM search_documents_N WHERE product_id = ANY($1) AND locale = $2', '_N', '_' || slot);
    old_values int[];
BEGIN
    EXECUTE format('SELECT ARRAY(%s)', values_of) INTO old_values USING product_ids, locales[1];
    EXECUTE replace($sql$
        INSERT INTO search_values_N (id, kind, name, value) VALUES (-1, 'all', '', ''), (-2, 'inStock', '', '') ON CONFLICT DO NOTHING
        $sql$, '_N', '_' || slot);
    EXECUTE replace($sql$
        INSERT INTO search_values_N (kind, name, value)
        SELECT v.* FROM (
               SELECT 'brand', '', brand FROM unnest($1) s WHERE brand <> ''
               UNION SELECT 'tag', '', t FROM unnest($1) s, unnest(s.tags) t
               UNION SELECT 'category', '', c FROM unnest($1) s, unnest(s.categories) c
               UNION SELECT 'option', o.name, o.value FROM unnest($1) s, unnest(s.option_names, s.options) AS o (name, value)
               UNION SELECT 'field', f.name, f.value FROM unnest($1) s, unnest(s.field_names, s.fields) AS f (name, value)
               ) AS v (kind, name, value)
         WHERE NOT EXISTS (SELECT FROM search_values_N k WHERE k.kind = v.kind AND k.value = v.value AND k.name = v.name)
        $sql$, '_N', '_' || slot) USING sources;
    EXECUTE replace($sql$
        INSERT INTO search_words_N (word)
        SELECT w.word FROM (
               SELECT DISTINCT word FROM unnest($1) s,
                      unnest($2) locale,
                      catalog.search_texts(s.product_id, s.is_translated, locale) t,
                      string_to_table(catalog.fold(concat_ws(' ', coalesce(t.name, s.name), s.brand, array_to_string(s.tags, ' '),
                          catalog.search_category_names(s.categories, locale))), ' ') word
               ) w
         WHERE length(w.word) BETWEEN 4 AND 40 AND w.word ~ '[^0-9]'
           AND NOT EXISTS (SELECT FROM search_words_N k WHERE k.word = w.word)
        $sql$, '_N', '_' || slot) USING sources, locales;
    EXECUTE replace($sql$
        DELETE FROM search_documents_N d WHERE d.product_id = ANY($3) AND d.locale = ANY($2)
           AND NOT EXISTS (SELECT FROM unnest($1) s WHERE s.product_id = d.product_id)
        $sql$, '_N', '_' || slot) USING sources, locales, product_ids;
    EXECUTE replace($sql$
        INSERT INTO search_documents_N
        SELECT s.product_id, l.locale, s.published_at, s.unpublished_at, s.changes_at,
               coalesce((SELECT id FROM search_values_N WHERE kind = 'brand' AND value = s.brand AND name = ''), 0),
               ARRAY(SELECT id FROM search_values_N WHERE kind = 'category' AND value = ANY(s.categories) AND name = ''),
               ARRAY(SELECT id FROM search_values_N WHERE kind = 'tag' AND value = ANY(s.tags) AND name = ''),
               ARRAY(SELECT id FROM search_values_N JOIN unnest(s.option_names, s.options) AS o (name, value) USING (name, value)
                      WHERE kind = 'option'
                     UNION ALL
                     SELECT id FROM search_values_N JOIN unnest(s.field_names, s.fields) AS f (name, value) USING (name, value)
                      WHERE kind = 'field'),
               s.in_stock, s.amounts[array_position(s.currencies, $3)], s.amounts, s.currencies, coalesce(t.name, s.name), least(length(n.stems), 999), n.stems || h.stems,
               strip(n.stems || h.stems || to_tsvector(l.config, w.texts) || to_tsvector(l.config, w.categories)), s.fingerprint
          FROM unnest($1) s
         CROSS JOIN LATERAL (SELECT catalog.fold(s.name), catalog.fold(s.labels), catalog.fold(s.texts)) AS f (name, labels, texts)
         CROSS JOIN (SELECT locale, catalog.search_config(locale) FROM unnest($2) locale) AS l (locale, config)
         CROSS JOIN LATERAL catalog.search_texts(s.product_id, s.is_translated, l.locale) AS t (name, texts)
         CROSS JOIN LATERAL (SELECT coalesce(catalog.fold(t.name), f.name), coalesce(catalog.fold(t.texts), f.texts),
                                    coalesce(catalog.fold(catalog.search_category_names(s.categories, l.locale)), '')) AS w (name, texts, categories)
         CROSS JOIN LATERAL (SELECT setweight(to_tsvector(l.config, w.name), 'A')) AS n (stems)
         CROSS JOIN LATERAL (SELECT setweight(to_tsvector(l.config, f.labels), 'B')) AS h (stems)
            ON CONFLICT (locale, product_id) DO UPDATE SET
               published_at = excluded.published_at, unpublished_at = excluded.unpublished_at,
               changes_at = excluded.changes_at, brand = excluded.brand, categories = excluded.categories,
               tags = excluded.tags, options = excluded.options, in_stock = excluded.in_stock,
               price = excluded.price, amounts = excluded.amounts, currencies = excluded.currencies, name = excluded.name,
               name_words = excluded.name_words, head = excluded.head, words = excluded.words,
               fingerprint = excluded.fingerprint
        $sql$, '_N', '_' || slot) USING sources, locales, currency;
    EXECUTE format(replace($sql$
        UPDATE search_values_N v SET products = v.products + c.n
          FROM (SELECT id, sum(n) AS n FROM (SELECT unnest($3), -1 UNION ALL SELECT u, 1 FROM (%s) AS u (u)) AS c (id, n)
                 GROUP BY id HAVING sum(n) <> 0) c
         WHERE v.id = c.id
        $sql$, '_N', '_' || slot), values_of) USING product_ids, locales[1], old_values;
END $$;

-- As before, and of the shape that documents have by now.
CREATE OR REPLACE FUNCTION catalog.search_begin(wanted_locales text[], wanted_currency text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales = wanted_locales AND index.next_currency = wanted_currency AND index.next_shape = catalog.search_shape() THEN
        RETURN;
    END IF;
    EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
        '_N', '_' || 1 - index.live);
    UPDATE catalog.search_index SET next_locales = wanted_locales, next_currency = wanted_currency, next_product_id = 0,
        next_shape = catalog.search_shape();
END $$;

-- As before.
CREATE OR REPLACE FUNCTION catalog.search_swap() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog.search_index
       SET live = 1 - live, locales = next_locales, currency = next_currency, built_at = now(), shape = coalesce(next_shape, 1),
           next_locales = NULL, next_currency = NULL, next_shape = NULL
     WHERE next_locales IS NOT NULL;
END $$;
