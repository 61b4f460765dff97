//! What must always be true of the places where stock is kept.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 1] {
    [unannounced()]
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
