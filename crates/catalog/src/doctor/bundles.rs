//! What must always be true of bundles and of what is digital.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 3] {
    [made_of_nothing(), counted(), orphans()]
}

fn made_of_nothing() -> Check {
    Check {
        id: "S15",
        name: "a bundle has parts, which are no bundles, and nothing else has any",
        sql: "SELECT v.id, 'variant ' || v.id, 'is a bundle of nothing' FROM catalog.variants v \
               WHERE v.kind = 'bundle' AND NOT EXISTS (SELECT FROM catalog.bundle_parts b WHERE b.bundle_id = v.id) \
              UNION ALL \
              SELECT v.id, 'variant ' || v.id, 'has parts, and is ' || v.kind FROM catalog.variants v \
               WHERE v.kind <> 'bundle' AND EXISTS (SELECT FROM catalog.bundle_parts b WHERE b.bundle_id = v.id) \
              UNION ALL \
              SELECT b.bundle_id, 'variant ' || b.bundle_id, format('has the bundle %s as a part', b.part_id) \
                FROM catalog.bundle_parts b JOIN catalog.variants w ON w.id = b.bundle_id AND w.archived_at IS NULL \
                JOIN catalog.variants v ON v.id = b.part_id AND v.kind = 'bundle'"
            .into(),
        todo: "Somebody wrote past catalog::variants. Set the components of the variant once more.",
        repair: None,
    }
}

/// What a CHECK refuses, asked again of the rows themselves, and the flag that it looks at.
fn counted() -> Check {
    Check {
        id: "S15",
        name: "stock is kept of what is physical, and of nothing else",
        sql: "SELECT s.variant_id, 'variant ' || s.variant_id, \
                     format('is %s; location %s: %s, on hand %s, reserved %s', v.kind, s.location_id, \
                            CASE WHEN s.keeps_stock THEN 'keeps stock' ELSE 'keeps none' END, s.on_hand, s.reserved) \
                FROM catalog.stock_levels s JOIN catalog.variants v ON v.id = s.variant_id \
               WHERE s.keeps_stock <> (v.kind = 'physical') \
                  OR (NOT s.keeps_stock AND (s.on_hand, s.reserved, s.safety, s.backorder_limit) <> (0, 0, 0, 0))"
            .into(),
        todo: "Somebody wrote past catalog::variants. Set keeps_stock of the level to what the kind says; where units are \
               counted of what keeps none, take them away with a movement.",
        repair: None,
    }
}

/// What foreign keys refuse, asked again of the rows themselves.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "what bundles are made of, and what products are shown beside, is there",
        sql: "SELECT b.bundle_id, 'bundle ' || b.bundle_id, format('has the part %s, and one of the two is missing', b.part_id) \
                FROM catalog.bundle_parts b LEFT JOIN catalog.variants v ON v.id = b.bundle_id \
                LEFT JOIN catalog.variants w ON w.id = b.part_id WHERE v.id IS NULL OR w.id IS NULL \
              UNION ALL \
              SELECT r.product_id, 'product ' || r.product_id, \
                     format('is shown beside product %s, and one of the two is missing', r.related_id) \
                FROM catalog.related_products r LEFT JOIN catalog.products p ON p.id = r.product_id \
                LEFT JOIN catalog.products q ON q.id = r.related_id WHERE p.id IS NULL OR q.id IS NULL"
            .into(),
        todo: "A restore left something out, or a foreign key was off. Bring back what is missing from a \
               backup; delete what nothing refers to.",
        repair: None,
    }
}
