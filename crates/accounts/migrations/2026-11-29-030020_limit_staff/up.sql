-- Whoever reads users waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE accounts.users
    -- What a member of staff may do, by the codes of permissions; NULL for all that staff may.
    ADD COLUMN permissions text[],
    ADD CONSTRAINT users_permissions_of_staff CHECK (permissions IS NULL OR role = 'staff') NOT VALID;
