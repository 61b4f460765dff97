CREATE OR REPLACE FUNCTION platform.claim_keys(scopes text[], keys text[], patient boolean) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    locked boolean[];
BEGIN
    IF patient THEN
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(scope || E'\x1f' || key, 0))
               FROM unnest(scopes, keys) AS c (scope, key) WHERE key IS NOT NULL;
        EXCEPTION WHEN lock_not_available THEN
            RETURN array_fill('busy'::text, ARRAY[cardinality(keys)]);
        END;
    END IF;
    SELECT array_agg(key IS NULL OR pg_try_advisory_xact_lock(hashtextextended(scope || E'\x1f' || key, 0)) ORDER BY position)
      INTO locked
      FROM unnest(scopes, keys) WITH ORDINALITY AS c (scope, key, position);
    -- A statement of its own, because it needs a snapshot from after the locks.
    RETURN (
        SELECT array_agg(CASE WHEN NOT c.locked THEN 'busy' WHEN k.key IS NULL THEN 'free' ELSE 'known' END ORDER BY position)
          FROM unnest(scopes, keys, locked) WITH ORDINALITY AS c (scope, key, locked, position)
          LEFT JOIN LATERAL platform.find_key(c.scope, c.key) k ON true);
END $$;
