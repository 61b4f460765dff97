//! Categories: where products are looked for.
//!
//! They are a graph without cycles: a category may have several parents, and one without any is a root.
//! Whoever changes the graph holds one lock, so that no two changes close a cycle together. A category
//! also counts the list of its products among its changes, so that consumers hear of both in order.
//!
//! - [`list`], [`find`], [`find_by_slug`], [`parents`], [`path`]: reading
//! - [`listing`]: the products of a category, page by page
//! - [`editing`]: new ones, changes, archiving
//! - [`placing`]: parents, and the place among their children
//! - [`assigning`]: which products are in a category
//! - [`filing`]: many products into many categories at once
//! - [`paths`]: categories by the names on the way to them

pub mod assigning;
pub mod editing;
mod error;
pub mod filing;
pub mod listing;
mod lock;
pub mod paths;
pub mod placing;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use domain::{CategoryId, PageSize, ProductOrder, Slug};

pub use error::CategoryError;
pub(crate) use lock::{lock_tree, touch_many};

/// Most levels of the graph: a root is on the first one.
pub const MAX_DEPTH: usize = 20;
/// Most parents of one category.
pub const MAX_PARENTS: usize = 50;
/// Most assignments of one call of [`assigning::assign`].
pub const MAX_ASSIGNMENTS: usize = 1_000;
/// The greatest place that can be asked for, among siblings and among products.
pub const MAX_POSITION: i64 = 1_000_000_000;

/// What is announced on [`CHANGES_CHANNEL`](crate::editing::CHANGES_CHANNEL) when a category changed: any of them,
/// because what is shown of one depends on those above and below it.
pub const CHANGED: &str = "categories";

/// A category that is not archived.
#[derive(Clone, Debug, Queryable)]
pub struct Category {
    #[diesel(deserialize_as = i64)]
    pub id: CategoryId,
    #[diesel(deserialize_as = String)]
    pub slug: Slug,
    pub name: String,
    pub description: String,
    /// Address or path of an image; empty for none.
    pub image: String,
    #[diesel(deserialize_as = String)]
    pub product_order: ProductOrder,
    /// Its place among the roots; `None` for a category that has parents.
    pub root_position: Option<i64>,
    /// Counts the changes to this category, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// How many categories have it as a parent.
    pub child_count: i64,
    /// Its place in the list it was read in.
    pub position: i64,
}

/// A category as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct CategoryRef {
    #[diesel(deserialize_as = i64)]
    pub id: CategoryId,
    #[diesel(deserialize_as = String)]
    pub slug: Slug,
    pub name: String,
    /// The place of the category that refers to it, among its children.
    pub position: i64,
}

type CategoryRow = (
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Text,
    Nullable<BigInt>,
    BigInt,
    Timestamptz,
    Timestamptz,
    BigInt,
    BigInt,
);

type RefRow = (BigInt, Text, Text, BigInt);

/// The columns of [`Category`].
macro_rules! select_categories {
    ($position:literal, $rest:literal) => {
        concat!(
            "SELECT c.id, c.slug, c.name, c.description, c.image, c.product_order, c.root_position, c.version, \
                    c.created_at, c.updated_at, \
                    (SELECT count(*) FROM catalog.category_parents k WHERE k.parent_id = c.id), ",
            $position,
            " FROM catalog.categories c ",
            $rest
        )
    };
}

db::statement! {
    struct ListRoots { position: i64 => BigInt, id: i64 => BigInt, limit: i64 => BigInt } -> CategoryRow =
    select_categories!(
        "c.root_position",
        "WHERE c.archived_at IS NULL AND c.root_position IS NOT NULL AND (c.root_position, c.id) > ($1, $2) \
         ORDER BY c.root_position, c.id LIMIT $3"
    )
}

db::statement! {
    struct ListChildren {
        parent_id: i64 => BigInt,
        position: i64 => BigInt,
        id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> CategoryRow =
    select_categories!(
        "e.position",
        "JOIN catalog.category_parents e ON e.category_id = c.id \
         WHERE e.parent_id = $1 AND (e.position, e.category_id) > ($2, $3) AND c.archived_at IS NULL \
         ORDER BY e.position, e.category_id LIMIT $4"
    )
}

db::statement! {
    struct FindCategory { id: i64 => BigInt } -> CategoryRow =
    select_categories!("coalesce(c.root_position, 0)", "WHERE c.id = $1 AND c.archived_at IS NULL")
}

db::statement! {
    struct FindBySlug { slug: String => Text } -> CategoryRow =
    select_categories!("coalesce(c.root_position, 0)", "WHERE c.slug = $1 AND c.archived_at IS NULL")
}

db::statement! {
    struct ListParents { id: i64 => BigInt } -> RefRow =
    "SELECT p.id, p.slug, p.name, e.position FROM catalog.category_parents e \
       JOIN catalog.categories p ON p.id = e.parent_id \
      WHERE e.category_id = $1 ORDER BY e.rank, e.parent_id"
}

db::statement! {
    /// The bound is [`MAX_DEPTH`]; it holds even where somebody wrote a cycle past this crate.
    struct FindPath { id: i64 => BigInt } -> RefRow =
    "WITH RECURSIVE up (id, position, step) AS ( \
       SELECT $1::bigint, 0::bigint, 0 \
        UNION ALL \
       SELECT e.parent_id, e.position, up.step + 1 FROM up CROSS JOIN LATERAL ( \
              SELECT parent_id, position FROM catalog.category_parents \
               WHERE category_id = up.id ORDER BY rank, parent_id LIMIT 1) e WHERE up.step < 20 \
     ) SELECT c.id, c.slug, c.name, up.position FROM up JOIN catalog.categories c ON c.id = up.id \
        WHERE up.step > 0 ORDER BY up.step DESC"
}

/// Lists the roots, or the children of a category, by their place and then by id; one more than `size`
/// where there are more. `after` is the place and the id behind which the page begins.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    parent: Option<CategoryId>,
    (position, id): (i64, i64),
    size: PageSize,
) -> QueryResult<Vec<Category>> {
    let limit = size.get() + 1;
    match parent {
        None => ListRoots {
            position,
            id,
            limit,
        }
        .load(conn),
        Some(parent) => ListChildren {
            parent_id: parent.get(),
            position,
            id,
            limit,
        }
        .load(conn),
    }
}

/// Finds a category.
///
/// Returns `None` for an unknown id and for an archived category.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Option<Category>> {
    FindCategory { id: id.get() }.get_result(conn).optional()
}

/// Finds a category by the readable end of its web address.
///
/// # Errors
///
/// Those of the database.
pub fn find_by_slug(conn: &mut PgConnection, slug: &Slug) -> QueryResult<Option<Category>> {
    FindBySlug {
        slug: slug.to_string(),
    }
    .get_result(conn)
    .optional()
}

/// Lists the parents of a category, the one its path leads through first.
///
/// # Errors
///
/// Those of the database.
pub fn parents(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Vec<CategoryRef>> {
    ListParents { id: id.get() }.load(conn)
}

/// Lists the categories from the root to the category, which is not among them, through the first
/// parent of each: what a shop shows as a trail of links.
///
/// # Errors
///
/// Those of the database.
pub fn path(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Vec<CategoryRef>> {
    FindPath { id: id.get() }.load(conn)
}
