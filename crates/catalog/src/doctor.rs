//! What must always be true of the catalogue.

mod bundles;
mod categories;
mod collections;
mod custom_fields;
mod locations;
mod media;
mod options;
mod price_lists;
mod sales;
mod search;

use db::doctor::Check;

/// What the promises of schema `catalog` rest on.
const GUARDS: [&str; 48] = [
    "products_pkey",
    "products_slug_key",
    "variants_sku_key",
    "variants_one_default_idx",
    "variants_choices_key",
    "locations_code_key",
    "locations_main_is_active",
    "stock_levels_pkey",
    "stock_levels_on_hand_not_negative",
    "stock_levels_reserved_not_negative",
    "stock_levels_not_oversold",
    "stock_movements_level_fkey",
    "categories_slug_key",
    "category_parents_pkey",
    "category_products_pkey",
    "collections_slug_key",
    "collections_rules_have_no_places",
    "collection_products_pkey",
    "custom_fields_resource_key",
    "custom_fields_filters_are_public",
    "custom_fields_filter_key",
    "custom_values_pkey",
    "custom_files_media_id_fkey",
    "custom_files_values_fkey",
    "custom_translations_pkey",
    "price_lists_code_key",
    "price_list_terms_pkey",
    "list_prices_quantity_positive",
    "media_pkey",
    "media_pictures_have_pixels",
    "product_media_pkey",
    "product_media_once",
    "product_media_media_id_fkey",
    "variants_kind_known",
    "stock_levels_kept",
    "bundle_parts_pkey",
    "bundle_parts_not_itself",
    "bundle_parts_quantity",
    "related_products_once",
    "sales_window_one_row",
    "sales_days_pkey",
    "product_sales_pkey",
    "option_translations_option_id_fkey",
    "search_index_one_row",
    "search_documents_0_pkey",
    "search_documents_1_pkey",
    "search_prices_0_pkey",
    "search_prices_1_pkey",
];

/// The checks of this crate's tables.
#[must_use]
pub fn checks() -> Vec<Check> {
    let mut checks = vec![
        db::doctor::guards("catalog", &GUARDS),
        oversold(),
        unexplained(),
        orphans(),
        incomplete(),
        miscounted_variants(),
        confused_slugs(),
        versions_have_events(
            "every version of a product has its event",
            "product",
            "products",
            "product",
        ),
        unannounced_stock(),
        ambiguous_prices(),
    ];
    checks.extend(bundles::checks());
    checks.extend(categories::checks());
    checks.extend(collections::checks());
    checks.extend(custom_fields::checks());
    checks.extend(locations::checks());
    checks.extend(media::checks());
    checks.extend(options::checks());
    checks.extend(price_lists::checks());
    checks.extend(search::checks());
    checks.extend(sales::checks());
    checks
}

/// What a CHECK refuses, asked again of the rows themselves.
fn oversold() -> Check {
    Check {
        id: "I1",
        name: "stock is not negative, and no more is promised than may be",
        sql: "SELECT variant_id, 'variant ' || variant_id, \
                     format('location %s: on hand %s, reserved %s, safety %s, backorders up to %s', \
                            location_id, on_hand, reserved, safety, backorder_limit) \
                FROM catalog.stock_levels \
               WHERE NOT (on_hand >= 0 AND reserved >= 0 AND safety >= 0 AND backorder_limit >= 0 \
                          AND reserved::numeric <= on_hand::numeric - safety + backorder_limit)"
            .into(),
        todo: "Stop selling the variant, count it, and set the count through the API. If more is \
               reserved than there is, cancel or back-order what cannot be sent.",
        repair: None,
    }
}

