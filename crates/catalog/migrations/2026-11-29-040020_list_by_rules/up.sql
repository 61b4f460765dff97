-- The products of a collection by its rules, from the documents that searches read: ids of a page, behind a product or from
-- the beginning (0). NULL while there is no index yet. The query is planned for its values, as that of catalog.search is,
-- with the same settings.
CREATE FUNCTION catalog.list_by_rules(rules jsonb, by_name boolean, after_id bigint, most bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = catalog, pg_temp SET work_mem = '16MB'
SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on SET enable_material = on AS $$
DECLARE
    slot smallint;
    wanted_locale text;
    main_currency text;
    moment timestamptz := statement_timestamp();
    conditions text[];
    page text := 'true';
    product_ids bigint[];
BEGIN
    SELECT live, locales[1], currency INTO slot, wanted_locale, main_currency FROM search_index WHERE built_at IS NOT NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- What no product has is no value of the index.
    EXECUTE replace($sql$
        SELECT array_agg(CASE
               WHEN c.kind IN ('category', 'brand', 'tag') AND v.id IS NULL THEN 'false'
               WHEN c.kind = 'category' THEN format('d.categories && %L::int[]', ARRAY[v.id])
               WHEN c.kind = 'brand' THEN format('d.brand = %L::int', v.id)
               WHEN c.kind = 'tag' THEN format('d.tags && %L::int[]', ARRAY[v.id])
               WHEN c.kind = 'inStock' THEN format('d.in_stock = %L', c.wanted #>> '{}')
               -- As the index of prices has it: what has none is above all that can be asked for.
               WHEN c.kind = 'price' THEN format('coalesce(%s, 9223372036854775807) BETWEEN %L::bigint AND %L::bigint',
                    CASE WHEN c.wanted ->> 'currency' = $2 THEN 'd.price'
                         ELSE format('d.amounts[array_position(d.currencies, %L)]', c.wanted ->> 'currency') END,
                    coalesce(c.wanted ->> 'min', '0'), least((c.wanted ->> 'max')::bigint, 9223372036854775806))
               WHEN c.kind = 'madeWithinDays' THEN format(
                    'd.product_id IN (SELECT p.id FROM products p WHERE p.created_at > %L)',
                    $3 - interval '1 day' * (c.wanted #>> '{}')::int)
               END)
          FROM jsonb_array_elements($1 -> 'conditions') o
         CROSS JOIN LATERAL jsonb_each(o) AS c (kind, wanted)
         CROSS JOIN LATERAL (SELECT (SELECT k.id FROM search_values_N k
                WHERE k.kind = c.kind AND k.value = c.wanted #>> '{}' AND k.name = '') AS id) AS v
        $sql$, '_N', '_' || slot) INTO conditions USING rules, main_currency, moment;
    IF after_id > 0 THEN
        -- Products are archived and never deleted, so the name behind which a page begins is always to be had.
        page := CASE WHEN by_name THEN format('(d.name, d.product_id) > (%L COLLATE "und-x-icu", %L)',
            coalesce((SELECT p.name FROM products p WHERE p.id = after_id), ''), after_id)
            ELSE format('d.product_id < %L', after_id) END;
    END IF;
    EXECUTE format('SELECT coalesce(array_agg(x.id), ''{}'') FROM (SELECT d.product_id AS id FROM search_documents_%s d '
        'WHERE d.locale = %L AND d.published_at <= %L AND d.unpublished_at > %L AND (%s) AND %s ORDER BY %s LIMIT %L) x',
        slot, wanted_locale, moment, moment,
        array_to_string(conditions, CASE WHEN rules ->> 'match' = 'any' THEN ' OR ' ELSE ' AND ' END), page,
        CASE WHEN by_name THEN 'd.name, d.product_id' ELSE 'd.product_id DESC' END, most) INTO product_ids;
    RETURN product_ids;
END $$;
