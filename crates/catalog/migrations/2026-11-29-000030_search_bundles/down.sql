-- As it was before there were bundles.
CREATE OR REPLACE FUNCTION catalog.has_stock(wanted_product bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM catalog.variants v CROSS JOIN LATERAL catalog.availability(v.id) a
                    WHERE v.product_id = wanted_product AND v.archived_at IS NULL AND a.available > 0)
$$;

CREATE OR REPLACE FUNCTION catalog.search_affected(kinds text[], resource_ids bigint[], payloads jsonb[])
RETURNS TABLE (product_id bigint, is_about_stock boolean)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE events AS (
        SELECT e.* FROM unnest(kinds, resource_ids, payloads) AS e (kind, resource_id, payload)
    ), below (id) AS ( -- other categories are above all of these now
        SELECT resource_id FROM events WHERE kind IN ('category.updated', 'category.archived')
         UNION
        SELECT k.category_id FROM below CROSS JOIN LATERAL (
               SELECT category_id FROM catalog.category_parents WHERE parent_id = below.id OFFSET 0) k
    ), variants (id, is_about_stock) AS (
        SELECT l.variant_id, false FROM events CROSS JOIN LATERAL (
               SELECT variant_id FROM catalog.list_prices WHERE list_id = resource_id OFFSET 0) l
         WHERE kind = 'priceList.changed'
         UNION
        SELECT resource_id, true FROM events WHERE kind IN ('stock.adjusted', 'stock.limitsChanged', 'stock.transferred')
         UNION
        SELECT l.variant_id, true FROM events CROSS JOIN LATERAL (
               SELECT variant_id FROM catalog.stock_hold_lines WHERE hold_id = resource_id OFFSET 0) l
         WHERE kind IN ('hold.created', 'hold.ended')
         UNION
        SELECT s.variant_id, true FROM events CROSS JOIN LATERAL (
               SELECT variant_id FROM catalog.stock_levels WHERE location_id = resource_id OFFSET 0) s
         WHERE kind = 'location.updated'
         UNION
        SELECT m.variant_id, true FROM events CROSS JOIN LATERAL (
               SELECT variant_id, location_id, reserved_delta FROM catalog.stock_movements
                WHERE order_id = resource_id AND on_hand_delta <> reserved_delta OFFSET 0) m
          CROSS JOIN LATERAL (
               SELECT on_hand - safety + backorder_limit - reserved AS available FROM catalog.stock_levels
                WHERE variant_id = m.variant_id AND location_id = m.location_id OFFSET 0) s
         WHERE (m.reserved_delta < 0 OR s.available <= 0) AND kind IN ('order.placed', 'order.statusChanged', 'order.cancelled')
    )
    SELECT resource_id, false FROM events WHERE kind = 'product.changed'
     UNION
    SELECT p::bigint, false FROM events,
           jsonb_array_elements_text((payload -> 'placed') || (payload -> 'removed')) p
     WHERE kind = 'category.productsChanged'
     UNION
    SELECT cp.product_id, false FROM below CROSS JOIN LATERAL (
           SELECT product_id FROM catalog.category_products WHERE category_id = below.id OFFSET 0) cp
     UNION
    SELECT p.product_id, v.is_about_stock FROM variants v CROSS JOIN LATERAL (
           SELECT product_id FROM catalog.variants WHERE id = v.id OFFSET 0) p;
END $$;
