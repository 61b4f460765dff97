//! Who may do what: users, credentials, sessions and roles.
//!
//! This crate knows nothing of products, orders or HTTP.
//!
//! - [`users`]: people, unique by their normalised e-mail address
//! - [`groups`]: of which customers a user is one
//! - [`permissions`]: what staff may do
//! - [`passwords`]: Argon2id, bounded so that logins cannot starve the rest
//! - [`sessions`]: opaque tokens, hashed at rest
//! - [`doctor`]: what must always be true of both

pub mod doctor;
pub mod groups;
pub mod passwords;
pub mod permissions;
mod schema;
pub mod sessions;
pub mod users;

pub use permissions::Permissions;
pub use users::{Role, User};

const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!();

/// This crate's schema and migrations.
pub const OWNER: db::migrations::Owner = db::migrations::Owner {
    schema: "accounts",
    migrations: || MIGRATIONS,
};
