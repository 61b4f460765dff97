CREATE TABLE platform.schedules (
    name          text CONSTRAINT schedules_pkey PRIMARY KEY,
    queue         text NOT NULL CONSTRAINT schedules_queue_fkey REFERENCES platform.queues,
    kind          text NOT NULL,
    every_seconds int  CONSTRAINT schedules_every_seconds CHECK (every_seconds >= 1),
    -- Five fields, in UTC.
    cron          text,
    missed        text NOT NULL CONSTRAINT schedules_missed_known CHECK (missed IN ('skip', 'runOnce', 'catchUp')),
    -- The planned time of the next tick; what is due has not been looked at.
    next_at       timestamptz NOT NULL,
    CONSTRAINT schedules_one_timing CHECK ((every_seconds IS NULL) <> (cron IS NULL))
);

-- A tick is one planned time of one schedule: whoever inserts its row enqueues its job, in the same transaction.
CREATE TABLE platform.ticks (
    schedule   text        NOT NULL CONSTRAINT ticks_schedule_fkey REFERENCES platform.schedules ON DELETE CASCADE,
    planned_at timestamptz NOT NULL,
    -- NULL: the job of an earlier tick was not finished yet, and stands for this one too. Jobs are pruned, ids stay.
    job_id     bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ticks_pkey PRIMARY KEY (schedule, planned_at)
);
CREATE INDEX ticks_created_at_idx ON platform.ticks (created_at);
