//! What takes more than one owner: plain functions over a connection, so that one transaction can
//! span them. HTTP is not known here.
//!
//! The order of locks is the same everywhere: idempotency key, order, stock by variant id.
//!
//! - [`placing`]: a request becomes an order
//! - [`settling`]: what a payment provider says becomes true
//! - [`steps`]: orders move on, or are cancelled
//! - [`seeding`]: what a fresh shop has
//! - [`doctor`]: whether all of it is as it must be

pub mod doctor;
pub mod placing;
pub mod seeding;
pub mod settling;
pub mod steps;

use std::collections::BTreeMap;

use catalog::stock::Change;
use domain::VariantId;
use ordering::Line;

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// The SQL functions that span owners.
pub const OWNER: db::migrations::Owner = db::migrations::Owner {
    schema: "workflows",
    migrations: || MIGRATIONS,
};

/// The stock of an order's lines, summed per variant and in variant order.
fn stock_changes(lines: &[Line], on_hand: i64, reserved: i64) -> Vec<Change> {
    let mut units = BTreeMap::<VariantId, i64>::new();
    for line in lines {
        *units.entry(line.variant_id).or_default() += line.quantity.get();
    }
    let change = |(variant_id, units): (VariantId, i64)| Change {
        variant_id,
        on_hand: on_hand * units,
        reserved: reserved * units,
    };
    units.into_iter().map(change).collect()
}
