SET LOCAL lock_timeout = '300ms';
ALTER TABLE accounts.users DROP COLUMN permissions;
