-- As before. Where levels of several locations change in one statement, telling of one of them writes the main level, whose own change is
-- looked at within that; the look that follows for it is told by its row as it was, so whether it is still to be said is asked of the row as it is.
CREATE OR REPLACE FUNCTION catalog.tell_when_low() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    now_available bigint := NEW.on_hand - NEW.safety + NEW.backorder_limit - NEW.reserved;
    is_low boolean := coalesce(now_available <= NEW.low_at, false);
    number bigint;
BEGIN
    IF is_low = (NEW.low_since IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    UPDATE catalog.stock_levels SET low_since = CASE WHEN is_low THEN now() END
     WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id AND (low_since IS NOT NULL) <> is_low;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
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
