-- Whoever takes stock waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.stock_levels
    -- Whether there are units of the variant itself. Of bundles and of what is digital there are none: nothing of them can be
    -- counted, promised or kept back, whoever tries, also a release that knows of neither. The level at the main location stays
    -- all the same: events of a variant are counted there.
    ADD COLUMN keeps_stock boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT stock_levels_kept CHECK (
        keeps_stock OR (on_hand = 0 AND reserved = 0 AND safety = 0 AND backorder_limit = 0 AND low_at IS NULL)) NOT VALID;

-- A level at another location is one of the same variant. Whoever makes it holds the one at the main location.
CREATE FUNCTION catalog.keep_as_at_main() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.keeps_stock := coalesce((SELECT keeps_stock FROM catalog.stock_levels
                                  WHERE variant_id = NEW.variant_id AND location_id = 1), NEW.keeps_stock);
    RETURN NEW;
END $$;
CREATE TRIGGER stock_levels_keep_as_at_main BEFORE INSERT ON catalog.stock_levels FOR EACH ROW
    WHEN (NEW.location_id <> 1) EXECUTE FUNCTION catalog.keep_as_at_main();
