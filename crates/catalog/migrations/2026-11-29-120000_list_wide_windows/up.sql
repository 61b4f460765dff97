SET LOCAL lock_timeout = '300ms';

-- The condition that a product `d` was made after a moment. Beside others of which one is enough, all products of the window were
-- read to look the ones of a page up among them: where there are many, those of a page are soon found one by one.
CREATE FUNCTION catalog.made_since(since timestamptz, one_is_enough boolean) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF one_is_enough AND EXISTS (
        SELECT FROM catalog.products p WHERE p.created_at > since ORDER BY p.created_at OFFSET 10000) THEN
        RETURN format('(SELECT p.created_at FROM catalog.products p WHERE p.id = d.product_id) > %L', since);
    END IF;
    RETURN format('d.product_id IN (SELECT p.id FROM catalog.products p WHERE p.created_at > %L)', since);
END $$;

-- As before, and with that condition.
DO $do$
DECLARE
    definition text;
    is_found boolean := false;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(oid) FROM pg_proc
         WHERE pronamespace = 'catalog'::regnamespace AND proname = 'list_by_rules' AND strpos(prosrc, 'madeWithinDays') > 0
    LOOP
        definition := regexp_replace(definition,
            $$format\(\s*'d\.product_id IN \(SELECT p\.id FROM products p WHERE p\.created_at > %L\)',\s*([^\n]*::int)\)$$,
            $$made_since(\1, $1 ->> 'match' = 'any')$$);
        is_found := strpos(definition, 'made_since(') > 0;
        EXECUTE definition;
    END LOOP;
    IF NOT is_found THEN
        RAISE 'catalog.list_by_rules is not what it was';
    END IF;
END $do$;
