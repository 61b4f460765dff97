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
          LEFT JOIN platform.idempotency_keys k ON k.scope = c.scope AND k.key = c.key AND k.expires_at > now());
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
