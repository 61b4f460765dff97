ALTER TABLE catalog.products
    -- What a product can be chosen by, in the order it is asked for: [{"name": "Size", "values": ["S", "M"]}].
    ADD COLUMN options jsonb NOT NULL DEFAULT '[]',
    -- Variants that are not archived. Kept by whoever adds and archives them, so that no list has to count.
    ADD COLUMN variant_count integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT products_options_list CHECK (jsonb_typeof(options) = 'array') NOT VALID;
