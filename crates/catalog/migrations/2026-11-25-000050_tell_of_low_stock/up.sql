-- Whoever takes stock waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.stock_levels
    -- As many available units, or fewer, are low; NULL where nobody wants to know.
    ADD COLUMN low_at    bigint,
    -- Since when they are; NULL while they are not.
    ADD COLUMN low_since timestamptz,
    ADD CONSTRAINT stock_levels_low_at_not_negative CHECK (low_at >= 0) NOT VALID;

-- Notes that a level became low, or is not any more, and tells of it. Events of a variant are counted at its main location:
-- whoever writes any of its levels holds that one, so nobody is waited for here.
CREATE FUNCTION catalog.tell_when_low() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    now_available bigint := NEW.on_hand - NEW.safety + NEW.backorder_limit - NEW.reserved;
    is_low boolean := coalesce(now_available <= NEW.low_at, false);
    number bigint;
BEGIN
    UPDATE catalog.stock_levels SET low_since = CASE WHEN is_low THEN now() END
     WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id;
    UPDATE catalog.stock_levels SET version = version + 1
     WHERE variant_id = NEW.variant_id AND location_id = 1 RETURNING version INTO number;
    -- Behind the last one of the variant, as outbox::write does it.
    INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence, xid)
    VALUES (CASE WHEN is_low THEN 'stock.low' ELSE 'stock.back' END, 'variant', NEW.variant_id,
            jsonb_build_object('variantId', NEW.variant_id, 'locationId', NEW.location_id, 'available', now_available, 'lowAt', NEW.low_at),
            number,
            greatest(pg_current_xact_id(), (SELECT o.xid FROM platform.outbox o
                                             WHERE o.resource_type = 'variant' AND o.resource_id = NEW.variant_id AND o.sequence < number
                                             ORDER BY o.sequence DESC LIMIT 1)));
    RETURN NULL;
END $$;

-- For every writer there is, of this release and of others: nearly always only the condition is looked at.
CREATE TRIGGER stock_levels_tell_when_low AFTER UPDATE ON catalog.stock_levels FOR EACH ROW
    WHEN ((NEW.low_since IS NOT NULL)
          <> coalesce(NEW.on_hand - NEW.safety + NEW.backorder_limit - NEW.reserved <= NEW.low_at, false))
    EXECUTE FUNCTION catalog.tell_when_low();
