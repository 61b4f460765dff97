CREATE TABLE platform.queues (
    name        text CONSTRAINT queues_pkey PRIMARY KEY,
    -- How many of its jobs run at a time, over all replicas.
    concurrency int  NOT NULL CONSTRAINT queues_concurrency CHECK (concurrency BETWEEN 1 AND 1000)
);
-- Together they are as many as one worker runs by default, so that neither can starve the other.
INSERT INTO platform.queues VALUES ('default', 4), ('upkeep', 4);

CREATE TABLE platform.jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT jobs_pkey PRIMARY KEY,
    queue          text        NOT NULL CONSTRAINT jobs_queue_fkey REFERENCES platform.queues,
    kind           text        NOT NULL,
    -- At most one unfinished job of a kind has it.
    key            text,
    -- The lowest first.
    priority       smallint    NOT NULL DEFAULT 0,
    -- Ids of what it is about, never the thing itself.
    payload        jsonb       NOT NULL DEFAULT '{}' CONSTRAINT jobs_payload_size CHECK (octet_length(payload::text) <= 65536),
    state          text        NOT NULL DEFAULT 'queued' CONSTRAINT jobs_state_known
        CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    run_at         timestamptz NOT NULL DEFAULT now(),
    -- How often it was claimed. Whoever claimed it may write only while this is the number it was given.
    attempts       int         NOT NULL DEFAULT 0,
    -- How many attempts in a row came to nothing.
    failures       int         NOT NULL DEFAULT 0,
    max_attempts   int         NOT NULL DEFAULT 10 CONSTRAINT jobs_max_attempts CHECK (max_attempts >= 1),
    holder         text,
    lease_until    timestamptz,
    cancel_requested_at timestamptz,
    progress       bigint      NOT NULL DEFAULT 0,
    -- NULL: nobody knows how much there is to do.
    progress_total bigint,
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    CONSTRAINT jobs_leased_while_running CHECK (
        (state = 'running') = (lease_until IS NOT NULL) AND (state = 'running') = (holder IS NOT NULL)),
    CONSTRAINT jobs_finished_since CHECK (
        (state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX jobs_key_idx ON platform.jobs (kind, key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_due_idx ON platform.jobs (queue, priority, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running_idx ON platform.jobs (queue) WHERE state = 'running';
CREATE INDEX jobs_failed_idx ON platform.jobs (id) WHERE state = 'failed';
CREATE INDEX jobs_finished_idx ON platform.jobs (finished_at) WHERE finished_at IS NOT NULL;

-- Claims up to `most` due jobs of kinds the claimer knows, queue by queue. The queue's row is locked while its running
-- jobs are counted and others join them, so no two claimers can count the same free place; the count is a statement of
-- its own, so it sees what whoever held the lock before has committed. Enqueuing only takes the key of that row
-- (jobs_queue_fkey), which FOR NO KEY UPDATE leaves free.
CREATE FUNCTION platform.claim_jobs(claimer text, known text[], most int, lease_seconds int)
RETURNS SETOF platform.jobs LANGUAGE plpgsql AS $$
DECLARE
    line  record;
    free  bigint;
    taken bigint;
BEGIN
    FOR line IN
        SELECT q.name, q.concurrency FROM platform.queues q
         WHERE EXISTS (SELECT FROM platform.jobs j
                        WHERE j.queue = q.name AND j.state = 'queued' AND j.run_at <= now() AND j.kind = ANY (known))
         ORDER BY q.name FOR NO KEY UPDATE
    LOOP
        SELECT line.concurrency - count(*) INTO free
          FROM platform.jobs j WHERE j.queue = line.name AND j.state = 'running';
        CONTINUE WHEN free <= 0;
        RETURN QUERY
            WITH due AS MATERIALIZED (
                SELECT j.id FROM platform.jobs j
                 WHERE j.queue = line.name AND j.state = 'queued' AND j.run_at <= now() AND j.kind = ANY (known)
                 ORDER BY j.priority, j.run_at, j.id LIMIT least(free, most) FOR UPDATE SKIP LOCKED)
            UPDATE platform.jobs j
               SET state = 'running', attempts = j.attempts + 1, holder = claimer, started_at = clock_timestamp(),
                   lease_until = clock_timestamp() + make_interval(secs => lease_seconds),
                   progress = 0, progress_total = NULL
              FROM due WHERE j.id = due.id
            RETURNING j.*;
        GET DIAGNOSTICS taken = ROW_COUNT;
        most := most - taken;
        EXIT WHEN most <= 0;
    END LOOP;
END $$;
