CREATE TABLE platform.outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    event_id      uuid        NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    kind          text        NOT NULL,
    resource_type text        NOT NULL,
    resource_id   bigint      NOT NULL,
    payload       jsonb       NOT NULL,
    occurred_at   timestamptz NOT NULL DEFAULT now(),
    sent_at       timestamptz
);
CREATE INDEX outbox_unsent_idx ON platform.outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_resource_idx ON platform.outbox (resource_type, resource_id);
COMMENT ON TABLE platform.outbox IS 'Events, written in the transaction of the change they tell of.';
