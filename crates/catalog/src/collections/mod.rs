//! Collections: products that belong together for a season, a page or a campaign, and not by where they are looked for.
//!
//! One either has a list that staff writes by hand, or rules. What rules find is kept nowhere: it is read from the
//! search index, so it follows every change as searches do, and agrees with them.
//!
//! - [`list`], [`find`], [`find_by_slug`]: reading
//! - [`listing`]: the products of a collection, page by page
//! - [`rules`]: what a product has to be
//! - [`editing`]: new ones, changes, archiving
//! - [`assigning`]: which products are in one without rules

pub mod assigning;
pub mod editing;
mod error;
pub mod listing;
mod lock;
pub mod rules;
pub(crate) mod spelt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use domain::{CollectionId, PageSize, ProductOrder, Slug};

pub use error::CollectionError;
pub use rules::Rules;

/// A collection that is not archived.
#[derive(Clone, Debug, Queryable)]
pub struct Collection {
    #[diesel(deserialize_as = i64)]
    pub id: CollectionId,
    /// Has a letter.
    #[diesel(deserialize_as = String)]
    pub slug: Slug,
    pub name: String,
    pub description: String,
    /// Address or path of an image; empty for none.
    pub image: String,
    /// Not manual where there are rules.
    #[diesel(deserialize_as = String)]
    pub product_order: ProductOrder,
    /// `None` for a list by hand.
    pub rules: Option<Rules>,
    /// Counts the changes to this collection, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

type CollectionRow = (
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Text,
    Nullable<Jsonb>,
    BigInt,
    Timestamptz,
    Timestamptz,
);

/// The columns of [`Collection`].
macro_rules! select_collections {
    ($rest:literal) => {
        concat!(
            "SELECT id, slug, name, description, image, product_order, rules, version, created_at, updated_at \
               FROM catalog.collections WHERE archived_at IS NULL AND ",
            $rest
        )
    };
}

db::statement! {
    struct ListCollections { after: i64 => BigInt, limit: i64 => BigInt } -> CollectionRow =
    select_collections!("id > $1 ORDER BY id LIMIT $2")
}

db::statement! {
    struct FindCollection { id: i64 => BigInt } -> CollectionRow = select_collections!("id = $1")
}

db::statement! {
    struct FindBySlug { slug: String => Text } -> CollectionRow = select_collections!("slug = $1")
}

/// Lists collections, oldest first, behind an id; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, after: i64, size: PageSize) -> QueryResult<Vec<Collection>> {
    let limit = size.get() + 1;
    ListCollections { after, limit }.load(conn)
}

/// Finds a collection.
///
/// Returns `None` for an unknown id and for an archived collection.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: CollectionId) -> QueryResult<Option<Collection>> {
    FindCollection { id: id.get() }.get_result(conn).optional()
}

/// Finds a collection by the readable end of its web address.
///
/// # Errors
///
/// Those of the database.
pub fn find_by_slug(conn: &mut PgConnection, slug: &Slug) -> QueryResult<Option<Collection>> {
    FindBySlug {
        slug: slug.to_string(),
    }
    .get_result(conn)
    .optional()
}
