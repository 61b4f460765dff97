-- Whoever writes variants waits behind this: better to try again.
SET LOCAL lock_timeout = '300ms';
-- What a bundle is made of now; what an order took stands in its lines. Written under the locks of the products of both.
CREATE TABLE catalog.bundle_parts (
    bundle_id bigint NOT NULL CONSTRAINT bundle_parts_bundle_id_fkey REFERENCES catalog.variants,
    part_id   bigint NOT NULL CONSTRAINT bundle_parts_part_id_fkey REFERENCES catalog.variants,
    -- As they were named.
    position  int    NOT NULL,
    -- Units of the part in one of the bundle.
    quantity  bigint NOT NULL CONSTRAINT bundle_parts_quantity CHECK (quantity BETWEEN 1 AND 10000),
    CONSTRAINT bundle_parts_pkey PRIMARY KEY (bundle_id, part_id),
    CONSTRAINT bundle_parts_not_itself CHECK (bundle_id <> part_id)
);
CREATE INDEX bundle_parts_part_id_idx ON catalog.bundle_parts (part_id);

-- How many of a bundle its parts make: as many as the scarcest one; none where a part has left the shop. NULL: as many as
-- anybody likes, where all are digital.
CREATE FUNCTION catalog.bundle_available(wanted_bundle bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT CASE count(*) WHEN 0 THEN 0
               ELSE min(CASE WHEN v.archived_at IS NOT NULL THEN 0
                             WHEN v.kind = 'physical' THEN greatest(a.available, 0) / b.quantity END) END
          FROM catalog.bundle_parts b
          JOIN catalog.variants v ON v.id = b.part_id
         CROSS JOIN LATERAL catalog.availability(b.part_id) a
         WHERE b.bundle_id = wanted_bundle);
END $$;

-- The parts of a bundle, as an order line keeps them, each with what of it can still be promised.
CREATE FUNCTION catalog.bundle_parts_of(wanted_bundle bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'variantId', b.part_id, 'sku', v.sku, 'title', CASE v.title WHEN '' THEN p.name ELSE p.name || ' – ' || v.title END,
                   'kind', v.kind, 'quantity', b.quantity,
                   'available', CASE WHEN v.archived_at IS NULL THEN a.available ELSE 0 END) ORDER BY b.position)
          FROM catalog.bundle_parts b
          JOIN catalog.variants v ON v.id = b.part_id
          JOIN catalog.products p ON p.id = v.product_id
         CROSS JOIN LATERAL catalog.availability(b.part_id) a
         WHERE b.bundle_id = wanted_bundle);
END $$;
