-- Whoever uses up stock marks it and waits behind this, and gives up after a second.
SET LOCAL lock_timeout = '700ms';

-- Of what an event marks a thousand products of, those are written after all that is marked one by one: an edited product is not to wait
-- for a category of a million.
ALTER TABLE catalog.search_stale ADD COLUMN is_bulk boolean NOT NULL DEFAULT false;
CREATE INDEX search_stale_next_idx ON catalog.search_stale (is_bulk, id);

-- As before; single changes first, and it tells of marks where these are more than the products.
CREATE OR REPLACE FUNCTION catalog.search_refresh(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
    stale bigint[];
    marks int;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    WITH taken AS (
        DELETE FROM catalog.search_stale
         WHERE id IN (SELECT id FROM catalog.search_stale ORDER BY is_bulk, id LIMIT most) RETURNING product_id
    ) SELECT array_agg(DISTINCT product_id), (SELECT count(*) FROM taken) INTO stale, marks FROM (
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
    RETURN greatest(cardinality(stale), marks); -- a product may have been marked several times
END $$;

-- As before; while an index is being built, changes of stock are marked for it whatever the one that is read says, and all that is at a location
-- that is used from now on, or not any more.
CREATE OR REPLACE FUNCTION catalog.search_mark(kinds text[], resource_ids bigint[], payloads jsonb[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    is_quiet boolean;
    switched bigint[] := ARRAY(SELECT e.id FROM unnest(kinds, resource_ids) AS e (kind, id) WHERE e.kind = 'location.switched');
    marked bigint;
BEGIN
    -- While a document is being written, nobody can tell whether it says what is so now; and of an index that is being built, nobody looks.
    PERFORM FROM catalog.search_index WHERE next_locales IS NULL FOR UPDATE SKIP LOCKED;
    is_quiet := FOUND;
    WITH affected AS MATERIALIZED (
        SELECT a.product_id FROM catalog.search_affected(kinds, resource_ids, payloads) a
         WHERE NOT (a.is_about_stock AND is_quiet)
            OR EXISTS (SELECT FROM catalog.search_live d
                        WHERE d.product_id = a.product_id AND d.locale = (SELECT locales[1] FROM catalog.search_index)
                          AND d.in_stock <> catalog.has_stock(a.product_id))
    ) INSERT INTO catalog.search_stale (product_id, is_bulk)
    SELECT product_id, (SELECT count(*) FROM affected) > 1000 FROM affected;
    GET DIAGNOSTICS marked = ROW_COUNT;
    IF switched <> '{}' THEN
        INSERT INTO catalog.search_stale (product_id, is_bulk)
        SELECT v.product_id, true FROM catalog.stock_levels s JOIN catalog.variants v ON v.id = s.variant_id
         WHERE s.location_id = ANY (switched)
         UNION -- whatever their parts are
        SELECT v.product_id, true FROM catalog.bundle_parts b JOIN catalog.variants v ON v.id = b.bundle_id;
    END IF;
    RETURN marked;
END $$;

-- As before; what is empty is not emptied, because that waits for whoever reads it, such as a backup.
CREATE OR REPLACE FUNCTION catalog.search_begin(wanted_locales text[], wanted_currency text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
    is_filled boolean;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales = wanted_locales AND index.next_currency = wanted_currency AND index.next_shape = catalog.search_shape() THEN
        RETURN;
    END IF;
    EXECUTE replace('SELECT EXISTS (SELECT FROM catalog.search_documents_N) OR EXISTS (SELECT FROM catalog.search_words_N)',
        '_N', '_' || 1 - index.live) INTO is_filled;
    IF is_filled THEN
        EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_prices_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
            '_N', '_' || 1 - index.live);
    END IF;
    UPDATE catalog.search_index SET next_locales = wanted_locales, next_currency = wanted_currency, next_product_id = 0,
        next_shape = catalog.search_shape();
END $$;
