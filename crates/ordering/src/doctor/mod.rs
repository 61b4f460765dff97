//! What must always be true of orders, their timeline and their payments.

mod payments;
mod timeline;

use db::doctor::Check;

/// What the promises of schema `ordering` rest on.
const GUARDS: [&str; 13] = [
    "orders_pkey",
    "orders_request_key",
    "orders_status_known",
    "orders_amounts",
    "order_lines_amounts",
    "order_timeline_pkey",
    "payments_order_id_key",
    "payments_status_known",
    "payment_operations_one_pending_idx",
    "order_lines_order_id_fkey",
    "order_lines_kind_known",
    "order_line_parts_pkey",
    "order_line_parts_quantity",
];

/// The checks of this crate's tables.
#[must_use]
pub fn checks() -> Vec<Check> {
    let mut checks = vec![
        db::doctor::guards("ordering", &GUARDS),
        doubled_requests(),
        wrong_totals(),
        wrong_lines(),
        wrong_parts(),
        orphans(),
    ];
    checks.extend(payments::checks());
    checks.extend(timeline::checks());
    checks
}

/// Orders remember the key of their request for ever, also when its answer was forgotten.
fn doubled_requests() -> Check {
    Check {
        id: "I4",
        name: "a request placed at most one order",
        sql: "SELECT min(id), 'order ' || min(id), \
                     format('was placed by the same request as %s more, up to order %s', count(*) - 1, max(id)) \
                FROM ordering.orders WHERE request_key IS NOT NULL \
               GROUP BY request_scope, request_key HAVING count(*) > 1 \
              UNION ALL \
              SELECT id, 'order ' || id, 'remembers its request only in part' FROM ordering.orders \
               WHERE (request_key IS NULL) <> (request_scope IS NULL) \
                  OR (request_key IS NULL) <> (request_fingerprint IS NULL)"
            .into(),
        todo: "Somebody was sold the same twice. Cancel the later orders, and create the constraint \
               orders_request_key again if it is gone.",
        repair: None,
    }
}

/// The sums are exact: no product of two columns overflows here.
fn wrong_totals() -> Check {
    Check {
        id: "I6",
        name: "an order's totals are those of its lines",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('says %s - %s + %s = %s, its %s lines sum to %s - %s', o.subtotal_minor, \
                            o.discount_minor, o.shipping_minor, o.total_minor, coalesce(l.lines, 0), \
                            coalesce(l.subtotal, 0), coalesce(l.discount, 0)) \
                FROM ordering.orders o \
                LEFT JOIN (SELECT order_id, count(*) AS lines, sum(unit_price_minor::numeric * quantity) AS subtotal, \
                                  sum(discount_minor) AS discount \
                             FROM ordering.order_lines GROUP BY order_id) AS l ON l.order_id = o.id \
               WHERE (l.subtotal = o.subtotal_minor AND l.discount = o.discount_minor AND o.shipping_minor >= 0 \
                      AND o.total_minor = l.subtotal - l.discount + o.shipping_minor) IS NOT TRUE"
            .into(),
        todo: "Compare with what the customer was told and charged (payment, invoice): that amount \
               stands. Correct the side that differs from it by hand, with a note in the timeline.",
        repair: None,
    }
}

fn wrong_lines() -> Check {
    Check {
        id: "I6",
        name: "a line's total is its price times its quantity, less its discount",
        sql: "SELECT order_id, 'order ' || order_id, \
                     format('line %s says %s x %s - %s = %s at a list price of %s (%s)', position, quantity, \
                            unit_price_minor, discount_minor, total_minor, list_price_minor, price_source) \
                FROM ordering.order_lines \
               WHERE quantity < 1 OR unit_price_minor < 0 OR discount_minor < 0 OR total_minor < 0 \
                  OR total_minor <> unit_price_minor::numeric * quantity - discount_minor \
                  OR (price_source = 'list' AND unit_price_minor <> list_price_minor)"
            .into(),
        todo: "As for the totals: what the customer was told and charged stands.",
        repair: None,
    }
}

/// What a bundle was made of when it was sold decides what was taken from stock for it.
fn wrong_parts() -> Check {
    Check {
        id: "I6",
        name: "a line of a bundle has its parts, and no other line has any",
        sql: "SELECT l.order_id, 'order ' || l.order_id, format('line %s is a bundle of nothing', l.position) \
                FROM ordering.order_lines l LEFT JOIN ordering.order_line_parts p USING (order_id, position) \
               WHERE l.kind = 'bundle' AND p.order_id IS NULL \
              UNION ALL \
              SELECT p.order_id, 'order ' || p.order_id, \
                     format('line %s is %s and has the part %s', p.position, coalesce(l.kind, 'missing'), p.variant_id) \
                FROM ordering.order_line_parts p LEFT JOIN ordering.order_lines l USING (order_id, position) \
               WHERE l.kind IS DISTINCT FROM 'bundle'"
            .into(),
        todo: "The movements of the order tell what was taken for it. Write the parts down as they say, or take out \
               those of a line that is none.",
        repair: None,
    }
}

/// What foreign keys refuse, asked again of the rows themselves.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "lines, timelines and payments belong to an order",
        sql: "SELECT l.order_id, 'order ' || l.order_id, format('does not exist and has %s lines', count(*)) \
                FROM ordering.order_lines l LEFT JOIN ordering.orders o ON o.id = l.order_id \
               WHERE o.id IS NULL GROUP BY l.order_id \
              UNION ALL \
              SELECT t.order_id, 'order ' || t.order_id, format('does not exist and has a timeline of %s', count(*)) \
                FROM ordering.order_timeline t LEFT JOIN ordering.orders o ON o.id = t.order_id \
               WHERE o.id IS NULL GROUP BY t.order_id \
              UNION ALL \
              SELECT p.order_id, 'order ' || p.order_id, 'does not exist and has payment ' || p.id \
                FROM ordering.payments p LEFT JOIN ordering.orders o ON o.id = p.order_id WHERE o.id IS NULL \
              UNION ALL \
              SELECT x.payment_id, 'payment ' || x.payment_id, 'does not exist and has operation ' || x.id \
                FROM ordering.payment_operations x LEFT JOIN ordering.payments p ON p.id = x.payment_id \
               WHERE p.id IS NULL \
              UNION ALL \
              SELECT o.id, 'order ' || o.id, 'there is no shipping method ' || o.shipping_method \
                FROM ordering.orders o LEFT JOIN ordering.shipping_methods m ON m.code = o.shipping_method \
               WHERE m.code IS NULL"
            .into(),
        todo: "A restore left something out, or a foreign key was off. Bring back what is missing \
               from a backup; never delete a payment that moved money.",
        repair: None,
    }
}
