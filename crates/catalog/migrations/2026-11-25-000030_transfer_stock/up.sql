-- Stock that was put from locations into others, in one step. What was moved is in the movements.
CREATE TABLE catalog.stock_transfers (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT stock_transfers_pkey PRIMARY KEY,
    note       text,
    actor_id   bigint,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Orders write movements and wait behind this: better to try again.
SET LOCAL lock_timeout = '300ms';
-- The transfer a movement belongs to, where there is one. No foreign key: it would be looked after with every order's movement.
ALTER TABLE catalog.stock_movements ADD COLUMN transfer_id bigint;
