-- Whether there is any left to sell, as catalog.quote counts it: at all locations that orders are served from.
CREATE OR REPLACE FUNCTION catalog.has_stock(wanted_product bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM catalog.variants v CROSS JOIN LATERAL catalog.availability(v.id) a
                    WHERE v.product_id = wanted_product AND v.archived_at IS NULL AND a.available > 0)
$$;

-- As before, and of stock that moves between locations, of holds, and of locations that orders are served from or not.
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
     WHERE kind IN ('stock.adjusted', 'stock.limitsChanged', 'stock.transferred')
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_hold_lines l ON l.hold_id = resource_id JOIN catalog.variants v ON v.id = l.variant_id
     WHERE kind IN ('hold.created', 'hold.ended')
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_levels s ON s.location_id = resource_id JOIN catalog.variants v ON v.id = s.variant_id
     WHERE kind = 'location.updated'
     UNION
    SELECT v.product_id, true FROM events
      JOIN catalog.stock_movements m ON m.order_id = resource_id JOIN catalog.variants v ON v.id = m.variant_id
     WHERE kind IN ('order.placed', 'order.statusChanged', 'order.cancelled')
$$;