/// Both sides are summed in one pass over rows that count for and against each other.
fn unexplained() -> Check {
    Check {
        id: "I2",
        name: "the movements of a level sum to its counters",
        sql: "SELECT variant_id, 'variant ' || variant_id, \
                     format('location %s: on hand %s and reserved %s, its movements sum to %s and %s', \
                            location_id, coalesce(sum(on_hand), 0), coalesce(sum(reserved), 0), \
                            coalesce(sum(moved_on_hand), 0), coalesce(sum(moved_reserved), 0)) \
                FROM (SELECT variant_id, location_id, on_hand, reserved, 0::bigint AS moved_on_hand, \
                             0::bigint AS moved_reserved \
                        FROM catalog.stock_levels \
                      UNION ALL \
                      SELECT variant_id, location_id, 0, 0, on_hand_delta, reserved_delta \
                        FROM catalog.stock_movements) AS account \
               GROUP BY variant_id, location_id \
              HAVING sum(on_hand) <> sum(moved_on_hand) OR sum(reserved) <> sum(moved_reserved)"
            .into(),
        todo: "Somebody wrote past catalog::stock. See which side is right: count the shelf for on \
               hand, I1 tells what is reserved. Then correct the counter or add the missing movement \
               by hand, in one transaction.",
        repair: None,
    }
}

/// What foreign keys refuse, asked again of the rows themselves.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "variants, prices, levels and movements have what they belong to",
        sql: "SELECT v.id, 'variant ' || v.id, 'there is no product ' || v.product_id \
                FROM catalog.variants v LEFT JOIN catalog.products p ON p.id = v.product_id WHERE p.id IS NULL \
              UNION ALL \
              SELECT c.id, 'price ' || c.id, 'there is no variant ' || c.variant_id \
                FROM catalog.prices c LEFT JOIN catalog.variants v ON v.id = c.variant_id WHERE v.id IS NULL \
              UNION ALL \
              SELECT s.variant_id, 'variant ' || s.variant_id, \
                     format('has stock at location %s, of which variant or location is missing', s.location_id) \
                FROM catalog.stock_levels s LEFT JOIN catalog.variants v ON v.id = s.variant_id \
                LEFT JOIN catalog.locations l ON l.id = s.location_id WHERE v.id IS NULL OR l.id IS NULL \
              UNION ALL \
              SELECT m.variant_id, 'variant ' || m.variant_id, \
                     format('has %s movements at location %s, and no level there', count(*), m.location_id) \
                FROM catalog.stock_movements m \
                LEFT JOIN catalog.stock_levels s USING (variant_id, location_id) \
               WHERE s.variant_id IS NULL GROUP BY m.variant_id, m.location_id"
            .into(),
        todo: "A restore left something out, or a foreign key was off. Bring back what is missing \
               from a backup; delete what nothing refers to.",
        repair: None,
    }
}

fn incomplete() -> Check {
    Check {
        id: "I7",
        name: "what is on sale has a variant, a price and a stock level at the main location",
        sql: "SELECT p.id, 'product ' || p.id, 'is on sale without a default variant' \
                FROM catalog.products p LEFT JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
               WHERE p.archived_at IS NULL AND v.id IS NULL \
              UNION ALL \
              SELECT v.id, 'variant ' || v.id, 'is on sale without a price' FROM catalog.variants v \
               WHERE v.archived_at IS NULL AND NOT EXISTS (SELECT FROM catalog.prices c WHERE c.variant_id = v.id) \
              UNION ALL \
              SELECT v.id, 'variant ' || v.id, 'is on sale without a stock level' FROM catalog.variants v \
               WHERE v.archived_at IS NULL \
                 AND NOT EXISTS (SELECT FROM catalog.stock_levels s WHERE s.variant_id = v.id AND s.location_id = 1)"
            .into(),
        todo: "Archive the product, or add what it lacks: it cannot be bought like this.",
        repair: None,
    }
}

fn miscounted_variants() -> Check {
    Check {
        id: "I7",
        name: "a product on sale says how many variants it has",
        sql: "SELECT p.id, 'product ' || p.id, format('says %s variants, and has %s', p.variant_count, count(v.id)) \
                FROM catalog.products p \
                LEFT JOIN catalog.variants v ON v.product_id = p.id AND v.archived_at IS NULL \
               WHERE p.archived_at IS NULL GROUP BY p.id HAVING p.variant_count <> count(v.id)"
            .into(),
        todo: "Somebody wrote past catalog::variants. Set variant_count of the product to what there is; \
               lists show it.",
        repair: None,
    }
}

