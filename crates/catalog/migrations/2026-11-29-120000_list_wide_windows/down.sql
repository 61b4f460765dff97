SET LOCAL lock_timeout = '300ms';

DO $do$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(oid) FROM pg_proc
         WHERE pronamespace = 'catalog'::regnamespace AND proname = 'list_by_rules' AND strpos(prosrc, 'made_since(') > 0
    LOOP
        EXECUTE regexp_replace(definition, $$made_since\(([^\n]*::int), \$1 ->> 'match' = 'any'\)$$,
            $$format('d.product_id IN (SELECT p.id FROM products p WHERE p.created_at > %L)', \1)$$);
    END LOOP;
END $do$;

DROP FUNCTION catalog.made_since(timestamptz, boolean);
