//! What sells, counted from orders by what the log tells of them.

use std::collections::BTreeMap;

use catalog::sales::{self, Sold};
use db::consumers;
use db::outbox::Recorded;
use diesel::{Connection as _, PgConnection, QueryResult};
use ordering::lines;

/// Names the consumer in the database; never to be changed.
pub const CONSUMER: &str = "sales";

/// Counts the orders that events tell of, and takes back those that were cancelled. To be called in the transaction of the consumer's
/// position.
///
/// What was asked for is read from the orders: what they were placed with never changes. A day is that of the placing, so a cancellation
/// takes back what the order counted for, and nothing where that is forgotten already.
///
/// # Errors
///
/// Those of the database.
pub fn count(conn: &mut PgConnection, events: &[Recorded]) -> QueryResult<()> {
    let mut orders = BTreeMap::<i64, i64>::new();
    for event in events {
        let times = match event.kind.as_str() {
            "order.placed" => 1,
            "order.cancelled" => -1,
            _ => continue,
        };
        *orders.entry(event.resource_id).or_default() += times;
    }
    orders.retain(|_, times| *times != 0);
    if orders.is_empty() {
        return Ok(());
    }
    let asked = lines::asked_by(conn, orders.keys().copied().collect())?;
    let sold: Vec<Sold> = asked
        .into_iter()
        .map(|asked| Sold {
            product_id: asked.product_id,
            at: asked.placed_at,
            units: asked.units.saturating_mul(orders[&asked.order_id]),
        })
        .collect();
    sales::count(conn, &sold)
}

/// Counts everything anew from the log, which reaches back as far as sales count. Meanwhile what sells is sorted by what is counted already.
///
/// # Errors
///
/// Those of the database.
pub fn count_anew(conn: &mut PgConnection) -> QueryResult<()> {
    conn.transaction(|conn| {
        // First, as whoever counts does: it waits for a batch that is being counted, and that batch is not lost.
        consumers::rewind(conn, CONSUMER)?;
        sales::forget_all(conn)
    })
}
