-- Events are a log. They are written once and never updated; whoever consumes them keeps a position in it.
--
-- Ids are given out in another order than transactions commit, so the position is (xid, id), and nobody reads beyond
-- pg_snapshot_xmin(pg_current_snapshot()): below it every transaction has ended, and nothing can appear any more.
ALTER TABLE platform.outbox
    DROP CONSTRAINT outbox_pkey,
    DROP CONSTRAINT outbox_event_id_key,
    DROP COLUMN sent_at,
    ALTER COLUMN event_id SET DEFAULT gen_random_uuid(),
    ADD COLUMN xid        xid8     NOT NULL DEFAULT pg_current_xact_id(),
    -- Counts the events of a resource from 1; NULL in rows of the release before.
    ADD COLUMN sequence   bigint,
    -- The version of the payload's form.
    ADD COLUMN version    smallint NOT NULL DEFAULT 1,
    -- The user who caused it; NULL for the system and for callers without a token.
    ADD COLUMN actor_id   bigint,
    ADD COLUMN request_id text,
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (xid, id);
DROP INDEX platform.outbox_resource_idx;
CREATE UNIQUE INDEX outbox_resource_sequence_idx ON platform.outbox (resource_type, resource_id, sequence);
