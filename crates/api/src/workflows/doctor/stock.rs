//! Stock and orders: what orders ask for, of bundles their parts, is what levels hold and movements tell.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 4] {
    [reserved(), on_hand(), moved_once(), moved_in_place()]
}

/// Orders whose goods are still on the shelf, promised to them.
macro_rules! open {
    () => {
        "('ordered', 'processed')"
    };
}

/// Orders whose goods have left.
macro_rules! shipped {
    () => {
        "('inTransit', 'outForDelivery', 'delivered')"
    };
}

fn reserved() -> Check {
    Check {
        id: "I1",
        name: "what is reserved is what open orders ask for and holds keep",
        sql: concat!(
            "SELECT variant_id, 'variant ' || variant_id, \
                    format('%s are reserved, open orders ask for and holds keep %s', sum(reserved), sum(wanted)) \
               FROM (SELECT variant_id, reserved, 0::bigint AS wanted FROM catalog.stock_levels \
                     UNION ALL \
                     SELECT variant_id, 0, units FROM catalog.stock_hold_lines WHERE released_at IS NULL \
                     UNION ALL \
                     SELECT l.variant_id, 0, l.units FROM ordering.line_units l \
                       JOIN ordering.orders o ON o.id = l.order_id WHERE o.status IN ",
            open!(),
            ") AS account \
              GROUP BY variant_id HAVING sum(reserved) <> sum(wanted)"
        )
        .into(),
        todo: "I10 names the order that took too much or gave back too little. Correct the counter \
               and add the movement that says why, in one transaction.",
        repair: None,
    }
}

/// Movements without an order are how stock came in: the first count, recounts and imports.
fn on_hand() -> Check {
    Check {
        id: "I1",
        name: "what is on hand is what came in, less what was shipped",
        sql: concat!(
            "SELECT variant_id, 'variant ' || variant_id, \
                    format('%s are on hand; %s came in and %s were shipped', sum(on_hand), sum(came), sum(shipped)) \
               FROM (SELECT variant_id, on_hand, 0::bigint AS came, 0::bigint AS shipped FROM catalog.stock_levels \
                     UNION ALL \
                     SELECT variant_id, 0, on_hand_delta, 0 FROM catalog.stock_movements WHERE order_id IS NULL \
                     UNION ALL \
                     SELECT l.variant_id, 0, 0, l.units FROM ordering.line_units l \
                       JOIN ordering.orders o ON o.id = l.order_id WHERE o.status IN ", shipped!(), ") AS account \
              GROUP BY variant_id HAVING sum(on_hand) <> sum(came) - sum(shipped)"
        )
        .into(),
        todo: "Count the shelf and set the count through the API: that leaves a movement. I2 tells \
               whether the counter or a movement is wrong, I10 whether an order is.",
        repair: None,
    }
}

/// What lines and status ask for counts for an order, what moved counts against it.
fn moved_once() -> Check {
    Check {
        id: "I10",
        name: "an order reserved its stock once, and returned or shipped it once",
        sql: concat!(
            "SELECT order_id, 'order ' || order_id, \
                    format('variant %s: %s units too few were reserved, %s released, %s shipped (less than 0: too many)', \
                           variant_id, sum(reserved), sum(released), sum(shipped)) \
               FROM (SELECT l.order_id, l.variant_id, l.units AS reserved, \
                            CASE WHEN o.status IN ", open!(), " THEN 0 ELSE l.units END AS released, \
                            CASE WHEN o.status IN ", shipped!(), " THEN l.units ELSE 0 END AS shipped \
                       FROM ordering.line_units l JOIN ordering.orders o ON o.id = l.order_id \
                     UNION ALL \
                     SELECT order_id, variant_id, -greatest(reserved_delta, 0), least(reserved_delta, 0), on_hand_delta \
                       FROM catalog.stock_movements WHERE order_id IS NOT NULL) AS account \
              GROUP BY order_id, variant_id \
             HAVING sum(reserved) <> 0 OR sum(released) <> 0 OR sum(shipped) <> 0"
        )
        .into(),
        todo: "If I1 finds the same variant, the counter is off by this much: correct it and add the \
               missing movement in one transaction. If not, only the movement's order is wrong.",
        repair: None,
    }
}

/// At each location by itself; what an order took in all is what [`moved_once`] asks.
fn moved_in_place() -> Check {
    Check {
        id: "I10",
        name: "an order returns and ships its stock where it was reserved",
        sql: concat!(
            "SELECT m.order_id, 'order ' || m.order_id, \
                    format('variant %s, location %s: %s were reserved, %s released, %s shipped', m.variant_id, m.location_id, \
                           m.reserved, m.released, m.shipped) \
               FROM (SELECT order_id, variant_id, location_id, sum(greatest(reserved_delta, 0)) AS reserved, \
                            -sum(least(reserved_delta, 0)) AS released, -sum(on_hand_delta) AS shipped \
                       FROM catalog.stock_movements WHERE order_id IS NOT NULL \
                      GROUP BY order_id, variant_id, location_id) AS m \
               JOIN ordering.orders o ON o.id = m.order_id \
              WHERE m.released <> CASE WHEN o.status IN ", open!(), " THEN 0 ELSE m.reserved END \
                 OR m.shipped <> CASE WHEN o.status IN ", shipped!(), " THEN m.reserved ELSE 0 END"
        )
        .into(),
        todo: "The total is right where no other check names the order: units were given back to, or taken from, \
               another location than they were promised at. Move them with a transfer, and set the counts.",
        repair: None,
    }
}