fn confused_slugs() -> Check {
    Check {
        id: "S7",
        name: "no former slug of one product is the slug of another",
        sql: "SELECT p.id, 'product ' || p.id, format('has the slug %s, which is a former one of product %s', p.slug, f.product_id) \
                FROM catalog.former_slugs f JOIN catalog.products p ON p.slug = f.slug \
               WHERE p.archived_at IS NULL"
            .into(),
        todo: "Somebody wrote past catalog::editing. Readers take the product that has it now: delete the former one.",
        repair: None,
    }
}

/// Whether every version of what a table keeps has its event. Old events are pruned; what is left then ends with the version
/// there is.
fn versions_have_events(name: &'static str, noun: &str, table: &str, resource_type: &str) -> Check {
    let sql = format!(
        "SELECT id, '{noun} ' || id, format('has version %s and %s events', sum(version), sum(events)) \
           FROM (SELECT id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.{table} \
                 UNION ALL \
                 SELECT resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                  WHERE resource_type = '{resource_type}' GROUP BY resource_id) AS account \
          GROUP BY id \
         HAVING sum(version) > 0 \
            AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                     THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
    );
    Check {
        id: "I9",
        name,
        sql: sql.into(),
        todo: "Consumers missed a change, or saw one that did not happen. Change it once more (any PATCH), so that caches and \
               consumers read it again.",
        repair: None,
    }
}

fn unannounced_stock() -> Check {
    Check {
        id: "I9",
        name: "every adjustment and every transfer of stock has its event",
        sql: "SELECT variant_id, 'variant ' || variant_id, \
                     format('has %s adjustments and transfers, and %s events', sum(changes), sum(events)) \
                FROM (SELECT variant_id, CASE WHEN transfer_id IS NULL THEN 'stock.adjusted' ELSE 'stock.transferred' END AS kind, \
                             1 AS changes, 0 AS events \
                        FROM catalog.stock_movements \
                       WHERE order_id IS NULL AND hold_id IS NULL AND reason NOT IN ('initial', 'transfer_in') \
                      UNION ALL \
                      SELECT resource_id, kind, 0, 1 FROM platform.outbox \
                       WHERE kind IN ('stock.adjusted', 'stock.transferred')) AS account \
               GROUP BY variant_id, kind \
              HAVING CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(changes) < sum(events) ELSE sum(changes) <> sum(events) END"
            .into(),
        todo: "Consumers missed an adjustment, or saw one that did not happen: have them read the \
               level again. If I2 is clean the level itself is right.",
        repair: None,
    }
}

/// Readers take the newest price and, of two from the same moment, the one with the higher id.
fn ambiguous_prices() -> Check {
    Check {
        id: "S6",
        name: "a variant has one price from any moment on",
        sql: "SELECT variant_id, 'variant ' || variant_id, \
                     format('has %s prices in %s from %s on, %s to %s; the one with the highest id counts', \
                            count(*), currency, valid_from, min(amount_minor), max(amount_minor)) \
                FROM catalog.prices GROUP BY variant_id, currency, valid_from \
              HAVING min(amount_minor) <> max(amount_minor)"
            .into(),
        todo: "The clock jumped, or prices were loaded by hand. See that the price in force is the \
               one you want, and set it again if not; history is never rewritten.",
        repair: None,
    }
}

/// Whether what holds products by hand sorts them by their names.
fn sorts_by_names(name: &'static str, noun: &str) -> Check {
    let sql = format!(
        "SELECT l.{noun}_id, '{noun} ' || l.{noun}_id, format('sorts product %s as %s', l.product_id, l.product_name) \
           FROM catalog.{noun}_products l JOIN catalog.products p ON p.id = l.product_id \
          WHERE p.name <> l.product_name COLLATE \"default\""
    );
    Check {
        id: "S9",
        name,
        sql: sql.into(),
        todo: "The trigger products_rename_in_categories was off (see S4). Switch it on, then rename the product and back.",
        repair: None,
    }
}
