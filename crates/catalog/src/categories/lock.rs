//! The locks of categories, and what is told afterwards.
//!
//! Whoever changes the graph locks it before any category. Everyone else locks one category alone, and
//! then products by id. So nobody waits in a circle.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use domain::{CategoryId, Event, UserId};

use super::{CHANGED, CategoryError};
use crate::editing::CHANGES_CHANNEL;

db::statement! {
    struct LockTree {} -> Bool = "SELECT is_there FROM catalog.category_tree FOR UPDATE"
}

db::statement! {
    /// Not the key: whoever puts another category below this one need not wait.
    struct LockCategory { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.categories WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE"
}

db::statement! {
    struct TouchCategory { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.categories SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

db::statement! {
    struct TouchCategories { ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.categories SET version = version + 1, updated_at = now() WHERE id = ANY($1) RETURNING id, version"
}

/// Keeps everybody else from changing edges until the transaction ends.
pub(crate) fn lock_tree(conn: &mut PgConnection) -> QueryResult<()> {
    LockTree {}.get_result::<bool>(conn).map(drop)
}

/// Keeps everybody else from changing the category until the transaction ends.
pub(super) fn lock_category(
    conn: &mut PgConnection,
    id: CategoryId,
    expected_version: Option<i64>,
) -> Result<(), CategoryError> {
    let locked = LockCategory { id: id.get() }
        .get_result::<i64>(conn)
        .optional()?;
    let version = locked.ok_or(CategoryError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(CategoryError::Stale(version));
    }
    Ok(())
}

/// Raises the version of a category, tells of the change and returns the version.
pub(super) fn touch(
    conn: &mut PgConnection,
    category: CategoryId,
    event: Event,
    actor: Option<UserId>,
) -> QueryResult<i64> {
    let version = TouchCategory { id: category.get() }.get_result(conn)?;
    announce(conn, vec![(event, version)], actor)?;
    Ok(version)
}

/// The same of several categories that are locked, with one event each.
pub(crate) fn touch_many(
    conn: &mut PgConnection,
    categories: impl Iterator<Item = CategoryId>,
    event: impl Fn(CategoryId) -> Event,
) -> QueryResult<()> {
    let ids = categories.map(CategoryId::get).collect();
    let mut touched: Vec<(i64, i64)> = TouchCategories { ids }.load(conn)?;
    touched.sort_unstable();
    let change = |(id, version)| Some((event(CategoryId::try_from(id).ok()?), version));
    announce(conn, touched.into_iter().filter_map(change).collect(), None)
}

/// Tells the outbox and the listeners of changes, each with the version its category has now.
pub(super) fn announce(
    conn: &mut PgConnection,
    changes: Vec<(Event, i64)>,
    actor: Option<UserId>,
) -> QueryResult<()> {
    let entries: Vec<Entry> = changes
        .into_iter()
        .map(|(event, version)| Entry::new(event, version, actor))
        .collect();
    outbox::write(conn, &entries)?;
    db::listen::notify(conn, CHANGES_CHANNEL, CHANGED)
}
