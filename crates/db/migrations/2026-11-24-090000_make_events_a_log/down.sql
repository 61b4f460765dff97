DROP INDEX platform.outbox_resource_sequence_idx;
ALTER TABLE platform.outbox
    DROP CONSTRAINT outbox_pkey,
    DROP COLUMN xid,
    DROP COLUMN sequence,
    DROP COLUMN version,
    DROP COLUMN actor_id,
    DROP COLUMN request_id,
    ALTER COLUMN event_id DROP DEFAULT,
    ADD COLUMN sent_at timestamptz,
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id),
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);
CREATE INDEX outbox_unsent_idx ON platform.outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_resource_idx ON platform.outbox (resource_type, resource_id);
