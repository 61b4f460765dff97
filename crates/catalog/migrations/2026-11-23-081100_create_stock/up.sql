CREATE TABLE catalog.locations (
    id   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT locations_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT locations_code_key UNIQUE,
    name text NOT NULL
);
INSERT INTO catalog.locations (code, name) VALUES ('main', 'Main warehouse');

CREATE TABLE catalog.stock_levels (
    variant_id      bigint NOT NULL CONSTRAINT stock_levels_variant_id_fkey REFERENCES catalog.variants,
    location_id     bigint NOT NULL DEFAULT 1 CONSTRAINT stock_levels_location_id_fkey REFERENCES catalog.locations,
    on_hand         bigint NOT NULL DEFAULT 0 CONSTRAINT stock_levels_on_hand_not_negative CHECK (on_hand >= 0),
    reserved        bigint NOT NULL DEFAULT 0 CONSTRAINT stock_levels_reserved_not_negative CHECK (reserved >= 0),
    safety          bigint NOT NULL DEFAULT 0 CONSTRAINT stock_levels_safety_not_negative CHECK (safety >= 0),
    backorder_limit bigint NOT NULL DEFAULT 0 CONSTRAINT stock_levels_backorder_not_negative CHECK (backorder_limit >= 0),
    CONSTRAINT stock_levels_pkey PRIMARY KEY (variant_id, location_id),
    CONSTRAINT stock_levels_not_oversold CHECK (reserved <= on_hand - safety + backorder_limit)
) WITH (fillfactor = 80); -- room for HOT updates: counters change far more often than rows appear

-- Append-only: the deltas of a variant and location sum to its counters.
CREATE TABLE catalog.stock_movements (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT stock_movements_pkey PRIMARY KEY,
    variant_id     bigint      NOT NULL,
    location_id    bigint      NOT NULL,
    on_hand_delta  bigint      NOT NULL,
    reserved_delta bigint      NOT NULL,
    reason         text        NOT NULL,
    -- The order a movement belongs to, where there is one.
    order_id       bigint,
    note           text,
    -- The user who caused it; NULL for the system and for callers without a token.
    actor_id       bigint,
    occurred_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_movements_level_fkey FOREIGN KEY (variant_id, location_id) REFERENCES catalog.stock_levels,
    CONSTRAINT stock_movements_some_delta CHECK (on_hand_delta <> 0 OR reserved_delta <> 0)
);
CREATE INDEX stock_movements_level_idx ON catalog.stock_movements (variant_id, location_id);
CREATE INDEX stock_movements_order_idx ON catalog.stock_movements (order_id) WHERE order_id IS NOT NULL;
