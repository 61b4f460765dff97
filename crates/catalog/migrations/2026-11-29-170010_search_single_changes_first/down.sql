SET LOCAL lock_timeout = '700ms';
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

CREATE OR REPLACE FUNCTION catalog.search_mark(kinds text[], resource_ids bigint[], payloads jsonb[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    is_quiet boolean;
    marked bigint;
BEGIN
    -- While a document is being written, nobody can tell whether it says what is so now.
    PERFORM FROM catalog.search_index FOR UPDATE SKIP LOCKED;
    is_quiet := FOUND;
    INSERT INTO catalog.search_stale (product_id)
    SELECT a.product_id FROM catalog.search_affected(kinds, resource_ids, payloads) a
     WHERE NOT (a.is_about_stock AND is_quiet)
        OR EXISTS (SELECT FROM catalog.search_live d
                    WHERE d.product_id = a.product_id AND d.locale = (SELECT locales[1] FROM catalog.search_index)
                      AND d.in_stock <> catalog.has_stock(a.product_id));
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END $$;

CREATE OR REPLACE FUNCTION catalog.search_refresh(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
    stale bigint[];
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    WITH taken AS (
        DELETE FROM catalog.search_stale
         WHERE id IN (SELECT id FROM catalog.search_stale ORDER BY id LIMIT most) RETURNING product_id
    ) SELECT array_agg(DISTINCT product_id) INTO stale FROM (
        SELECT product_id FROM taken
        UNION ALL
        (SELECT product_id FROM catalog.search_live WHERE changes_at <= statement_timestamp() ORDER BY changes_at LIMIT most)) s;
    IF stale IS NULL THEN
        RETURN 0; -- somebody else was faster
    END IF;
    PERFORM catalog.search_write(index.live, index.locales, index.currency, stale);
    IF index.next_locales IS NOT NULL THEN
        PERFORM catalog.search_write((1 - index.live)::smallint, index.next_locales, index.next_currency, stale);
    END IF;
    RETURN cardinality(stale);
END $$;

DROP INDEX catalog.search_stale_next_idx;
ALTER TABLE catalog.search_stale DROP COLUMN is_bulk;
