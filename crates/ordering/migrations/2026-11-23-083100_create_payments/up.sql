CREATE TABLE ordering.payments (
    id                 bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT payments_pkey PRIMARY KEY,
    order_id           bigint      NOT NULL CONSTRAINT payments_order_id_key UNIQUE
                                            CONSTRAINT payments_order_id_fkey REFERENCES ordering.orders,
    provider           text        NOT NULL,
    status             text        NOT NULL CONSTRAINT payments_status_known
        CHECK (status IN ('pending', 'authorised', 'captured', 'voided', 'refunded', 'failed')),
    amount_minor       bigint      NOT NULL CONSTRAINT payments_amount CHECK (amount_minor >= 0),
    currency           text        NOT NULL,
    -- What the provider is to charge; never a card number.
    token              text,
    -- The provider's name for the authorisation.
    provider_reference text,
    updated_at         timestamptz NOT NULL DEFAULT now()
);

-- What was, or is to be, asked of a provider. Written before the provider is called, outside of any
-- transaction, so that a crash in between leaves a trace that anyone can pick up. Its id makes the
-- provider's idempotency key: asking twice is asking once.
CREATE TABLE ordering.payment_operations (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT payment_operations_pkey PRIMARY KEY,
    payment_id   bigint      NOT NULL CONSTRAINT payment_operations_payment_id_fkey REFERENCES ordering.payments,
    kind         text        NOT NULL CONSTRAINT payment_operations_kind_known CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
    status       text        NOT NULL DEFAULT 'pending' CONSTRAINT payment_operations_status_known
        CHECK (status IN ('pending', 'succeeded', 'failed')),
    failure      text,
    actor_id     bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    attempted_at timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    CONSTRAINT payment_operations_finished_since CHECK ((status = 'pending') = (finished_at IS NULL))
);
CREATE UNIQUE INDEX payment_operations_one_pending_idx ON ordering.payment_operations (payment_id) WHERE status = 'pending';
CREATE INDEX payment_operations_pending_idx ON ordering.payment_operations (attempted_at) WHERE status = 'pending';
CREATE INDEX payment_operations_payment_id_idx ON ordering.payment_operations (payment_id);
