-- Files that a job writes of the shop, as it was at one moment.
CREATE TABLE catalog.exports (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT exports_pkey PRIMARY KEY,
    kind        text    NOT NULL CONSTRAINT exports_kind_known CHECK (kind IN ('products')),
    format      text    NOT NULL CONSTRAINT exports_format_known CHECK (format IN ('csv', 'ndjson')),
    -- Whether what customers do not see is left out.
    on_sale     boolean NOT NULL,
    state       text    NOT NULL DEFAULT 'waiting' CONSTRAINT exports_state_known
        CHECK (state IN ('waiting', 'running', 'succeeded', 'failed')),
    -- The attempt of the job that wrote the file.
    attempt     int,
    -- The moment that the file tells of.
    as_of       timestamptz,
    bytes       bigint NOT NULL DEFAULT 0,
    products    bigint NOT NULL DEFAULT 0,
    variants    bigint NOT NULL DEFAULT 0,
    prices      bigint NOT NULL DEFAULT 0,
    actor_id    bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT exports_whole CHECK (state <> 'succeeded' OR num_nulls(attempt, as_of, finished_at) = 0)
);
CREATE INDEX exports_unfinished_idx ON catalog.exports (id) WHERE finished_at IS NULL;
CREATE INDEX exports_finished_idx ON catalog.exports (finished_at) WHERE finished_at IS NOT NULL;

-- Each attempt begins anew, so that what a frozen one still writes spoils nothing.
CREATE TABLE catalog.export_parts (
    export_id bigint NOT NULL CONSTRAINT export_parts_export_id_fkey REFERENCES catalog.exports ON DELETE CASCADE,
    attempt   int    NOT NULL,
    number    bigint NOT NULL,
    bytes     bytea  NOT NULL,
    CONSTRAINT export_parts_pkey PRIMARY KEY (export_id, attempt, number)
);
ALTER TABLE catalog.export_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
