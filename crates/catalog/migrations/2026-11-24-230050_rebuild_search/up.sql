-- Begins to build the index anew beside the one that is read, or goes on where somebody stopped.
CREATE FUNCTION catalog.search_begin(wanted_locales text[], wanted_currency text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales = wanted_locales AND index.next_currency = wanted_currency THEN
        RETURN;
    END IF;
    EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
        '_N', '_' || 1 - index.live);
    UPDATE catalog.search_index SET next_locales = wanted_locales, next_currency = wanted_currency, next_product_id = 0;
END $$;

-- Builds the documents of so many products more, and tells how many there were: fewer than that at the end. Products that
-- changed meanwhile are written by who follows changes, in both indexes.
CREATE FUNCTION catalog.search_build(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
    batch bigint[];
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    batch := ARRAY(SELECT id FROM catalog.products WHERE id > index.next_product_id ORDER BY id LIMIT most);
    IF batch <> '{}' THEN
        PERFORM catalog.search_write((1 - index.live)::smallint, index.next_locales, index.next_currency, batch);
        UPDATE catalog.search_index SET next_product_id = batch[cardinality(batch)];
    END IF;
    RETURN cardinality(batch);
END $$;

-- Has the index read that was built. Who is reading the other one goes on.
CREATE FUNCTION catalog.search_swap() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog.search_index
       SET live = 1 - live, locales = next_locales, currency = next_currency, built_at = now(),
           next_locales = NULL, next_currency = NULL
     WHERE next_locales IS NOT NULL;
END $$;

-- Throws away what nobody reads any more.
CREATE FUNCTION catalog.search_clear() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    IF index.next_locales IS NULL THEN
        EXECUTE replace('TRUNCATE catalog.search_documents_N, catalog.search_values_N, catalog.search_words_N RESTART IDENTITY',
            '_N', '_' || 1 - index.live);
    END IF;
END $$;
