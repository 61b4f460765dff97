//! What takes more than one owner: plain functions over a connection, so that one transaction can
//! span them. HTTP is not known here.
//!
//! The order of locks is the same everywhere: idempotency key, order, stock by variant id and location id.
//!
//! - [`placing`]: a request becomes an order
//! - [`settling`]: what a payment provider says becomes true
//! - [`steps`]: orders move on, or are cancelled
//! - [`selling`]: what sells, counted from orders
//! - [`seeding`]: what a fresh shop has
//! - [`doctor`]: whether all of it is as it must be

pub mod doctor;
pub mod placing;
pub mod seeding;
pub mod selling;
pub mod settling;
pub mod steps;

use std::collections::BTreeMap;

use catalog::stock::held::{self, Held};
use catalog::stock::{self, Cause, Change, StockError};
use diesel::PgConnection;
use domain::{LocationId, OrderId, UserId, VariantId};
use ordering::{Line, Order};

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// The SQL functions that span owners.
pub const OWNER: db::migrations::Owner = db::migrations::Owner {
    schema: "workflows",
    migrations: || MIGRATIONS,
};

/// The units that an order's lines take from stock, by variant.
fn units_of(lines: &[Line]) -> BTreeMap<VariantId, i64> {
    let mut units = BTreeMap::<VariantId, i64>::new();
    for line in lines {
        for (variant, taken) in line.units() {
            let all = units.entry(variant).or_default();
            *all = all.saturating_add(taken);
        }
    }
    units
}

/// Ends what is promised to an order, where its units are: they stay there, or they leave. To be called with
/// the order locked.
fn release_stock(
    conn: &mut PgConnection,
    order_id: OrderId,
    how: fn(Held) -> Change,
    reason: &'static str,
    actor: Option<UserId>,
) -> Result<(), StockError> {
    let held = held::by_order(conn, order_id)?;
    let changes: Vec<Change> = held.into_iter().map(how).collect();
    let cause = Cause {
        reason,
        order_id: Some(order_id),
        actor,
        note: None,
    };
    stock::move_all(conn, &changes, &cause)
}

/// Planted bugs, off by default: what an order asked for is returned, whether it still holds it or not.
fn return_blindly(
    conn: &mut PgConnection,
    order: &Order,
    actor: Option<UserId>,
) -> Result<(), StockError> {
    let change = |(variant_id, units): (VariantId, i64)| Change {
        variant_id,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved: -units,
    };
    let changes: Vec<Change> = units_of(&order.lines).into_iter().map(change).collect();
    let cause = Cause {
        reason: "order_cancelled",
        order_id: Some(order.id),
        actor,
        note: None,
    };
    stock::move_all(conn, &changes, &cause)
}
