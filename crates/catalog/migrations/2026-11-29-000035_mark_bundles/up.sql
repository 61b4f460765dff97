-- Marks the products of bundles that some of these variants are parts of, and that cannot be had any more: the index may have to
-- say so. An order that leaves some of a part may leave too little for a bundle.
CREATE FUNCTION catalog.search_mark_used_up_bundles(variant_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog.search_stale (product_id)
    SELECT DISTINCT v.product_id
      FROM (SELECT DISTINCT bundle_id FROM catalog.bundle_parts WHERE part_id = ANY (variant_ids)) b
      JOIN catalog.variants v ON v.id = b.bundle_id AND v.archived_at IS NULL
     WHERE catalog.bundle_available(b.bundle_id) <= 0;
END $$;
