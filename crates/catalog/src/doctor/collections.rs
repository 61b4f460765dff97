//! What must always be true of collections.

use db::doctor::Check;

use super::{sorts_by_names, versions_have_events};

pub(super) fn checks() -> [Check; 3] {
    [
        orphans(),
        sorts_by_names(
            "a collection sorts products by the names they have",
            "collection",
        ),
        versions_have_events(
            "every version of a collection has its event",
            "collection",
            "collections",
            "collection",
        ),
    ]
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
