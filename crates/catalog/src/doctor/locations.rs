//! What must always be true of the places where stock is kept, and of what is said of them.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 3] {
    [unannounced(), unbalanced(), unnoticed()]
}

/// Old events are pruned; what is left then ends with the version there is. A location that was deleted
/// leaves its events behind.
fn unannounced() -> Check {
    Check {
        id: "I9",
        name: "every version of a location has its event",
        sql: "SELECT id, 'location ' || id, format('has version %s and %s events', sum(version), sum(events)) \
                FROM (SELECT id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.locations \
                      UNION ALL \
                      SELECT resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                       WHERE resource_type = 'location' GROUP BY resource_id) AS account \
               GROUP BY id \
              HAVING sum(version) > 0 \
                 AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. Change the location once more (any \
               PATCH), so that they read it again.",
        repair: None,
    }
}

fn unbalanced() -> Check {
    Check {
        id: "I1",
        name: "a transfer takes as much from locations as it puts into others",
        sql: "SELECT m.transfer_id, 'transfer ' || m.transfer_id, \
                     CASE WHEN count(t.id) = 0 THEN 'does not exist, and moved stock' \
                          ELSE format('variant %s: %s more came than went', m.variant_id, sum(m.on_hand_delta)) END \
                FROM catalog.stock_movements m LEFT JOIN catalog.stock_transfers t ON t.id = m.transfer_id \
               WHERE m.transfer_id IS NOT NULL GROUP BY m.transfer_id, m.variant_id \
              HAVING sum(m.on_hand_delta) <> 0 OR count(t.id) = 0"
            .into(),
        todo: "Count the variant at the locations of the transfer's movements, and set the counts through the API.",
        repair: None,
    }
}

fn unnoticed() -> Check {
    Check {
        id: "S10",
        name: "a stock level says that it is low when it is",
        sql: "SELECT variant_id, 'variant ' || variant_id, \
                     format('location %s: %s are available, low at %s, and it says %s', location_id, \
                            on_hand - safety + backorder_limit - reserved, coalesce(low_at::text, 'none'), \
                            coalesce('low since ' || low_since, 'not low')) \
                FROM catalog.stock_levels \
               WHERE (low_since IS NOT NULL) <> coalesce(on_hand - safety + backorder_limit - reserved <= low_at, false)"
            .into(),
        todo: "The trigger stock_levels_tell_when_low was off (S4). Switch it on, then set lowAt of the level once more: \
               it notes and tells what it missed.",
        repair: None,
    }
}
