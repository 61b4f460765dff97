-- As before. Most sets are of one key: a loop over few is less to set up than an aggregate in an order.
CREATE OR REPLACE FUNCTION platform.claim_keys(scopes text[], keys text[], patient boolean) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    verdicts text[] := array_fill('free'::text, ARRAY[cardinality(keys)]);
    known int[];
    place int;
BEGIN
    IF patient THEN
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(scope || E'\x1f' || key, 0))
               FROM unnest(scopes, keys) AS c (scope, key) WHERE key IS NOT NULL;
        EXCEPTION WHEN lock_not_available THEN
            RETURN array_fill('busy'::text, ARRAY[cardinality(keys)]);
        END;
    END IF;
    FOR n IN 1..cardinality(keys) LOOP
        IF NOT coalesce(pg_try_advisory_xact_lock(hashtextextended(scopes[n] || E'\x1f' || keys[n], 0)), true) THEN
            verdicts[n] := 'busy';
        END IF;
    END LOOP;
    -- A statement of its own, because it needs a snapshot from after the locks.
    known := ARRAY(SELECT c.position::int FROM unnest(scopes, keys) WITH ORDINALITY AS c (scope, key, position)
                    WHERE EXISTS (SELECT FROM platform.find_key(c.scope, c.key) k WHERE k.key IS NOT NULL));
    IF known <> '{}' THEN
        FOREACH place IN ARRAY known LOOP
            IF verdicts[place] = 'free' THEN
                verdicts[place] := 'known';
            END IF;
        END LOOP;
    END IF;
    RETURN verdicts;
END $$;
