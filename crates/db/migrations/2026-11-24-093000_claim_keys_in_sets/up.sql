-- The row of a key that has not expired. OFFSET 0 keeps the expiry out of the search for the row: a plan that was made
-- while the table was empty would search by expiry, which is to read all keys there are.
CREATE FUNCTION platform.find_key(wanted_scope text, wanted_key text) RETURNS SETOF platform.idempotency_keys
LANGUAGE sql STABLE AS $$
    SELECT * FROM (SELECT * FROM platform.idempotency_keys k WHERE k.scope = wanted_scope AND k.key = wanted_key OFFSET 0) k
     WHERE k.expires_at > now()
$$;

CREATE OR REPLACE FUNCTION platform.claim_key(
    claim_scope text, claim_key text,
    OUT locked boolean, OUT fingerprint bytea, OUT resource_id bigint,
    OUT status smallint, OUT location text, OUT body bytea
) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(claim_scope || E'\x1f' || claim_key, 0));
        locked := true;
    EXCEPTION WHEN lock_not_available THEN
        locked := false;
        RETURN;
    END;
    SELECT k.fingerprint, k.resource_id, k.status, k.location, k.body
      INTO fingerprint, resource_id, status, location, body
      FROM platform.find_key(claim_scope, claim_key) k;
END $$;

-- Claims a set of keys for the rest of the transaction. Each turns out to be
--   free   nobody knows it, and nobody else can take it until we end (so is a NULL key, which nobody claims)
--   known  it has a row already
--   busy   another transaction holds it
-- Without patience nobody waits, so the keys of a set cannot deadlock with those of another one, whatever their order.
-- With patience a lock is waited for, up to lock_timeout: that is for one key alone.
CREATE FUNCTION platform.claim_keys(scopes text[], keys text[], patient boolean) RETURNS text[]
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

-- Stores keys that were claimed and found free, each with its answer, or with the resource that it is to be found by.
-- An expired row of the same name makes way.
CREATE FUNCTION platform.store_keys(
    scopes text[], keys text[], fingerprints bytea[], resource_ids bigint[], statuses smallint[], locations text[], bodies bytea[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO platform.idempotency_keys AS k (scope, key, fingerprint, resource_id, status, location, body)
    SELECT * FROM unnest(scopes, keys, fingerprints, resource_ids, statuses, locations, bodies)
    ON CONFLICT (scope, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, status = excluded.status,
        location = excluded.location, body = excluded.body, created_at = now(), expires_at = now() + interval '72 hours';
END $$;
