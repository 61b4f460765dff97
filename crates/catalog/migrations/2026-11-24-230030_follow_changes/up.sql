-- The products whose documents some events of the log make stale: given by their kinds, resources and payloads.
-- Of orders and of stock it matters only whether there is any left, which few of them change.
CREATE FUNCTION catalog.search_affected(kinds text[], resource_ids bigint[], payloads jsonb[])
RETURNS TABLE (product_id bigint, is_about_stock boolean)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE events AS (
        SELECT e.* FROM unnest(kinds, resource_ids, payloads) AS e (kind, resource_id, payload)
    ), below (id) AS ( -- other categories are above all of these now
        SELECT resource_id FROM events WHERE kind IN ('category.updated', 'category.archived')
         UNION
        SELECT k.category_id FROM below JOIN catalog.category_parents k ON k.parent_id = below.id
    )
    SELECT resource_id, false FROM events WHERE kind = 'product.changed'
     UNION
    SELECT p::bigint, false FROM events,
           jsonb_array_elements_text((payload -> 'placed') || (payload -> 'removed')) p
     WHERE kind = 'category.productsChanged'
     UNION
    SELECT cp.product_id, false FROM below JOIN catalog.category_products cp ON cp.category_id = below.id
     UNION
    SELECT v.product_id, true FROM events JOIN catalog.variants v ON v.id = resource_id
     WHERE kind IN ('stock.adjusted', 'stock.limitsChanged')
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_movements m ON m.order_id = resource_id JOIN catalog.variants v ON v.id = m.variant_id
     WHERE kind IN ('order.placed', 'order.statusChanged', 'order.cancelled')
$$;

-- Puts those products into the queue, and tells how many.
CREATE FUNCTION catalog.search_mark(kinds text[], resource_ids bigint[], payloads jsonb[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    is_quiet boolean;
    marked bigint;
BEGIN
    -- While a document is being written, nobody can tell whether it says what is so now.
    PERFORM FROM catalog.search_index FOR UPDATE SKIP LOCKED;
    is_quiet := FOUND;
    INSERT INTO catalog.search_stale (product_id)
    SELECT a.product_id FROM catalog.search_affected(kinds, resource_ids, payloads) a
     WHERE NOT (a.is_about_stock AND is_quiet)
        OR EXISTS (SELECT FROM catalog.search_live d
                    WHERE d.product_id = a.product_id AND d.locale = (SELECT locales[1] FROM catalog.search_index)
                      AND d.in_stock <> catalog.has_stock(a.product_id));
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END $$;

-- Writes documents anew that are stale, or that the clock has changed: at most so many, the oldest ones first. Returns how
-- many products that were. Each statement sees what was committed before it, so what is read after the lock is the newest.
CREATE FUNCTION catalog.search_refresh(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    index catalog.search_index;
    stale bigint[];
BEGIN
    SELECT * INTO index FROM catalog.search_index FOR UPDATE;
    WITH taken AS (
        DELETE FROM catalog.search_stale
         WHERE id IN (SELECT id FROM catalog.search_stale ORDER BY id LIMIT most) RETURNING product_id
    ) SELECT array_agg(DISTINCT product_id) INTO stale FROM (
        SELECT product_id FROM taken
        UNION ALL
        (SELECT product_id FROM catalog.search_live WHERE changes_at <= statement_timestamp() ORDER BY changes_at LIMIT most)) s;
    IF stale IS NULL THEN
        RETURN 0; -- somebody else was faster
    END IF;
    PERFORM catalog.search_write(index.live, index.locales, index.currency, stale);
    IF index.next_locales IS NOT NULL THEN
        PERFORM catalog.search_write((1 - index.live)::smallint, index.next_locales, index.next_currency, stale);
    END IF;
    RETURN cardinality(stale);
END $$;
