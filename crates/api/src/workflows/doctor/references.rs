//! Ids that cross schemas, where no foreign key looks after them.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 5] {
    [
        answers(),
        customers_and_goods(),
        movements(),
        events_and_keys(),
        actors(),
    ]
}

/// The answer a repeat gets and the order that the request placed tell of each other.
fn answers() -> Check {
    Check {
        id: "I4",
        name: "a stored answer is about what its request made",
        sql: "SELECT o.id, 'order ' || o.id, \
                     format('was placed by key %s of %s, which is answered with %s', k.key, k.scope, k.location) \
                FROM platform.idempotency_keys k \
                JOIN ordering.orders o ON o.request_scope = k.scope AND o.request_key = k.key \
               WHERE k.status = 201 AND k.location <> '/api/orders/' || o.id \
              UNION ALL \
              SELECT NULL, 'key ' || k.key, format('of %s is answered with %s, which does not exist', k.scope, k.location) \
                FROM (SELECT scope, key, location, split_part(location, '/', 3) AS what, \
                             split_part(location, '/', 4) AS id \
                        FROM platform.idempotency_keys WHERE status = 201) AS k \
                LEFT JOIN ordering.orders o ON k.what = 'orders' AND o.id::text = k.id \
                LEFT JOIN catalog.products p ON k.what = 'products' AND p.id::text = k.id \
                LEFT JOIN accounts.users u ON k.what = 'users' AND u.id::text = k.id \
               WHERE k.what IN ('orders', 'products', 'users') AND num_nulls(o.id, p.id, u.id) = 3"
            .into(),
        todo: "An acknowledged write is gone, or a key was answered twice. Look for the resource in \
               the events and in a backup, and tell the customer.",
        repair: None,
    }
}

fn customers_and_goods() -> Check {
    Check {
        id: "I7",
        name: "orders have a customer, and their lines a variant of their product",
        sql: "SELECT o.id, 'order ' || o.id, 'there is no user ' || o.user_id \
                FROM ordering.orders o LEFT JOIN accounts.users u ON u.id = o.user_id WHERE u.id IS NULL \
              UNION ALL \
              SELECT l.order_id, 'order ' || l.order_id, \
                     format('line %s sells variant %s of product %s, %s', l.position, l.variant_id, l.product_id, \
                            CASE WHEN v.id IS NULL THEN 'which does not exist' \
                                 ELSE 'but it belongs to product ' || v.product_id END) \
                FROM ordering.order_lines l LEFT JOIN catalog.variants v ON v.id = l.variant_id \
               WHERE v.id IS NULL OR v.product_id <> l.product_id \
              UNION ALL \
              SELECT p.order_id, 'order ' || p.order_id, \
                     format('line %s sells the part %s, which does not exist', p.position, p.variant_id) \
                FROM ordering.order_line_parts p LEFT JOIN catalog.variants v ON v.id = p.variant_id WHERE v.id IS NULL"
            .into(),
        todo: "Users, products and variants are archived and never deleted. Bring the row back from a \
               backup, under the same id.",
        repair: None,
    }
}

fn movements() -> Check {
    Check {
        id: "I7",
        name: "stock moved for orders that exist",
        sql: "SELECT m.order_id, 'order ' || m.order_id, format('does not exist, and moved stock %s times', count(*)) \
                FROM catalog.stock_movements m LEFT JOIN ordering.orders o ON o.id = m.order_id \
               WHERE m.order_id IS NOT NULL AND o.id IS NULL GROUP BY m.order_id"
            .into(),
        todo: "An order is gone that was there: bring it back from a backup, or cancel what it \
               reserved by a movement of its own.",
        repair: None,
    }
}

/// A key without an answer works on a payment operation.
fn events_and_keys() -> Check {
    Check {
        id: "I7",
        name: "events and keys are about something that exists",
        sql: "SELECT e.resource_id, e.resource_type || ' ' || e.resource_id, \
                     format('does not exist, and has %s events', e.events) \
                FROM (SELECT resource_type, resource_id, count(*) AS events FROM platform.outbox \
                       GROUP BY resource_type, resource_id) AS e \
                LEFT JOIN ordering.orders o ON e.resource_type = 'order' AND o.id = e.resource_id \
                LEFT JOIN catalog.products p ON e.resource_type = 'product' AND p.id = e.resource_id \
                LEFT JOIN catalog.variants v ON e.resource_type = 'variant' AND v.id = e.resource_id \
                LEFT JOIN accounts.users u ON e.resource_type = 'user' AND u.id = e.resource_id \
               WHERE num_nulls(o.id, p.id, v.id, u.id) = 4 \
                 AND e.resource_type IN ('order', 'product', 'variant', 'user') \
              UNION ALL \
              SELECT k.resource_id, 'key ' || k.key, \
                     format('of %s works on payment operation %s, which does not exist', k.scope, k.resource_id) \
                FROM platform.idempotency_keys k \
                LEFT JOIN ordering.payment_operations x ON x.id = k.resource_id \
               WHERE k.status IS NULL AND x.id IS NULL"
            .into(),
        todo: "Consumers were told of something that is gone: bring it back from a backup. A key \
               whose operation is gone can be deleted; its request will then run afresh.",
        repair: None,
    }
}

fn actors() -> Check {
    Check {
        id: "I7",
        name: "whoever did something exists",
        sql: "SELECT a.actor_id, 'user ' || a.actor_id, 'does not exist, and did something: ' || string_agg(a.what, ', ') \
                FROM (SELECT DISTINCT actor_id, 'moved stock' AS what FROM catalog.stock_movements \
                      UNION ALL SELECT DISTINCT actor_id, 'changed orders' FROM ordering.order_timeline \
                      UNION ALL SELECT DISTINCT actor_id, 'asked for payments' FROM ordering.payment_operations \
                      UNION ALL SELECT DISTINCT actor_id, 'caused events' FROM platform.outbox) AS a \
                LEFT JOIN accounts.users u ON u.id = a.actor_id \
               WHERE a.actor_id IS NOT NULL AND u.id IS NULL GROUP BY a.actor_id"
            .into(),
        todo: "Users are never deleted. Bring the row back from a backup, under the same id.",
        repair: None,
    }
}
