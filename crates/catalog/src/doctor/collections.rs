//! What must always be true of collections.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 3] {
    [orphans(), misnamed_products(), unannounced()]
}

/// What foreign keys refuse, asked again of the rows themselves; and products of collections that have rules instead.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "products in a list by hand are there, and so is the list",
        sql: "SELECT cp.collection_id, 'collection ' || cp.collection_id, \
                     format('holds product %s, of which one is missing, or has rules instead', cp.product_id) \
                FROM catalog.collection_products cp \
                LEFT JOIN catalog.collections c ON c.id = cp.collection_id AND c.rules IS NULL \
                LEFT JOIN catalog.products p ON p.id = cp.product_id WHERE c.id IS NULL OR p.id IS NULL"
            .into(),
        todo: "A restore left something out, or somebody wrote past catalog::collections. Bring back what is missing from a \
               backup; delete what nothing refers to.",
        repair: None,
    }
}

fn misnamed_products() -> Check {
    Check {
        id: "S9",
        name: "a collection sorts products by the names they have",
        sql: "SELECT cp.collection_id, 'collection ' || cp.collection_id, \
                     format('sorts product %s as %s', cp.product_id, cp.product_name) \
                FROM catalog.collection_products cp JOIN catalog.products p ON p.id = cp.product_id \
               WHERE p.name <> cp.product_name COLLATE \"default\""
            .into(),
        todo: "The trigger products_rename_in_categories was off (see S4). Switch it on, then rename the product and \
               back.",
        repair: None,
    }
}

/// Old events are pruned; what is left then ends with the version there is.
fn unannounced() -> Check {
    Check {
        id: "I9",
        name: "every version of a collection has its event",
        sql: "SELECT id, 'collection ' || id, format('has version %s and %s events', sum(version), sum(events)) \
                FROM (SELECT id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.collections \
                      UNION ALL \
                      SELECT resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                       WHERE resource_type = 'collection' GROUP BY resource_id) AS account \
               GROUP BY id \
              HAVING sum(version) > 0 \
                 AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. Change the collection once more (any PATCH), \
               so that caches and consumers read it again.",
        repair: None,
    }
}
