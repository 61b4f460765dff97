//! References, events and schemas that went wrong, each in one way.

use super::Case;

pub const REFERENCES: [Case; 50] = [
    (
        "INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable, version, applied_version) \
         VALUES ('variant', 'manual', '', 'file', '{}', true, false, 0, 0); \
         INSERT INTO catalog.custom_values (resource, resource_id, public_values) VALUES ('variant', 3, '{\"manual\": 7}')",
        &[("S16", "variant 3")],
    ),
    (
        "INSERT INTO catalog.custom_values (resource, resource_id) VALUES ('product', 3); \
         INSERT INTO catalog.custom_translations VALUES ('product', 3, 'de', '{\"lost\": \"x\"}')",
        &[("S16", "product 3")],
    ),
    (
        "INSERT INTO catalog.product_sales VALUES (3, 7)",
        &[("S18", "product 3")],
    ),
    (
        "INSERT INTO catalog.option_translations VALUES (999, 'de', '', 'Farbe')",
        &[("I7", "option 999")],
    ),
    (
        "INSERT INTO catalog.translated_options (name) VALUES ('Colour')",
        &[("I9", "option ")],
    ),
    (
        "INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable, version, applied_version) \
         VALUES ('variant', 'size', '', 'int', '{}', true, false, 0, 0); \
         INSERT INTO catalog.custom_values (resource, resource_id, public_values) VALUES ('variant', 3, '{\"size\": \"7\"}')",
        &[("S16", "variant 3")],
    ),
    (
        "INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable, version, applied_version) \
         VALUES ('product', 'size', '', 'int', '{\"required\": true}', true, false, 0, 0); \
         INSERT INTO catalog.custom_values (resource, resource_id, public_values) \
         SELECT 'product', id, '{\"size\": 7}' FROM catalog.products WHERE id <> 3",
        &[("S16", "product 3")],
    ),
    (
        "INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable) \
         VALUES ('variant', 'quiet', '', 'int', '{}', true, false)",
        &[("I9", "custom field ")],
    ),
    (
        "INSERT INTO catalog.custom_values (resource, resource_id, public_values) VALUES ('variant', 3, '{\"lost\": 1}')",
        &[("S16", "variant 3")],
    ),
    (
        "UPDATE catalog.search_values_0 SET products = products + 1 WHERE id = -1",
        &[("S13", "value -1")],
    ),
    (
        "UPDATE catalog.search_documents_0 SET fingerprint = gen_random_uuid() WHERE product_id = 3",
        &[("S13", "product 3")],
    ),
    (
        "INSERT INTO catalog.search_prices_0 (name, amount, product_id) VALUES ('EUR', 1, 3)",
        &[("S13", "product 3")],
    ),
    (
        "UPDATE catalog.products SET slug = 'mug' WHERE id = 3; \
         INSERT INTO catalog.former_slugs (slug, product_id) VALUES ('mug', 1)",
        &[("S7", "product 3")],
    ),
    (
        "UPDATE catalog.products SET variant_count = 2 WHERE id = 3",
        &[("I7", "product 3")],
    ),
    (
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor) VALUES (999, 'USD', 1)",
        &[("I7", "price ")],
    ),
    (
        "INSERT INTO catalog.stock_levels (variant_id) VALUES (999)",
        &[("I7", "variant 999")],
    ),
    (
        "INSERT INTO catalog.variants (product_id, sku, archived_at) VALUES (999, 'LOST', now())",
        &[("I7", "variant ")],
    ),
    (
        "INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason) \
         VALUES (3, 2, 0, 1, 'initial'), (3, 2, 0, -1, 'initial')",
        &[("I7", "variant 3")],
    ),
    (
        "DELETE FROM catalog.prices WHERE variant_id = 3",
        &[("I7", "variant 3"), ("S13", "product 3")],
    ),
    (
        "UPDATE catalog.variants SET is_default = false WHERE id = 3",
        &[("I7", "product 3"), ("S13", "product 3")],
    ),
    (
        "DELETE FROM catalog.stock_levels WHERE variant_id = 3; \
         DELETE FROM catalog.stock_movements WHERE variant_id = 3",
        &[("I7", "variant 3"), ("S13", "product 3")],
    ),
    (
        "INSERT INTO catalog.category_products (category_id, product_id, position, product_name) \
         SELECT 999, id, 1, name FROM catalog.products WHERE id = 1",
        &[("I7", "category 999")],
    ),
    (
        "INSERT INTO catalog.collection_products (collection_id, product_id, position, product_name) \
         SELECT 999, id, 1, name FROM catalog.products WHERE id = 1",
        &[("I7", "collection 999")],
    ),
    (
        "INSERT INTO catalog.category_parents (category_id, parent_id, position, rank) VALUES (999, 998, 1, 1)",
        &[("I7", "category 999")],
    ),
    (
        "INSERT INTO catalog.categories (slug, name, version) VALUES ('lost', 'Lost', 0)",
        &[("I7", "category ")],
    ),
    (
        "WITH two AS (INSERT INTO catalog.categories (slug, name, version) VALUES ('a', 'A', 0), ('b', 'B', 0) RETURNING id) \
         INSERT INTO catalog.category_parents SELECT x.id, y.id, 1, 1 FROM two x, two y WHERE x.id <> y.id",
        &[("S8", "category "), ("S8", "category ")],
    ),
    (
        "INSERT INTO catalog.list_prices (list_id, variant_id, currency, min_quantity, amount_minor, valid_from, scheduled) \
         VALUES (999, 3, 'USD', 1, 1, now(), false); UPDATE catalog.variants SET in_lists = true WHERE id = 3",
        &[("I7", "price ")],
    ),
    (
        "WITH made AS (INSERT INTO catalog.price_lists (code, name, version, priority, is_active, starts_at, ends_at, countries, \
           customer_groups) VALUES ('secret', 'Secret', 0, 0, true, '-infinity', 'infinity', '{}', '{}') RETURNING *), \
         said AS (INSERT INTO catalog.price_list_terms (list_id, version, priority, is_active, starts_at, ends_at, countries, \
           customer_groups) SELECT id, version, priority, is_active, starts_at, ends_at, countries, customer_groups FROM made) \
         INSERT INTO catalog.list_prices (list_id, variant_id, currency, min_quantity, amount_minor, valid_from, scheduled) \
         SELECT id, 3, 'USD', 1, 1, now(), false FROM made",
        &[("S11", "variant 3")],
    ),
    (
        "WITH made AS (INSERT INTO catalog.price_lists (code, name, version, priority, is_active, starts_at, ends_at, countries, \
           customer_groups) VALUES ('quiet', 'Quiet', 1, 0, true, '-infinity', 'infinity', '{}', '{}') RETURNING *) \
         INSERT INTO catalog.price_list_terms (list_id, version, priority, is_active, starts_at, ends_at, countries, customer_groups) \
         SELECT id, version, priority, is_active, starts_at, ends_at, countries, customer_groups FROM made",
        &[("I9", "price list ")],
    ),
    (
        "INSERT INTO catalog.price_lists (code, name, version, priority, is_active, starts_at, ends_at, countries, customer_groups) \
         VALUES ('lost', 'Lost', 0, 0, true, '-infinity', 'infinity', '{}', '{}')",
        &[("S10", "price list ")],
    ),
    (
        "UPDATE catalog.variants SET kind = 'bundle' WHERE id = 3",
        &[("S15", "variant 3"), ("S13", "product 3")],
    ),
    (
        "UPDATE catalog.variants SET kind = 'digital' WHERE id = 3",
        &[("S15", "variant 3")],
    ),
    (
        "INSERT INTO catalog.bundle_parts VALUES (3, 1, 1, 1)",
        &[("S15", "variant 3")],
    ),
    (
        "INSERT INTO catalog.bundle_parts VALUES (999, 1, 1, 1)",
        &[("I7", "bundle 999")],
    ),
    (
        "INSERT INTO ordering.order_line_parts VALUES (7, 1, 1, 1, 'PART', 'Part', 'digital', 1)",
        &[("I6", "order 7")],
    ),
    (
        "INSERT INTO ordering.order_line_parts VALUES (7, 1, 1, 999, 'PART', 'Part', 'digital', 1); \
         UPDATE ordering.order_lines SET kind = 'bundle' WHERE order_id = 7",
        &[("I7", "order 7"), ("I1", "variant 4"), ("I10", "order 7")],
    ),
    (
        "INSERT INTO catalog.related_products VALUES (3, 'related', 1, 999)",
        &[("I7", "product 3")],
    ),
    (
        "INSERT INTO accounts.sessions (token_hash, user_id) VALUES ('lost', 999)",
        &[("I7", "user 999")],
    ),
    (
        "INSERT INTO ordering.order_lines SELECT 999, position, product_id, variant_id, sku, title, quantity, \
           list_price_minor, unit_price_minor, price_source, discount_minor, total_minor \
           FROM ordering.order_lines WHERE order_id = 7",
        &[("I7", "order 999")],
    ),
    (
        "INSERT INTO ordering.order_timeline (order_id, version, kind) VALUES (999, 1, 'payment')",
        &[("I7", "order 999"), ("I9", "order 999")],
    ),
    (
        "UPDATE ordering.payments SET order_id = 999 WHERE order_id = 6; \
         UPDATE ordering.orders SET payment_method = 'invoice' WHERE id = 6",
        &[("I7", "order 999")],
    ),
    (
        "INSERT INTO ordering.payment_operations (payment_id, kind, status, finished_at) \
         VALUES (999, 'authorise', 'failed', now())",
        &[("I7", "payment 999")],
    ),
    (
        "UPDATE ordering.orders SET shipping_method = 'gone' WHERE id = 7",
        &[("I7", "order 7")],
    ),
    (
        "UPDATE ordering.orders SET user_id = 999 WHERE id = 7",
        &[("I7", "order 7")],
    ),
    (
        "UPDATE ordering.order_lines SET product_id = 999 WHERE order_id = 7",
        &[("I7", "order 7")],
    ),
    (
        "INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id) \
         VALUES (4, 1, 0, 1, 'order_placed', 999), (4, 1, 0, -1, 'order_cancelled', 999)",
        &[("I7", "order 999"), ("I10", "order 999")],
    ),
    (
        "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload) \
         VALUES ('user.registered', 'user', 999, '{}')",
        &[("I7", "user 999")],
    ),
    (
        "INSERT INTO platform.idempotency_keys (scope, key, fingerprint, resource_id) VALUES ('s', 'lost', '', 999)",
        &[("I7", "key lost")],
    ),
    (
        "UPDATE ordering.order_timeline SET actor_id = 999 WHERE order_id = 7",
        &[("I7", "user 999")],
    ),
    (
        "UPDATE catalog.stock_movements SET actor_id = 998 WHERE variant_id = 4 AND order_id IS NULL; \
         UPDATE platform.outbox SET actor_id = 999 WHERE resource_type = 'user'",
        &[("I7", "user 998"), ("I7", "user 999")],
    ),
];

