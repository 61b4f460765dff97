-- What was chosen of a variant. Values that are there already are looked at later, without keeping anybody out.
ALTER TABLE catalog.variants
    -- {"Size": "M"}; empty for the only variant of a product without options.
    ADD COLUMN choices jsonb NOT NULL DEFAULT '{}',
    -- The values in the order of the options: M / red.
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN barcode text,
    ADD COLUMN weight_grams bigint,
    ADD COLUMN length_mm bigint,
    ADD COLUMN width_mm bigint,
    ADD COLUMN height_mm bigint,
    -- Counts the changes to this variant, from 1.
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT variants_choices_object CHECK (jsonb_typeof(choices) = 'object') NOT VALID,
    ADD CONSTRAINT variants_measures_not_negative CHECK (least(weight_grams, length_mm, width_mm, height_mm) >= 0) NOT VALID;
