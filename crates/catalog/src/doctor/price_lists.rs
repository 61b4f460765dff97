//! What must always be true of price lists.

use db::doctor::Check;

use super::versions_have_events;

pub(super) fn checks() -> [Check; 4] {
    [
        orphans(),
        unmarked(),
        forgotten_terms(),
        versions_have_events(
            "every version of a price list has its event",
            "price list",
            "price_lists",
            "priceList",
        ),
    ]
}

/// What foreign keys refuse, asked again of the rows themselves.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "prices of lists belong to lists and variants that are there",
        sql: "SELECT e.id, 'price ' || e.id || ' of list ' || e.list_id, \
                     format('is of variant %s, and one of the two is missing', e.variant_id) \
                FROM catalog.list_prices e LEFT JOIN catalog.price_lists l ON l.id = e.list_id \
                LEFT JOIN catalog.variants v ON v.id = e.variant_id WHERE l.id IS NULL OR v.id IS NULL"
            .into(),
        todo: "A restore left something out, or a foreign key was off. Bring back what is missing from a \
               backup; delete what nothing refers to.",
        repair: None,
    }
}

fn unmarked() -> Check {
    Check {
        id: "S11",
        name: "a variant of which a list has a price is marked as such",
        sql: "SELECT v.id, 'variant ' || v.id, 'is in price lists, and shown without them' FROM catalog.variants v \
               WHERE NOT v.in_lists AND EXISTS (SELECT FROM catalog.list_prices WHERE variant_id = v.id)"
            .into(),
        todo: "Somebody wrote past catalog::prices::lists. Set the price in the list once more, so that customers are shown \
               what orders are charged.",
        repair: None,
    }
}

/// Orders are charged by the list itself, and what is said of the past comes from its history.
fn forgotten_terms() -> Check {
    Check {
        id: "S10",
        name: "what a price list says is the last that its history has",
        sql: "SELECT l.id, 'price list ' || l.id, format('has version %s, its history %s', l.version, coalesce(t.version, 0)) \
                FROM catalog.price_lists l \
                LEFT JOIN LATERAL (SELECT * FROM catalog.price_list_terms WHERE list_id = l.id ORDER BY version DESC LIMIT 1) t ON true \
               WHERE (l.version, l.priority, l.is_active, l.starts_at, l.ends_at, l.countries, l.customer_groups) IS DISTINCT FROM \
                     (t.version, t.priority, t.is_active, t.starts_at, t.ends_at, t.countries, t.customer_groups)"
            .into(),
        todo: "Somebody wrote past catalog::prices::lists. Set the list to what it should say through the API (any PATCH): \
               from then on both agree, and what is said of the time before stays wrong.",
        repair: None,
    }
}
