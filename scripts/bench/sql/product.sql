-- What the API asks for one product.
\set id random(:first, :last)
SELECT p.id, p.name, p.description, p.image, p.version, p.created_at, p.updated_at,
       v.sku, v.id, v.kind, c.amount_minor, c.currency, p.variant_count, p.options, p.slug, p.brand, p.tags,
       p.description_html, p.seo_title, p.seo_description,
       coalesce((SELECT jsonb_build_array(k.public_values - ARRAY(SELECT f.key FROM catalog.custom_fields f
                               WHERE f.resource = 'product' AND f.applied_version < f.version AND (NOT f.is_public OR f.removed_at IS NOT NULL)),
                        k.metadata,
                        (SELECT jsonb_agg(jsonb_build_object('key', u.key, 'id', m.id, 'hash', encode(m.hash, 'hex'),
                                'contentType', m.content_type, 'bytes', m.bytes, 'name', m.name) ORDER BY m.id, u.key)
                           FROM catalog.custom_files u JOIN catalog.media m ON m.id = u.media_id
                          WHERE u.resource = 'product' AND u.resource_id = p.id))
                   FROM catalog.custom_values k WHERE k.resource = 'product' AND k.resource_id = p.id), '[{}, {}, null]'),
       CASE WHEN v.in_lists THEN catalog.shown_price(v.id, c.amount_minor, c.currency, NULL) END, p.has_media
  FROM catalog.products p
  JOIN catalog.variants v ON v.product_id = p.id AND v.is_default
 CROSS JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices
        WHERE variant_id = v.id AND valid_from <= statement_timestamp()
        ORDER BY (currency = 'USD') DESC, valid_from DESC, id DESC LIMIT 1) c
 WHERE catalog.is_on_sale(p) AND p.id = :id;
