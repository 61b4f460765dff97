//! What the shop sells: products, their variants, prices and stock.
//!
//! Functions take a connection, so the caller chooses the transaction. This crate knows nothing of
//! carts, customers or HTTP.
//!
//! - [`products`]: what customers read: one product, a page of them, a search; [`products::managed`]: what staff see
//! - [`editing`]: what staff write: create, change, archive
//! - [`prices`]: in force, to come and past; many set at once
//! - [`variants`]: what is sold of a product, and what it is chosen by
//! - [`categories`]: where products are looked for
//! - [`collections`]: what belongs together for a season, by hand or by rules
//! - [`custom_fields`]: what a shop keeps of them beside what every shop does
//! - [`search`]: what customers look for, and how it is narrowed
//! - [`sales`]: what was ordered of late, for listings by it
//! - [`media`]: pictures, and which products have them
//! - [`texts`]: rich text; [`translations`]: in other languages
//! - [`quotes`]: names, prices and availability for the lines of an order, read in its transaction
//! - [`locations`]: places where stock is kept
//! - [`stock`]: levels and the movements that explain them; the only writer of `stock_levels`
//! - [`import`]: products from a file, also of other systems
//! - [`imports`]: files that staff sends, until a job has read them
//! - [`export`]: products into a file
//! - [`exports`]: files of the shop, until staff has fetched them
//! - [`doctor`]: what must always be true of all of it

pub mod categories;
pub mod collections;
pub mod custom_fields;
pub mod doctor;
pub mod editing;
pub mod export;
pub mod exports;
pub mod import;
pub mod imports;
pub mod locations;
pub mod media;
pub mod prices;
pub mod products;
pub mod quotes;
pub mod sales;
pub mod search;
pub mod stock;
pub mod texts;
pub mod translations;
pub mod variants;

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// This crate's schema and migrations.
pub const OWNER: db::migrations::Owner = db::migrations::Owner {
    schema: "catalog",
    migrations: || MIGRATIONS,
};
