DROP FUNCTION platform.store_keys;
DROP FUNCTION platform.claim_keys;
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
      FROM platform.idempotency_keys k
     WHERE k.scope = claim_scope AND k.key = claim_key AND k.expires_at > now();
END $$;
DROP FUNCTION platform.find_key;
