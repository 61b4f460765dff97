-- Whoever places an order waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE ordering.order_lines
    -- What was taken for it: its own units, nothing, or those of its parts. A release that knows of no other kind sells only
    -- what has units of its own.
    ADD COLUMN kind text NOT NULL DEFAULT 'physical',
    -- How it was to be taxed; NULL where the release that sold it did not know.
    ADD COLUMN tax_class text,
    ADD CONSTRAINT order_lines_kind_known CHECK (kind IN ('physical', 'digital', 'bundle')) NOT VALID;

-- What a bundle was made of when it was sold. A line copies it; the bundle may be made of something else by now.
CREATE TABLE ordering.order_line_parts (
    order_id   bigint NOT NULL,
    position   int    NOT NULL,
    -- Of the part in the bundle, from 1.
    part       int    NOT NULL,
    variant_id bigint NOT NULL,
    sku        text   NOT NULL,
    title      text   NOT NULL,
    -- Whether units were taken of it.
    kind       text   NOT NULL CONSTRAINT order_line_parts_kind_known CHECK (kind IN ('physical', 'digital')),
    -- Units in one of the bundle.
    quantity   bigint NOT NULL CONSTRAINT order_line_parts_quantity CHECK (quantity > 0),
    CONSTRAINT order_line_parts_pkey PRIMARY KEY (order_id, position, part),
    CONSTRAINT order_line_parts_line_fkey FOREIGN KEY (order_id, position) REFERENCES ordering.order_lines
);

-- The units that each line asked for, of what they are units. Whoever sums orders reads this rather than the lines.
CREATE VIEW ordering.line_units AS
SELECT order_id, position, variant_id, quantity AS units FROM ordering.order_lines WHERE kind = 'physical'
 UNION ALL
SELECT p.order_id, p.position, p.variant_id, p.quantity * l.quantity
  FROM ordering.order_line_parts p JOIN ordering.order_lines l ON l.order_id = p.order_id AND l.position = p.position
 WHERE p.kind = 'physical';
