//! What must always be true of the places where stock is kept, and of what is said of them.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 5] {
    [
        unannounced(),
        unbalanced(),
        unnoticed(),
        held(),
        forgotten(),
    ]
}

/// Old events are pruned; what is left then ends with the version there is. A location that was deleted
/// leaves its events behind.
fn unannounced() -> Check {
    Check {
        id: "I9",
        name: "every version of a location and of a hold has its event",
        sql: "SELECT id, kind || ' ' || id, format('has version %s and %s events', sum(version), sum(events)) \
                FROM (SELECT 'location' AS kind, id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.locations \
                      UNION ALL \
                      SELECT 'hold', id, version, 0, NULL FROM catalog.stock_holds \
                      UNION ALL \
                      SELECT resource_type, resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                       WHERE resource_type IN ('location', 'hold') GROUP BY resource_type, resource_id) AS account \
               GROUP BY kind, id \
              HAVING sum(version) > 0 \
                 AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. Change the location once more (any \
               PATCH), so that they read it again; have them read the hold.",
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
        id: "S12",
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

/// Where movements and lines disagree, or a hold that is over still keeps something.
fn held() -> Check {
    Check {
        id: "I10",
        name: "what a hold keeps is what its movements come to, and nothing when it is over",
        sql: "SELECT hold_id, 'hold ' || hold_id, \
                     format('variant %s, location %s: keeps %s, its movements come to %s', variant_id, location_id, sum(kept), sum(moved)) \
                FROM (SELECT l.hold_id, l.variant_id, l.location_id, \
                             CASE WHEN l.released_at IS NULL THEN l.units ELSE 0 END AS kept, 0::bigint AS moved, \
                             l.released_at IS NULL AND h.ended_at IS NOT NULL AS is_left \
                        FROM catalog.stock_hold_lines l LEFT JOIN catalog.stock_holds h ON h.id = l.hold_id \
                      UNION ALL \
                      SELECT hold_id, variant_id, location_id, 0, reserved_delta, false FROM catalog.stock_movements \
                       WHERE hold_id IS NOT NULL) AS account \
               GROUP BY hold_id, variant_id, location_id HAVING sum(kept) <> sum(moved) OR bool_or(is_left)"
            .into(),
        todo: "Somebody wrote past catalog::stock. I1 tells whether the level has too much reserved: correct it and add \
               the missing movement in one transaction.",
        repair: None,
    }
}

fn forgotten() -> Check {
    Check {
        id: "I10",
        name: "a hold that expired an hour ago is ended",
        sql: "SELECT id, 'hold ' || id, 'expired at ' || expires_at FROM catalog.stock_holds \
               WHERE ended_at IS NULL AND expires_at < now() - interval '1 hour'"
            .into(),
        todo: "No worker runs the schedule expireHolds: start one. Orders take what is kept meanwhile.",
        repair: None,
    }
}
