CREATE TABLE platform.idempotency_keys (
    scope       text        NOT NULL,
    key         text        NOT NULL,
    -- SHA-256 of the canonical request.
    fingerprint bytea       NOT NULL,
    -- What the request works on, while it has no answer yet (status IS NULL).
    resource_id bigint,
    status      smallint,
    location    text,
    body        bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL DEFAULT now() + interval '72 hours',
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key),
    CONSTRAINT idempotency_keys_answered_or_resumable CHECK (status IS NOT NULL OR resource_id IS NOT NULL)
);
CREATE INDEX idempotency_keys_expires_at_idx ON platform.idempotency_keys (expires_at);

-- Waits for the key (up to lock_timeout), then looks it up in a fresh snapshot. An advisory lock,
-- because an INSERT … ON CONFLICT would block on the other transaction's uncommitted row. A hash
-- collision only costs a wait.
CREATE FUNCTION platform.claim_key(
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
