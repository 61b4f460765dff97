//! Orders, their payments and their shipping.
//!
//! This crate copies what it needs of products and knows nothing of stock, users' names or HTTP:
//! whoever calls it brings both together in one transaction.
//!
//! - [`placing`]: writes a priced order in one statement
//! - [`orders`]: reads orders, their lines and their timeline
//! - [`lines`]: what was sold
//! - [`lifecycle`]: the only writer of an order's status
//! - [`payments`]: what was asked of a provider, and what came of it
//! - [`shipping`]: methods and their rates
//! - [`doctor`]: what must always be true of orders and payments

pub mod doctor;
pub mod lifecycle;
pub mod lines;
pub mod orders;
pub mod payments;
pub mod placing;
pub mod shipping;

pub use lines::{Line, Part};
pub use orders::{Order, Source};

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// This crate's schema and migrations.
pub const OWNER: db::migrations::Owner = db::migrations::Owner {
    schema: "ordering",
    migrations: || MIGRATIONS,
};
