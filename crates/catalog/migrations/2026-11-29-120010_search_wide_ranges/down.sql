SET LOCAL lock_timeout = '300ms';

DO $do$
DECLARE
    before constant text := $$ELSE format('d.options && %L', found.ids) END;$$;
    after constant text := $$ELSE CASE WHEN cardinality(found.ids) < 20 THEN format('d.options && %L', found.ids)
                 ELSE format('EXISTS (SELECT FROM unnest(d.options) o WHERE o = ANY (%L::int[]))', found.ids) END END;$$;
BEGIN
    EXECUTE replace(pg_get_functiondef('catalog.search(jsonb)'::regprocedure), after, before);
END $do$;