pub const EVENTS_AND_SCHEMA: [Case; 30] = [
    (
        "WITH one AS (INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable, version, applied_version) \
                      VALUES ('variant', 'stuck', '', 'int', '{}', true, false, 0, -1) RETURNING id) \
         INSERT INTO platform.jobs (queue, kind, payload, state, finished_at) \
         SELECT 'default', 'applyCustomField', jsonb_build_object('customFieldId', id), 'cancelled', now() FROM one",
        &[("S16", "custom field ")],
    ),
    (
        "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence) \
         VALUES ('user.registered', 'user', 2, '{}', 5)",
        &[("I9", "user 2")],
    ),
    (
        "DELETE FROM platform.outbox WHERE resource_type = 'product' AND resource_id = 3",
        &[("I9", "product 3")],
    ),
    (
        "INSERT INTO catalog.categories (slug, name, root_position) VALUES ('untold', 'Untold', 1)",
        &[("I9", "category ")],
    ),
    (
        "INSERT INTO catalog.collections (slug, name, product_order) VALUES ('untold', 'Untold', 'manual')",
        &[("I9", "collection ")],
    ),
    (
        "WITH one AS (INSERT INTO catalog.collections (slug, name, product_order, version) VALUES ('a', 'A', 'manual', 0) RETURNING id) \
         INSERT INTO catalog.collection_products SELECT id, 1, 1, 'Another name' FROM one",
        &[("S9", "collection ")],
    ),
    (
        "UPDATE catalog.stock_levels SET low_at = 1000000 WHERE variant_id = 4",
        &[("S12", "variant 4")],
    ),
    (
        "UPDATE catalog.locations SET version = version + 1",
        &[("I9", "location 1")],
    ),
    (
        "WITH one AS (INSERT INTO catalog.categories (slug, name, root_position, version) VALUES ('a', 'A', 1, 0) RETURNING id) \
         INSERT INTO catalog.category_products SELECT id, 1, 1, 'Another name' FROM one",
        &[("S9", "category "), ("S13", "product 1")],
    ),
    (
        "INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, state, version, rendered_at) \
         VALUES (sha256('a'), 'image/png', 1, 1, 1, '{}', '', '', 'kept', 2, now())",
        &[("I9", "media ")],
    ),
    (
        "WITH two AS (INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, state) \
                      SELECT sha256('a'), 'image/png', 1, 1, 1, '{}', '', '', 'kept' FROM generate_series(1, 2) RETURNING id) \
         INSERT INTO platform.jobs (queue, kind, key, state, finished_at) \
         SELECT 'media', 'renderMedia', min(id)::text, 'failed', now() FROM two \
         UNION ALL SELECT 'media', 'renderMedia', max(id)::text, 'queued', NULL FROM two",
        &[("S17", "media ")],
    ),
    (
        "UPDATE catalog.products SET has_media = true WHERE id = 3",
        &[("S14", "product 3")],
    ),
    (
        "WITH one AS (INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, state) \
                      VALUES (sha256('a'), 'image/png', 1, 1, 1, '{}', '', '', 'dropped') RETURNING id) \
         INSERT INTO catalog.product_media SELECT 3, 0, id, '', '{1}' FROM one; \
         UPDATE catalog.products SET has_media = true WHERE id = 3",
        &[("I7", "product 3")],
    ),
    (
        "DELETE FROM platform.outbox WHERE resource_type = 'variant' AND resource_id = 4",
        &[("I9", "variant 4")],
    ),
    (
        "UPDATE platform.consumers SET failures = 3, failing_since = now() - interval '1 hour', last_error = 'no'",
        &[
            ("I9", "consumer cache"),
            ("I9", "consumer sales"),
            ("I9", "consumer search"),
        ],
    ),
    (
        "UPDATE platform.idempotency_keys SET expires_at = now() - interval '2 hours'",
        &[("I10", "platform.idempotency_keys")],
    ),
    (
        "UPDATE accounts.sessions SET expires_at = now() - interval '2 hours'",
        &[("I10", "accounts.sessions")],
    ),
    (
        "INSERT INTO platform.jobs (queue, kind, run_at) \
         SELECT 'default', 'unknown', now() - make_interval(mins => n) FROM generate_series(9, 12) n; \
         INSERT INTO platform.jobs (queue, kind, state, holder, lease_until) \
         SELECT 'default', 'held', 'running', 'nobody', now() - make_interval(mins => n) FROM generate_series(9, 12) n",
        &[
            ("I10", "jobs of kind unknown"),
            ("I10", "jobs of kind held"),
        ],
    ),
    (
        "INSERT INTO platform.jobs (queue, kind, run_at, state, finished_at) \
         VALUES ('default', 'unknown', now() - interval '1 day', 'succeeded', now()); \
         INSERT INTO platform.jobs (queue, kind, run_at) VALUES ('default', 'unknown', now() + interval '1 day')",
        &[],
    ),
    (
        "DROP INDEX catalog.variants_one_default_idx",
        &[("S1", "catalog.variants_one_default_idx")],
    ),
    (
        "ALTER TABLE accounts.users DROP CONSTRAINT users_email_normalised_key",
        &[("S1", "accounts.users_email_normalised_key")],
    ),
    (
        "DROP INDEX platform.outbox_resource_sequence_idx",
        &[("S1", "platform.outbox_resource_sequence_idx")],
    ),
    (
        "ALTER TABLE platform.ticks DROP CONSTRAINT ticks_pkey; \
         ALTER TABLE platform.schedules DROP CONSTRAINT schedules_pkey CASCADE; \
         ALTER TABLE platform.jobs DROP CONSTRAINT jobs_pkey CASCADE; DROP INDEX platform.jobs_key_idx",
        &[
            ("S1", "platform.ticks_pkey"),
            ("S1", "platform.schedules_pkey"),
            ("S1", "platform.jobs_pkey"),
            ("S1", "platform.jobs_key_idx"),
        ],
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ordering.orders_user_id_idx'::regclass",
        &[("S2", "ordering.orders_user_id_idx")],
    ),
    (
        "ALTER TABLE ordering.shipping_rates ADD CONSTRAINT new CHECK (amount_minor < 5) NOT VALID",
        &[("S3", "ordering.shipping_rates.new")],
    ),
    (
        "ALTER TABLE ordering.order_lines DISABLE TRIGGER ALL",
        &[
            ("S4", "ordering.order_lines.order_lines_order_id_fkey"),
            ("S4", "ordering.order_lines.order_line_parts_line_fkey"),
        ],
    ),
    (
        "INSERT INTO catalog.locations (id, code, name) OVERRIDING SYSTEM VALUE VALUES (999, 'far', 'Far away')",
        &[("S5", "catalog.locations.id")],
    ),
    // It begins with 1, which is there.
    (
        "ALTER TABLE catalog.locations ALTER COLUMN id RESTART WITH 1",
        &[("S5", "catalog.locations.id")],
    ),
    (
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
         SELECT variant_id, currency, amount_minor + 1, valid_from FROM catalog.prices WHERE variant_id = 3",
        &[("S6", "variant 3"), ("S13", "product 3")],
    ),
    // The same amount twice is odd, and nobody pays another price for it.
    (
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
         SELECT variant_id, currency, amount_minor, valid_from FROM catalog.prices WHERE variant_id = 3",
        &[],
    ),
];
