SET LOCAL lock_timeout = '300ms';

-- As before, but many values of an option or a field, as a range may have, are looked up by their hashes. To compare each value of a
-- product with each of them took seconds among a hundred thousand products.
DO $do$
DECLARE
    before constant text := $$ELSE format('d.options && %L', found.ids) END;$$;
    after constant text := $$ELSE CASE WHEN cardinality(found.ids) < 20 THEN format('d.options && %L', found.ids)
                 ELSE format('EXISTS (SELECT FROM unnest(d.options) o WHERE o = ANY (%L::int[]))', found.ids) END END;$$;
    definition text := pg_get_functiondef('catalog.search(jsonb)'::regprocedure);
BEGIN
    IF strpos(definition, before) = 0 THEN
        RAISE 'catalog.search is not what it was';
    END IF;
    EXECUTE replace(definition, before, after);
END $do$;
