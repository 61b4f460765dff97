SET LOCAL lock_timeout = '300ms';
-- As whoever writes documents takes it first.
SELECT FROM catalog.search_index FOR UPDATE;

-- Prices of documents in other currencies than that of the index, and those of countries, such as EUR and USD/DE: pages by them are read
-- in their order, as those by a price in the currency of the index are by an index of the documents.
DO $do$ DECLARE slot int; BEGIN FOREACH slot IN ARRAY ARRAY[0, 1] LOOP EXECUTE replace($sql$
CREATE TABLE catalog.search_prices_N (
    name       text COLLATE "C" NOT NULL,
    amount     bigint NOT NULL,
    product_id bigint NOT NULL,
    CONSTRAINT search_prices_N_pkey PRIMARY KEY (name, amount, product_id)
);
$sql$, '_N', '_' || slot); END LOOP; END $do$;

-- Writes which of these prices came and takes out which went.
CREATE FUNCTION catalog.search_write_prices(slot smallint, old_ids bigint[], old_names text[], old_amounts bigint[],
    new_ids bigint[], new_names text[], new_amounts bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = catalog, pg_temp AS $$
BEGIN
    EXECUTE replace($sql$
        DELETE FROM search_prices_N p
         USING (SELECT * FROM unnest($1, $2, $3) EXCEPT SELECT * FROM unnest($4, $5, $6)) AS gone (product_id, name, amount)
         WHERE p.name = gone.name AND p.amount = gone.amount AND p.product_id = gone.product_id
        $sql$, '_N', '_' || slot) USING old_ids, old_names, old_amounts, new_ids, new_names, new_amounts;
    EXECUTE replace($sql$
        INSERT INTO search_prices_N (name, amount, product_id)
        SELECT name, amount, product_id
          FROM (SELECT * FROM unnest($4, $5, $6) EXCEPT SELECT * FROM unnest($1, $2, $3)) AS come (product_id, name, amount)
         ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
        $sql$, '_N', '_' || slot) USING old_ids, old_names, old_amounts, new_ids, new_names, new_amounts;
END $$;

-- As before, with the prices beside the documents.
CREATE OR REPLACE FUNCTION catalog.search_write(slot smallint, locales text[], currency text, product_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = catalog, pg_temp AS $$
DECLARE
    -- Read once, so that the statements below agree.
    sources catalog.search_sources[] := ARRAY(SELECT s FROM catalog.search_sources s WHERE s.product_id = ANY(product_ids));
    -- The values of the documents of these products, each as often as it is there.
    values_of text := replace('SELECT unnest(ARRAY[-1, CASE WHEN in_stock THEN -2 END, brand] || categories || tags || options) '
        'FROM search_documents_N WHERE product_id = ANY($1) AND locale = $2', '_N', '_' || slot);
    old_values int[];
    -- Their prices beside those in the currency of the index.
    prices_of text := replace('SELECT array_agg(d.product_id) AS ids, array_agg(p.name) AS names, array_agg(p.amount) AS amounts '
        'FROM search_documents_N d CROSS JOIN LATERAL unnest(d.currencies, d.amounts) AS p (name, amount) '
        'WHERE d.product_id = ANY($1) AND d.locale = $2 AND p.name <> $3', '_N', '_' || slot);
    old_prices record;
    new_prices record;
BEGIN
    EXECUTE format('SELECT ARRAY(%s)', values_of) INTO old_values USING product_ids, locales[1];
    EXECUTE prices_of INTO old_prices USING product_ids, locales[1], currency;
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
    EXECUTE prices_of INTO new_prices USING product_ids, locales[1], currency;
    IF new_prices IS DISTINCT FROM old_prices THEN
        PERFORM search_write_prices(slot, old_prices.ids, old_prices.names, old_prices.amounts,
                                    new_prices.ids, new_prices.names, new_prices.amounts);
    END IF;
END $$;

-- As before.
CREATE OR REPLACE FUNCTION catalog.search_begin(wanted_locales text[], wanted_currency text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales = wanted_locales AND index.next_currency = wanted_currency AND index.next_shape = catalog.search_shape() THEN
        RETURN;
    END IF;
    EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_prices_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
        '_N', '_' || 1 - index.live);
    UPDATE catalog.search_index SET next_locales = wanted_locales, next_currency = wanted_currency, next_product_id = 0,
        next_shape = catalog.search_shape();
END $$;

-- As before.
CREATE OR REPLACE FUNCTION catalog.search_clear() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales IS NULL THEN
        EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_prices_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
            '_N', '_' || 1 - index.live);
    END IF;
END $$;

-- Prices of the index that is read that are not those of its documents: none.
CREATE VIEW catalog.search_mispriced AS
WITH documents AS (
    SELECT d.product_id, d.locale, d.currencies, d.amounts FROM catalog.search_documents_0 d
     WHERE (SELECT live = 0 FROM catalog.search_index)
     UNION ALL
    SELECT d.product_id, d.locale, d.currencies, d.amounts FROM catalog.search_documents_1 d
     WHERE (SELECT live = 1 FROM catalog.search_index)
), wanted AS (
    SELECT p.name COLLATE "C" AS name, p.amount, d.product_id
      FROM documents d CROSS JOIN LATERAL unnest(d.currencies, d.amounts) AS p (name, amount), catalog.search_index i
     WHERE d.locale = i.locales[1] AND p.name <> i.currency
), told AS (
    SELECT name, amount, product_id FROM catalog.search_prices_0 WHERE (SELECT live = 0 FROM catalog.search_index)
     UNION ALL
    SELECT name, amount, product_id FROM catalog.search_prices_1 WHERE (SELECT live = 1 FROM catalog.search_index)
)
SELECT product_id, name, amount, t.is_told IS NULL AS is_missing
  FROM (SELECT *, true AS is_told FROM told) t FULL JOIN (SELECT *, true AS is_wanted FROM wanted) w USING (name, amount, product_id)
 WHERE (t.is_told IS NULL OR w.is_wanted IS NULL)
   AND EXISTS (SELECT FROM catalog.search_index WHERE built_at IS NOT NULL AND shape >= 4);

-- How documents name the prices of a country that are other ones there; NULL while no list is for it.
CREATE FUNCTION catalog.search_country(in_currency text, in_country text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT in_currency || '/' || in_country
     WHERE EXISTS (SELECT FROM catalog.price_lists l WHERE in_country = ANY (l.countries) AND catalog.is_for_countries(l))
$$;

-- As before.
CREATE OR REPLACE FUNCTION catalog.search_price(main_currency text, in_currency text, in_country text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    general text := CASE WHEN in_currency = main_currency THEN 'd.price'
                         ELSE format('d.amounts[array_position(d.currencies, %L)]', in_currency) END;
    country text := CASE WHEN in_country IS NOT NULL THEN catalog.search_country(in_currency, in_country) END;
BEGIN
    RETURN CASE WHEN country IS NULL THEN general
                ELSE format('coalesce(d.amounts[array_position(d.currencies, %L)], %s)', country, general) END;
END $$;

-- A page of documents by their price, where that is not the one they have an index of: in another currency, or in a country, where the
-- prices of the country and the general ones are read side by side. NULL where it would have to pass over many, or where it ends:
-- what has no price at all is not there.
CREATE FUNCTION catalog.search_page_by_price(slot smallint, wanted_locale text, main_currency text, in_currency text, country text,
    is_dearest boolean, condition text, after_amount bigint, after_id bigint, most bigint,
    OUT product_ids bigint[], OUT amounts bigint[])
LANGUAGE plpgsql STABLE SET search_path = catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off AS $$
DECLARE
    -- Each is in this order by itself, so that they are merged and not sorted.
    placed text := CASE WHEN is_dearest THEN '1 DESC, 2 DESC' ELSE '1, 2' END;
    prices text := CASE WHEN in_currency = main_currency THEN format(
            '(SELECT coalesce(price, %s) AS amount, product_id, false AS is_of_country FROM search_documents_%s WHERE locale = %L ORDER BY %s)',
            CASE WHEN is_dearest THEN '-1' ELSE '9223372036854775807' END, slot, wanted_locale, placed)
        ELSE format('(SELECT amount, product_id, false AS is_of_country FROM search_prices_%s WHERE name = %L ORDER BY %s)',
            slot, in_currency, placed) END;
BEGIN
    IF country IS NOT NULL THEN
        prices := prices || format(' UNION ALL (SELECT amount, product_id, true FROM search_prices_%s WHERE name = %L ORDER BY %s)',
            slot, country, placed);
        condition := condition || format(' AND (p.is_of_country OR array_position(d.currencies, %L) IS NULL)', country);
    END IF;
    EXECUTE format('SELECT array_agg(x.product_id), array_agg(x.amount) FROM (SELECT p.amount, p.product_id '
        'FROM (SELECT * FROM (%s) p WHERE %s ORDER BY %s LIMIT 1000) p '
        'JOIN search_documents_%s d ON d.product_id = p.product_id WHERE %s ORDER BY %s LIMIT %s) x',
        prices,
        CASE WHEN after_id IS NULL THEN 'true'
             ELSE format('(amount, product_id) %s (%L, %L)', CASE WHEN is_dearest THEN '<' ELSE '>' END, after_amount, after_id) END,
        placed, slot, condition, placed, most) INTO product_ids, amounts;
    IF cardinality(product_ids) < most THEN
        product_ids := NULL;
    END IF;
END $$;

-- As before, pages by other prices in the order of those.
CREATE OR REPLACE FUNCTION catalog.search(request jsonb,
    OUT product_ids bigint[], OUT sort_keys bigint[], OUT did_you_mean text, OUT stats jsonb)
LANGUAGE plpgsql STABLE SET search_path = catalog, pg_temp SET work_mem = '16MB'
SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on SET enable_material = on AS $$
DECLARE
    slot smallint;
    wanted_locale text;
    terms tsquery;
    moment text := quote_literal(statement_timestamp());
    scope text;               -- what is looked for
    among text;               -- the documents, or the few of them that matter
    source text;              -- all that the query finds
    hits text;                -- the same, for what is narrowed by all conditions
    fewest bigint := search_few();
    fewest_condition text;
    chosen text[] := '{}';    -- facets with a selection, and in the same order their conditions
    conditions text[] := '{}';
    all_conditions text;
    price text;
    country text;             -- how documents name prices of the country
    has_prices boolean;       -- beside the documents
    main_currency text;
    sorting text := request ->> 'sort';
    after_key bigint := (request -> 'after' ->> 0)::bigint;
    after_id bigint := (request -> 'after' ->> 1)::bigint;
    sort_key text := '0::bigint';
    page text;                -- where it begins, and its order
    found record;
    is_all boolean := request ->> 'text' IS NULL;
    known text;
    parts text[];
    counted text;             -- a facet
    other_conditions text[];
    others text;              -- what the counts of a facet are of
    is_known boolean;
BEGIN
    SELECT live, CASE WHEN request ->> 'locale' = ANY(locales) THEN request ->> 'locale' ELSE locales[1] END, currency, shape >= 4,
           search_country(request ->> 'currency', request ->> 'country'), search_price(currency, request ->> 'currency', request ->> 'country')
      INTO slot, wanted_locale, main_currency, has_prices, country, price FROM search_index;
    scope := format('d.locale = %L AND d.published_at <= %s AND d.unpublished_at > %s', wanted_locale, moment, moment);
    IF request ->> 'text' IS NOT NULL THEN
        SELECT w.terms, w.did_you_mean INTO terms, did_you_mean FROM search_words(slot, wanted_locale, request ->> 'text') w;
        scope := scope || coalesce(format(' AND d.words @@ %L::tsquery', terms), ' AND false');
    END IF;
    among := 'search_documents_' || slot;
    IF terms IS NOT NULL THEN
        SELECT search_among(slot, c.counted, format('d.words @@ %L::tsquery', terms)) INTO among FROM search_count(slot, terms, wanted_locale) c;
    END IF;
    source := format('FROM %s d WHERE %s', among, scope);

    FOR found IN EXECUTE replace($sql$
        SELECT w.kind, w.name, coalesce(array_agg(v.id) FILTER (WHERE v.id IS NOT NULL), '{}') AS ids, coalesce(sum(v.products), 0) AS most
          FROM (
               SELECT 'brand', '', b FROM jsonb_array_elements_text($1 -> 'brands') b
               UNION ALL SELECT 'tag', '', t FROM jsonb_array_elements_text($1 -> 'tags') t
               UNION ALL SELECT 'category', '', c FROM jsonb_array_elements_text($1 -> 'categories') c
               UNION ALL SELECT 'option', o ->> 'name', o ->> 'value' FROM jsonb_array_elements($1 -> 'options') o
               UNION ALL SELECT 'field', f ->> 'name', f ->> 'value' FROM jsonb_array_elements($1 -> 'fields') f
               -- A value of a field that was of another type once is no number, and so in no range of them.
               UNION ALL SELECT 'field', r ->> 'name', x.value FROM jsonb_array_elements($1 -> 'ranges') r
                 LEFT JOIN LATERAL (
                      SELECT k.value FROM search_values_N k
                       WHERE k.kind = 'field' AND k.name = r ->> 'name'
                         AND CASE WHEN r ->> 'of' = 'date' THEN k.value BETWEEN coalesce(r ->> 'min', '') AND coalesce(r ->> 'max', '~')
                                  WHEN k.value ~ '^-?[0-9]+([.][0-9]+)?$' THEN k.value::numeric
                                       BETWEEN coalesce(r ->> 'min', '-Infinity')::numeric AND coalesce(r ->> 'max', 'Infinity')::numeric
                                  ELSE false END) x ON true
               ) AS w (kind, name, value)
          LEFT JOIN search_values_N v ON v.kind = w.kind AND v.value = w.value AND v.name = w.name
         GROUP BY w.kind, w.name ORDER BY w.kind, w.name$sql$, '_N', '_' || slot) USING request
    LOOP
        chosen := chosen || CASE WHEN found.kind IN ('option', 'field') THEN found.kind || ':' || found.name ELSE found.kind END;
        conditions := conditions || CASE found.kind
            WHEN 'brand' THEN format('d.brand = ANY(%L)', found.ids)
            WHEN 'tag' THEN format('d.tags && %L', found.ids)
            WHEN 'category' THEN format('d.categories && %L', found.ids)
            -- To compare each value of a product with each of many, as a range may have, takes seconds: they are looked up by their hashes.
            ELSE CASE WHEN cardinality(found.ids) < 20 THEN format('d.options && %L', found.ids)
                 ELSE format('EXISTS (SELECT FROM unnest(d.options) o WHERE o = ANY (%L::int[]))', found.ids) END END;
        IF found.most < fewest AND cardinality(found.ids) < 20 THEN
            fewest := found.most;
            fewest_condition := conditions[cardinality(conditions)];
        END IF;
    END LOOP;
    -- Of a facet with a selection more is counted than the selection allows.
    IF among = 'search_documents_' || slot AND fewest_condition IS NOT NULL THEN
        among := search_among(slot, fewest, fewest_condition);
    END IF;
    hits := format('FROM %s d WHERE %s', among, scope);
    IF request ->> 'inStock' IS NOT NULL THEN
        chosen := chosen || 'inStock'::text;
        conditions := conditions || format('d.in_stock = %L', request ->> 'inStock');
    END IF;
    IF request ->> 'minPrice' IS NOT NULL OR request ->> 'maxPrice' IS NOT NULL THEN
        chosen := chosen || 'price'::text;
        conditions := conditions || format('%s BETWEEN %L AND %L', price, coalesce(request ->> 'minPrice', '0'),
            coalesce(request ->> 'maxPrice', '9223372036854775807'));
    END IF;
    all_conditions := array_to_string('true'::text || conditions, ' AND ');

    IF sorting = 'relevance' AND terms IS NOT NULL THEN
        -- All words in the name, then in the head, then anywhere; the shorter a name, the closer it is.
        sort_key := format('CASE WHEN d.head @@ %L::tsquery THEN 2000 WHEN d.head @@ %L::tsquery THEN 1000 ELSE 0 END '
            '+ 999 - d.name_words::bigint', regexp_replace(terms::text, '''([^'']+)''', '''\1'':A', 'g'), terms);
        page := format('(%s, d.product_id) < (%L, %L) ORDER BY 2 DESC, 1 DESC', sort_key, after_key, after_id);
    ELSIF sorting = 'price' THEN
        sort_key := format('coalesce(%s, 9223372036854775807)', price);
        page := format('(%s, d.product_id) > (%L, %L) ORDER BY 2, 1', sort_key, after_key, after_id);
    ELSIF sorting = '-price' THEN
        sort_key := format('coalesce(%s, -1)', price);
        page := format('(%s, d.product_id) < (%L, %L) ORDER BY 2 DESC, 1 DESC', sort_key, after_key, after_id);
    ELSIF sorting = 'name' THEN
        -- Products are archived and never deleted, so the name behind which a page begins is always to be had.
        page := format('(d.name, d.product_id) > (%L COLLATE "und-x-icu", %L) ORDER BY d.name, 1',
            name_in(after_id, wanted_locale), after_id);
    ELSE
        page := format('d.product_id < %L ORDER BY 1 DESC', after_id);
    END IF;
    IF after_id IS NULL THEN
        page := 'true' || substr(page, strpos(page, ' ORDER BY'));
    END IF;
    IF sorting = 'best_selling' THEN
        SELECT p.product_ids, p.units INTO product_ids, sort_keys
          FROM page_by_sales(among, 'd.product_id', scope || ' AND ' || all_conditions,
                             after_key, after_id, (request ->> 'limit')::bigint) p;
    ELSIF sorting IN ('price', '-price') AND price <> 'd.price' AND has_prices AND among = 'search_documents_' || slot THEN
        SELECT p.product_ids, p.amounts INTO product_ids, sort_keys
          FROM search_page_by_price(slot, wanted_locale, main_currency, request ->> 'currency', country, sorting = '-price',
                                    scope || ' AND ' || all_conditions, after_key, after_id, (request ->> 'limit')::bigint) p;
    END IF;
    IF product_ids IS NULL AND sorting IS DISTINCT FROM 'best_selling' THEN
        EXECUTE format('SELECT array_agg(x.id), array_agg(x.key) FROM (SELECT d.product_id AS id, %s AS key %s AND %s AND %s LIMIT %L) x',
            sort_key, hits, all_conditions, page, request ->> 'limit') INTO product_ids, sort_keys;
    END IF;
    IF after_id IS NOT NULL THEN
        RETURN;
    END IF;

    -- What is not narrowed is known but for what is not on sale yet, or not any more since a moment ago.
    known := format('SELECT v.id, v.name, v.value, v.products - coalesce(o.n, 0) AS n FROM search_values_%s v LEFT JOIN ('
        'SELECT u.id, count(*) AS n FROM (SELECT unnest(ARRAY[-1, CASE WHEN d.in_stock THEN -2 END, d.brand] || d.categories || d.tags '
        '|| d.options) AS id FROM search_documents_%s d WHERE d.locale = %L AND (d.published_at > %s OR d.unpublished_at <= %s)) u '
        'GROUP BY u.id) o USING (id)', slot, slot, wanted_locale, moment, moment);
    parts := ARRAY['''total''', CASE WHEN is_all AND conditions = '{}' THEN '(SELECT k.n FROM known k WHERE k.id = -1)'
        ELSE '(SELECT count(*) FROM hits)' END];
    FOR counted IN
        SELECT f FROM jsonb_array_elements_text(request -> 'facets') f WHERE f NOT IN ('options', 'fields')
        -- Those options and fields that have a selection are counted one by one, and all others together.
        UNION ALL SELECT c FROM unnest(chosen) c WHERE c LIKE 'option:%' AND request -> 'facets' ? 'options'
        UNION ALL SELECT 'options' WHERE request -> 'facets' ? 'options'
        UNION ALL SELECT c FROM unnest(chosen) c WHERE c LIKE 'field:%' AND request -> 'facets' ? 'fields'
        UNION ALL SELECT 'fields' WHERE request -> 'facets' ? 'fields'
    LOOP
        other_conditions := ARRAY(SELECT c.condition FROM unnest(chosen, conditions) AS c (facet, condition) WHERE c.facet <> counted);
        others := CASE WHEN counted = ANY(chosen) THEN source || ' AND ' || array_to_string('true'::text || other_conditions, ' AND ')
            ELSE 'FROM hits d WHERE true' END;
        is_known := is_all AND other_conditions = '{}';
        parts := parts || format('%L', counted) || CASE
            WHEN counted = 'price' THEN format(
                '(WITH p AS MATERIALIZED (SELECT %s AS amount %s), r AS (SELECT min(amount) AS low, max(amount) AS high, '
                    '(max(amount) - min(amount)) / 10 + 1 AS width FROM p) '
                'SELECT jsonb_build_object(''min'', low, ''max'', high, ''width'', width, ''counts'', '
                    '(SELECT jsonb_object_agg(place, n) FROM (SELECT (amount - low) / width AS place, count(*) AS n FROM p '
                    'WHERE amount IS NOT NULL GROUP BY 1) b)) FROM r)',
                CASE WHEN counted = ANY(chosen) THEN price ELSE 'd.price' END, others)
            WHEN counted = 'inStock' AND is_known THEN
                '(SELECT jsonb_build_object(''in'', i.n, ''out'', a.n - i.n) FROM known a, known i WHERE a.id = -1 AND i.id = -2)'
            WHEN counted = 'inStock' THEN format(
                '(SELECT jsonb_build_object(''in'', count(*) FILTER (WHERE d.in_stock), ''out'', count(*) FILTER (WHERE NOT d.in_stock)) %s)',
                others)
            ELSE format(
                '(SELECT coalesce(jsonb_agg(jsonb_build_object(''name'', t.name, ''value'', t.value, ''label'', %s, ''count'', t.n) '
                    'ORDER BY t.name, t.n DESC, t.value), ''[]'') FROM ('
                    'SELECT v.name, v.value, c.n, row_number() OVER (PARTITION BY v.name ORDER BY c.n DESC, v.value) AS place '
                      'FROM (%s) c JOIN search_values_%s v ON v.id = c.id WHERE c.n > 0 AND v.kind = %L AND %s) t WHERE t.place <= 100)',
                CASE counted WHEN 'category' THEN '(SELECT k.name FROM categories k WHERE k.id = t.value::bigint)' ELSE 't.value' END,
                CASE WHEN is_known THEN 'SELECT k.id, k.n FROM known k' ELSE format(
                    'SELECT u.id, count(*) AS n FROM (SELECT %s AS id %s) u GROUP BY u.id',
                    CASE counted WHEN 'brand' THEN 'd.brand' WHEN 'tag' THEN 'unnest(d.tags)' WHEN 'category' THEN 'unnest(d.categories)'
                        ELSE 'unnest(d.options)' END, others) END,
                slot, CASE WHEN counted LIKE 'option%' THEN 'option' WHEN counted LIKE 'field%' THEN 'field' ELSE counted END,
                CASE WHEN counted = 'options' THEN format('''option:'' || v.name <> ALL (%L)', chosen)
                     WHEN counted = 'fields' THEN format('''field:'' || v.name <> ALL (%L)', chosen)
                     WHEN counted LIKE 'option:%' THEN format('v.name = %L', substr(counted, 8))
                     WHEN counted LIKE 'field:%' THEN format('v.name = %L', substr(counted, 7))
                     ELSE 'true' END)
            END;
    END LOOP;
    -- What nothing asks for is not worked out, and what several ask for is worked out once.
    EXECUTE format(
        'WITH hits AS (SELECT d.brand, d.categories, d.tags, d.options, d.in_stock, %s AS price %s AND %s), '
             'known AS (%s) SELECT jsonb_build_object(%s)',
        price, hits, all_conditions, known, array_to_string(parts, ', ')) INTO stats;
END $$;

-- An index that is there has such prices once it is built anew. Where no product has any, it has them all.
CREATE OR REPLACE FUNCTION catalog.search_shape() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 4 $$;

UPDATE catalog.search_index i
   SET shape = CASE WHEN shape = 3 THEN 4 ELSE shape END, next_shape = CASE WHEN next_shape = 3 THEN 4 ELSE next_shape END
 WHERE NOT EXISTS (SELECT FROM catalog.prices p WHERE p.currency <> i.currency OR p.currency <> i.next_currency)
   AND NOT EXISTS (SELECT FROM catalog.price_lists WHERE is_active AND countries <> '{}' AND customer_groups = '{}');
