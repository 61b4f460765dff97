CREATE OR REPLACE FUNCTION catalog.has_stock(wanted_product bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM catalog.variants v JOIN catalog.stock_levels l ON l.variant_id = v.id AND l.location_id = 1
                    WHERE v.product_id = wanted_product AND v.archived_at IS NULL
                      AND l.on_hand - l.safety + l.backorder_limit - l.reserved > 0)
$$;

-- As before, and of a price list.
CREATE OR REPLACE FUNCTION catalog.search_affected(kinds text[], resource_ids bigint[], payloads jsonb[])
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
    SELECT v.product_id, false FROM events
      JOIN catalog.list_prices l ON l.list_id = resource_id JOIN catalog.variants v ON v.id = l.variant_id
     WHERE kind = 'priceList.changed'
     UNION
    SELECT v.product_id, true FROM events JOIN catalog.variants v ON v.id = resource_id
     WHERE kind IN ('stock.adjusted', 'stock.limitsChanged')
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_movements m ON m.order_id = resource_id JOIN catalog.variants v ON v.id = m.variant_id
     WHERE kind IN ('order.placed', 'order.statusChanged', 'order.cancelled')
$$;
