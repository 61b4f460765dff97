-- What rows of a file say of other things of the shop, which may come later in the file: it is read once all rows are
-- written. A row is done in the transaction that writes what it says, and all of an import are forgotten at its end.
CREATE TABLE catalog.import_references (
    -- Names the import: those of the command line have no row of their own.
    run        text    NOT NULL,
    -- How many rows of the file came before it.
    number     bigint  NOT NULL,
    line       bigint  NOT NULL,
    sku        text    NOT NULL,
    -- What became of the row so far.
    outcome    text    NOT NULL CONSTRAINT import_references_outcome_known CHECK (outcome IN ('created', 'updated', 'unchanged')),
    wanted     jsonb   NOT NULL,
    is_done    boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT import_references_pkey PRIMARY KEY (run, number)
);
CREATE INDEX import_references_sku_idx ON catalog.import_references (run, sku);
-- Of those that a dead process has left behind.
CREATE INDEX import_references_created_at_idx ON catalog.import_references (created_at);
