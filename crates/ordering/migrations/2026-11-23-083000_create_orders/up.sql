CREATE TABLE ordering.shipping_methods (
    code      text    CONSTRAINT shipping_methods_pkey PRIMARY KEY,
    name      text    NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    -- Costs nothing in any currency; otherwise shipping_rates tells.
    is_free   boolean NOT NULL DEFAULT false
);
CREATE TABLE ordering.shipping_rates (
    method_code  text   NOT NULL CONSTRAINT shipping_rates_method_code_fkey REFERENCES ordering.shipping_methods,
    currency     text   NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT shipping_rates_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT shipping_rates_pkey PRIMARY KEY (method_code, currency)
);
INSERT INTO ordering.shipping_methods (code, name, is_free) VALUES ('std', 'Standard', true), ('exp', 'Express', false);
INSERT INTO ordering.shipping_rates VALUES ('exp', 'USD', 1500), ('exp', 'EUR', 1500), ('exp', 'GBP', 1200), ('exp', 'JPY', 2000);

CREATE TABLE ordering.orders (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT orders_pkey PRIMARY KEY,
    user_id         bigint      NOT NULL,
    status          text        NOT NULL CONSTRAINT orders_status_known
        CHECK (status IN ('ordered', 'processed', 'inTransit', 'outForDelivery', 'delivered', 'cancelled')),
    currency        text        NOT NULL,
    subtotal_minor  bigint      NOT NULL,
    discount_minor  bigint      NOT NULL,
    shipping_minor  bigint      NOT NULL,
    total_minor     bigint      NOT NULL,
    address         jsonb       NOT NULL,
    payment_method  text        NOT NULL,
    shipping_method text        NOT NULL,
    source          text        NOT NULL CONSTRAINT orders_source_known CHECK (source IN ('web', 'staff')),
    -- The caller's own number for it.
    reference       text,
    -- The idempotency key it was placed with; outlives the stored answer.
    request_scope   text,
    request_key     text,
    request_fingerprint bytea,
    -- Counts the timeline's entries.
    version         bigint      NOT NULL DEFAULT 1,
    placed_at       timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    cancelled_at    timestamptz,
    CONSTRAINT orders_request_key UNIQUE (request_scope, request_key),
    CONSTRAINT orders_amounts CHECK (
        subtotal_minor >= 0 AND discount_minor BETWEEN 0 AND subtotal_minor AND shipping_minor >= 0
        AND total_minor = subtotal_minor - discount_minor + shipping_minor),
    CONSTRAINT orders_cancelled_since CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
) WITH (fillfactor = 90);
CREATE INDEX orders_user_id_idx ON ordering.orders (user_id, id DESC);

-- A line copies what it was sold as; it never looks at the catalogue again.
CREATE TABLE ordering.order_lines (
    order_id         bigint NOT NULL CONSTRAINT order_lines_order_id_fkey REFERENCES ordering.orders,
    position         int    NOT NULL,
    product_id       bigint NOT NULL,
    variant_id       bigint NOT NULL,
    sku              text   NOT NULL,
    title            text   NOT NULL,
    quantity         bigint NOT NULL CONSTRAINT order_lines_quantity CHECK (quantity BETWEEN 1 AND 1000000),
    list_price_minor bigint NOT NULL CONSTRAINT order_lines_list_price CHECK (list_price_minor >= 0),
    unit_price_minor bigint NOT NULL CONSTRAINT order_lines_unit_price CHECK (unit_price_minor >= 0),
    price_source     text   NOT NULL CONSTRAINT order_lines_source_known CHECK (price_source IN ('list', 'negotiated')),
    discount_minor   bigint NOT NULL,
    total_minor      bigint NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, position),
    CONSTRAINT order_lines_amounts CHECK (
        discount_minor BETWEEN 0 AND unit_price_minor * quantity
        AND total_minor = unit_price_minor * quantity - discount_minor)
);

-- Append-only: what happened to an order, in order and without gaps.
CREATE TABLE ordering.order_timeline (
    order_id    bigint      NOT NULL CONSTRAINT order_timeline_order_id_fkey REFERENCES ordering.orders,
    version     bigint      NOT NULL,
    kind        text        NOT NULL,
    from_status text,
    to_status   text,
    -- NULL for the system and for callers without a token.
    actor_id    bigint,
    note        text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_timeline_pkey PRIMARY KEY (order_id, version)
);
