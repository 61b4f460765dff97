-- Stock that is kept for somebody until a moment: a quotation, an order by telephone.
CREATE TABLE catalog.stock_holds (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT stock_holds_pkey PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    -- When and how it ended; NULL for one that holds, and for one that has expired and was not swept up yet.
    ended_at   timestamptz,
    outcome    text CONSTRAINT stock_holds_outcome_known CHECK (outcome IN ('released', 'expired', 'ordered')),
    -- The order it became.
    order_id   bigint,
    note       text,
    actor_id   bigint,
    -- Counts the changes from 1.
    version    bigint      NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_holds_ended_somehow CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX stock_holds_open_idx ON catalog.stock_holds (expires_at, id) WHERE ended_at IS NULL;

-- What is kept where. A line is written by whoever holds the level of its variant at the main location, so that whoever needs
-- stock may take that of an expired hold without waiting for anybody.
CREATE TABLE catalog.stock_hold_lines (
    hold_id     bigint NOT NULL CONSTRAINT stock_hold_lines_hold_id_fkey REFERENCES catalog.stock_holds,
    variant_id  bigint NOT NULL,
    location_id bigint NOT NULL,
    units       bigint NOT NULL CONSTRAINT stock_hold_lines_units_positive CHECK (units > 0),
    -- When the units were promised no more; NULL while they are.
    released_at timestamptz,
    CONSTRAINT stock_hold_lines_pkey PRIMARY KEY (hold_id, variant_id, location_id),
    CONSTRAINT stock_hold_lines_level_fkey FOREIGN KEY (variant_id, location_id) REFERENCES catalog.stock_levels
);
CREATE INDEX stock_hold_lines_held_idx ON catalog.stock_hold_lines (variant_id) WHERE released_at IS NULL;

-- Orders write movements and wait behind this: better to try again.
SET LOCAL lock_timeout = '300ms';
-- The hold a movement belongs to, where there is one. No foreign key: it would be looked after with every order's movement.
ALTER TABLE catalog.stock_movements ADD COLUMN hold_id bigint;

-- Gives back what holds keep of some variants. The caller holds their levels at the main location.
CREATE FUNCTION catalog.release_holds(hold_ids bigint[], variant_ids bigint[], why text, actor bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH released AS (
        UPDATE catalog.stock_hold_lines SET released_at = now()
         WHERE hold_id = ANY (hold_ids) AND variant_id = ANY (variant_ids) AND released_at IS NULL
        RETURNING hold_id, variant_id, location_id, units
    ), freed AS (
        UPDATE catalog.stock_levels s SET reserved = s.reserved - r.units
          FROM (SELECT variant_id, location_id, sum(units)::bigint AS units FROM released GROUP BY variant_id, location_id) r
         WHERE s.variant_id = r.variant_id AND s.location_id = r.location_id)
    INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, hold_id, actor_id)
    SELECT variant_id, location_id, 0, -units, why, hold_id, actor FROM released;
END $$;

-- The same for what expired holds still keep of some variants, and whether that was anything.
CREATE FUNCTION catalog.release_expired_holds(variant_ids bigint[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    expired bigint[] := ARRAY(SELECT l.hold_id FROM catalog.stock_hold_lines l JOIN catalog.stock_holds h ON h.id = l.hold_id
                               WHERE l.variant_id = ANY (variant_ids) AND l.released_at IS NULL AND h.expires_at <= clock_timestamp());
BEGIN
    IF expired <> '{}' THEN
        PERFORM catalog.release_holds(expired, variant_ids, 'hold_expired', NULL);
    END IF;
    RETURN expired <> '{}';
END $$;
