-- What a product can be chosen by, in the order it is asked for: [{"name": "Size", "values": ["S", "M"]}].
ALTER TABLE catalog.products
    ADD COLUMN options jsonb NOT NULL DEFAULT '[]' CONSTRAINT products_options_list CHECK (jsonb_typeof(options) = 'array'),
    -- Those that are not archived. Kept by whoever adds and archives variants, so that no list has to count.
    ADD COLUMN variant_count integer NOT NULL DEFAULT 1;

ALTER TABLE catalog.variants
    -- What was chosen: {"Size": "M"}; empty for the only variant of a product without options.
    ADD COLUMN choices jsonb NOT NULL DEFAULT '{}' CONSTRAINT variants_choices_object CHECK (jsonb_typeof(choices) = 'object'),
    -- The values in the order of the options: M / red.
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN barcode text,
    ADD COLUMN weight_grams bigint CONSTRAINT variants_weight_not_negative CHECK (weight_grams >= 0),
    ADD COLUMN length_mm bigint CONSTRAINT variants_length_not_negative CHECK (length_mm >= 0),
    ADD COLUMN width_mm bigint CONSTRAINT variants_width_not_negative CHECK (width_mm >= 0),
    ADD COLUMN height_mm bigint CONSTRAINT variants_height_not_negative CHECK (height_mm >= 0),
    -- Counts the changes to this variant, from 1.
    ADD COLUMN version bigint NOT NULL DEFAULT 1;

CREATE UNIQUE INDEX variants_choices_key ON catalog.variants (product_id, choices) WHERE archived_at IS NULL AND choices <> '{}';
CREATE INDEX variants_of_product_idx ON catalog.variants (product_id, id);
CREATE INDEX variants_barcode_idx ON catalog.variants (barcode) WHERE barcode IS NOT NULL;
-- The one above begins alike.
DROP INDEX catalog.variants_product_id_idx;

-- As before, and the title of an order's line says which variant it is.
CREATE OR REPLACE FUNCTION catalog.quote(wanted_product bigint, wanted_sku text, preferred_currency text)
RETURNS TABLE (variant_id bigint, product_id bigint, product_version bigint, sku text, title text,
               price_id bigint, price_minor bigint, currency text, available bigint)
LANGUAGE sql STABLE AS $$
    SELECT v.id, p.id, p.version, v.sku, CASE v.title WHEN '' THEN p.name ELSE p.name || ' – ' || v.title END,
           c.id, c.amount_minor, c.currency,
           coalesce(s.on_hand - s.safety + s.backorder_limit - s.reserved, 0)
      FROM (SELECT id, product_id, sku, title FROM catalog.variants
             WHERE product_id = wanted_product AND is_default AND archived_at IS NULL
             UNION ALL
            SELECT id, product_id, sku, title FROM catalog.variants WHERE sku = wanted_sku AND archived_at IS NULL) v
      JOIN catalog.products p ON p.id = v.product_id AND p.archived_at IS NULL
     CROSS JOIN LATERAL (
           SELECT id, amount_minor, currency FROM catalog.prices
            WHERE variant_id = v.id AND valid_from <= statement_timestamp()
            ORDER BY (currency = preferred_currency) DESC, valid_from DESC, id DESC LIMIT 1) c
      LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1
$$;
