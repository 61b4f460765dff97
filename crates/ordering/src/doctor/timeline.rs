//! Timelines: without gaps, step by step, each step announced.

use db::doctor::Check;
use domain::OrderStatus;

pub(super) fn checks() -> [Check; 3] {
    [gaps(), forbidden_steps(), unannounced()]
}

fn gaps() -> Check {
    Check {
        id: "I8",
        name: "a timeline counts 1, 2, 3 … up to its order's version",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('has version %s, and a timeline of %s entries from %s to %s', o.version, \
                            coalesce(t.entries, 0), coalesce(t.first, 0), coalesce(t.last, 0)) \
                FROM ordering.orders o \
                LEFT JOIN (SELECT order_id, count(*) AS entries, min(version) AS first, max(version) AS last \
                             FROM ordering.order_timeline GROUP BY order_id) AS t ON t.order_id = o.id \
               WHERE (t.first = 1 AND t.last = o.version AND t.entries = o.version) IS NOT TRUE"
            .into(),
        todo: "Something wrote past ordering::lifecycle. Logs of the time between the neighbours tell \
               what is missing; write it down as an entry of its own, do not renumber.",
        repair: None,
    }
}

/// The steps are those of [`OrderStatus::allowed_next_of`]; entries that leave the status alone do not count.
fn forbidden_steps() -> Check {
    let steps = |is_sent: bool| {
        let from = OrderStatus::ALL.into_iter();
        let steps = from.flat_map(|from| {
            let step = move |to: &OrderStatus| format!("('{}', '{}')", from.code(), to.code());
            from.allowed_next(is_sent).iter().map(step)
        });
        steps.collect::<Vec<_>>().join(", ")
    };
    let (allowed, unsent) = (steps(true), steps(false));
    let first = OrderStatus::Ordered.code();
    Check {
        id: "I8",
        name: "a timeline takes allowed steps only, and ends in its order's status",
        sql: format!(
            "SELECT s.order_id, 'order ' || s.order_id, \
                    format('version %s (%s) goes from %s to %s%s%s', s.version, s.kind, \
                           coalesce(s.from_status, 'nothing'), coalesce(s.to_status, 'nothing'), \
                           ', after ' || s.before, ', and the order is ' || o.status) \
               FROM (SELECT order_id, version, kind, from_status, to_status, lag(to_status) OVER entries AS before, \
                            lead(version) OVER entries IS NULL AS is_last, row_number() OVER entries AS step \
                       FROM ordering.order_timeline \
                      WHERE to_status IS NOT NULL OR from_status IS NOT NULL OR kind IN ('placed', 'status') \
                     WINDOW entries AS (PARTITION BY order_id ORDER BY version)) AS s \
               LEFT JOIN ordering.orders o ON o.id = s.order_id AND s.is_last \
              WHERE (o.id IS NULL OR o.status = s.to_status) IS NOT TRUE \
                 OR CASE WHEN s.step = 1 \
                         THEN s.kind = 'placed' AND s.from_status IS NULL AND s.to_status = '{first}' \
                         ELSE s.kind = 'status' AND s.from_status = s.before \
                              AND ((s.from_status, s.to_status) IN ({allowed}) \
                                   OR ((s.from_status, s.to_status) IN ({unsent}) \
                                       AND NOT EXISTS (SELECT FROM ordering.line_units u WHERE u.order_id = s.order_id))) \
                         END IS NOT TRUE"
        )
        .into(),
        todo: "Somebody set the status past ordering::lifecycle. Stock and payment follow the status, \
               so look at I1, I3 and I10 of this order first, then bring status and timeline together.",
        repair: None,
    }
}

/// Entries and events are told apart by kind and must be equally many. Old events are pruned, the
/// first of an order first; then entries count from the first event that is left.
fn unannounced() -> Check {
    Check {
        id: "I9",
        name: "every entry of a timeline has its event",
        sql: "SELECT order_id, 'order ' || order_id, \
                     format('has more entries than events (or fewer): placed %s, moved on %s, cancelled %s, paid %s', \
                            sum(sign) FILTER (WHERE kind = 'order.placed'), \
                            sum(sign) FILTER (WHERE kind = 'order.statusChanged'), \
                            sum(sign) FILTER (WHERE kind = 'order.cancelled'), \
                            sum(sign) FILTER (WHERE kind = 'payment.changed')) \
                FROM (SELECT order_id, 1 AS sign, \
                             CASE WHEN kind = 'placed' THEN 'order.placed' WHEN kind = 'payment' THEN 'payment.changed' \
                                  WHEN to_status = 'cancelled' THEN 'order.cancelled' ELSE 'order.statusChanged' END AS kind \
                        FROM ordering.order_timeline t \
                       WHERE NOT (SELECT id > 0 FROM platform.outbox_start) \
                          OR version >= (SELECT min(sequence) FROM platform.outbox o \
                                          WHERE o.resource_type = 'order' AND o.resource_id = t.order_id) \
                      UNION ALL \
                      SELECT resource_id, -1, kind FROM platform.outbox WHERE resource_type = 'order') AS account \
               GROUP BY order_id \
              HAVING sum(sign) FILTER (WHERE kind = 'order.placed') <> 0 \
                  OR sum(sign) FILTER (WHERE kind = 'order.statusChanged') <> 0 \
                  OR sum(sign) FILTER (WHERE kind = 'order.cancelled') <> 0 \
                  OR sum(sign) FILTER (WHERE kind = 'payment.changed') <> 0"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. The timeline is right where \
               I8 is clean: tell them by hand.",
        repair: None,
    }
}
