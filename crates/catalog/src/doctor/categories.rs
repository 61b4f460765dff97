//! What must always be true of categories.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 5] {
    [
        orphans(),
        unreachable(),
        cycles(),
        misnamed_products(),
        unannounced(),
    ]
}

/// What foreign keys refuse, asked again of the rows themselves; and edges of archived categories.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "categories have parents and products that are there",
        sql: "SELECT e.category_id, 'category ' || e.category_id, \
                     format('is below category %s, of which one is archived or missing', e.parent_id) \
                FROM catalog.category_parents e \
                LEFT JOIN catalog.categories c ON c.id = e.category_id AND c.archived_at IS NULL \
                LEFT JOIN catalog.categories p ON p.id = e.parent_id AND p.archived_at IS NULL \
               WHERE c.id IS NULL OR p.id IS NULL \
              UNION ALL \
              SELECT cp.category_id, 'category ' || cp.category_id, \
                     format('holds product %s, of which one is missing', cp.product_id) \
                FROM catalog.category_products cp LEFT JOIN catalog.categories c ON c.id = cp.category_id \
                LEFT JOIN catalog.products p ON p.id = cp.product_id WHERE c.id IS NULL OR p.id IS NULL"
            .into(),
        todo: "A restore left something out, or a foreign key was off. Bring back what is missing from a \
               backup; delete what nothing refers to.",
        repair: None,
    }
}

fn unreachable() -> Check {
    Check {
        id: "I7",
        name: "a category is a root or has parents, and not both",
        sql: "SELECT c.id, 'category ' || c.id, \
                     format('has root position %s and %s parents', coalesce(c.root_position::text, 'none'), count(e.parent_id)) \
                FROM catalog.categories c LEFT JOIN catalog.category_parents e ON e.category_id = c.id \
               WHERE c.archived_at IS NULL GROUP BY c.id \
              HAVING (c.root_position IS NULL) = (count(e.parent_id) = 0)"
            .into(),
        todo: "Somebody wrote past catalog::categories. Set the parents of the category once more: nobody finds it \
               like this, or finds it twice.",
        repair: None,
    }
}

/// Every way up is followed until it comes to where it has been.
fn cycles() -> Check {
    Check {
        id: "S8",
        name: "no category is below itself",
        sql: "WITH RECURSIVE up (start, id) AS ( \
                SELECT category_id, parent_id FROM catalog.category_parents \
                 UNION \
                SELECT up.start, e.parent_id FROM up JOIN catalog.category_parents e ON e.category_id = up.id \
              ) SELECT start, 'category ' || start, 'is below itself' FROM up WHERE start = id"
            .into(),
        todo: "Somebody wrote past catalog::categories. Set the parents of one of the categories in the circle; reading \
               goes on meanwhile, but trails of links are wrong.",
        repair: None,
    }
}

fn misnamed_products() -> Check {
    Check {
        id: "S9",
        name: "a category sorts products by the names they have",
        sql: "SELECT cp.category_id, 'category ' || cp.category_id, \
                     format('sorts product %s as %s', cp.product_id, cp.product_name) \
                FROM catalog.category_products cp JOIN catalog.products p ON p.id = cp.product_id \
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
        name: "every version of a category has its event",
        sql: "SELECT id, 'category ' || id, format('has version %s and %s events', sum(version), sum(events)) \
                FROM (SELECT id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.categories \
                      UNION ALL \
                      SELECT resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                       WHERE resource_type = 'category' GROUP BY resource_id) AS account \
               GROUP BY id \
              HAVING sum(version) > 0 \
                 AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. Change the category once more (any PATCH), \
               so that caches and consumers read it again.",
        repair: None,
    }
}
