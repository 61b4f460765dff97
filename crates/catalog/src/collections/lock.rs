//! The lock of a collection, which is taken before any product, and what is told afterwards.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{CollectionId, Event, UserId};

use super::CollectionError;
use crate::categories::CHANGED;
use crate::editing::CHANGES_CHANNEL;

db::statement! {
    struct LockCollection { id: i64 => BigInt } -> (BigInt, Bool) =
    "SELECT version, rules IS NOT NULL FROM catalog.collections WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE"
}

db::statement! {
    struct TouchCollection { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.collections SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

/// Keeps everybody else from changing the collection until the transaction ends, and tells whether it has rules.
pub(super) fn lock(
    conn: &mut PgConnection,
    id: CollectionId,
    expected_version: Option<i64>,
) -> Result<bool, CollectionError> {
    let locked = LockCollection { id: id.get() }
        .get_result::<(i64, bool)>(conn)
        .optional()?;
    let (version, has_rules) = locked.ok_or(CollectionError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(CollectionError::Stale(version));
    }
    Ok(has_rules)
}

/// Raises the version of a collection and tells of the change.
pub(super) fn touch(
    conn: &mut PgConnection,
    id: CollectionId,
    actor: Option<UserId>,
) -> QueryResult<()> {
    let version = TouchCollection { id: id.get() }.get_result(conn)?;
    announce(conn, id, version, actor)
}

/// Tells the outbox, and listeners as if a category had changed: whoever keeps those forgets these with them.
pub(super) fn announce(
    conn: &mut PgConnection,
    collection_id: CollectionId,
    version: i64,
    actor: Option<UserId>,
) -> QueryResult<()> {
    let event = Event::CollectionChanged { collection_id };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    db::listen::notify(conn, CHANGES_CHANNEL, CHANGED)
}
