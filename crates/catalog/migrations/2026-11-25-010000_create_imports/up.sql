-- Files that are read into the shop by a job, in the order in which they came.
CREATE TABLE catalog.imports (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT imports_pkey PRIMARY KEY,
    kind        text NOT NULL CONSTRAINT imports_kind_known CHECK (kind IN ('products', 'prices', 'stock')),
    format      text NOT NULL CONSTRAINT imports_format_known CHECK (format IN ('csv', 'ndjson', 'json')),
    -- Whose form the file has, and the currency of its prices where it does not say it.
    profile     text,
    currency    text,
    -- Whether anything is written.
    mode        text NOT NULL CONSTRAINT imports_mode_known CHECK (mode IN ('validate', 'apply')),
    on_error    text NOT NULL CONSTRAINT imports_on_error_known CHECK (on_error IN ('skip', 'stop')),
    state       text NOT NULL DEFAULT 'uploading' CONSTRAINT imports_state_known
        CHECK (state IN ('uploading', 'waiting', 'running', 'succeeded', 'stopped', 'failed', 'cancelled')),
    -- Of the file.
    bytes       bigint NOT NULL DEFAULT 0,
    rows        bigint NOT NULL DEFAULT 0,
    created     bigint NOT NULL DEFAULT 0,
    updated     bigint NOT NULL DEFAULT 0,
    unchanged   bigint NOT NULL DEFAULT 0,
    refused     bigint NOT NULL DEFAULT 0,
    products    bigint NOT NULL DEFAULT 0,
    prices      bigint NOT NULL DEFAULT 0,
    -- Why it failed.
    error       text,
    actor_id    bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz,
    CONSTRAINT imports_rows_add_up CHECK (rows = created + updated + unchanged + refused)
);
CREATE INDEX imports_unfinished_idx ON catalog.imports (id) WHERE finished_at IS NULL;
CREATE INDEX imports_finished_idx ON catalog.imports (finished_at) WHERE finished_at IS NOT NULL;

-- The file, in pieces. Replicas share no disk.
CREATE TABLE catalog.import_parts (
    import_id bigint NOT NULL CONSTRAINT import_parts_import_id_fkey REFERENCES catalog.imports ON DELETE CASCADE,
    number    bigint NOT NULL,
    bytes     bytea  NOT NULL,
    CONSTRAINT import_parts_pkey PRIMARY KEY (import_id, number)
);
-- To compress what is read once costs more than it saves.
ALTER TABLE catalog.import_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- One row for each transaction of an import, written in it.
CREATE TABLE catalog.import_chunks (
    import_id bigint NOT NULL CONSTRAINT import_chunks_import_id_fkey REFERENCES catalog.imports ON DELETE CASCADE,
    -- How many rows of the file came before it.
    number    bigint NOT NULL,
    -- What became of its rows: [line, sku, outcome, field, message], the last two where it was refused.
    results   jsonb  NOT NULL,
    -- What whoever goes on behind it has to know.
    learned   jsonb  NOT NULL,
    CONSTRAINT import_chunks_pkey PRIMARY KEY (import_id, number)
);
