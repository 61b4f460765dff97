-- Whoever reads users waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE accounts.users
    -- The groups a customer is of, by the names that price lists know.
    ADD COLUMN customer_groups text[] NOT NULL DEFAULT '{}',
    -- Counts the changes to the account, from 1.
    ADD COLUMN version bigint NOT NULL DEFAULT 1;
