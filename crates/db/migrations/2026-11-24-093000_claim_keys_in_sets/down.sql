DROP FUNCTION platform.store_keys;
DROP FUNCTION platform.claim_keys;
