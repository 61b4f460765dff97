DROP FUNCTION platform.claim_key(text, text);
DROP TABLE platform.idempotency_keys;
