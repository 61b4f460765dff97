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
