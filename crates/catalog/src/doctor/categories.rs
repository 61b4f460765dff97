//! What must always be true of categories.

use db::doctor::Check;

use super::{sorts_by_names, versions_have_events};

pub(super) fn checks() -> [Check; 5] {
    [
        orphans(),
        unreachable(),
        cycles(),
        sorts_by_names(
            "a category sorts products by the names they have",
            "category",
        ),
        versions_have_events(
            "every version of a category has its event",
            "category",
            "categories",
            "category",
        ),
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
