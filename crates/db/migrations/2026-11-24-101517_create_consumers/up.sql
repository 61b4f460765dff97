-- Who reads the log of events, and how far each has come. Whoever handles events for a consumer holds its lease; whoever
-- takes the lease over raises the epoch, and then nothing written under an older epoch counts.
CREATE TABLE platform.consumers (
    name          text        CONSTRAINT consumers_pkey PRIMARY KEY,
    -- Everything up to this position in platform.outbox has been handled, itself included.
    xid           xid8        NOT NULL,
    id            bigint      NOT NULL,
    epoch         bigint      NOT NULL DEFAULT 0,
    lease_until   timestamptz NOT NULL DEFAULT '-infinity',
    -- How many events were handled so far.
    handled       bigint      NOT NULL DEFAULT 0,
    -- Failures in a row at this position, since when, the last of them, and when to try again.
    failures      int         NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error    text,
    retry_at      timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT consumers_failing_since CHECK ((failures > 0) = (failing_since IS NOT NULL))
) WITH (fillfactor = 50); -- few rows that change all the time: room for HOT updates

-- Up to where the log was pruned: whoever reads on from before that has missed something. One row.
CREATE TABLE platform.outbox_start (
    is_only boolean NOT NULL DEFAULT true CONSTRAINT outbox_start_pkey PRIMARY KEY CONSTRAINT outbox_start_is_only CHECK (is_only),
    xid     xid8    NOT NULL,
    id      bigint  NOT NULL
);
INSERT INTO platform.outbox_start (xid, id) VALUES ('0', 0);
