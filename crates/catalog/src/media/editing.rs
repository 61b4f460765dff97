//! What a picture is called and what is said for those who do not see it; and its end.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use domain::{Event, MediaId, UserId};

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct MediaChanges {
    pub name: Option<String>,
    pub alt: Option<String>,
}

/// Why a picture was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("there is no such picture")]
    NotFound,
    #[error("the picture has version {0} by now")]
    Stale(i64),
    #[error("a product has the picture")]
    InUse,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct LockMedia { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.media WHERE id = $1 AND state = 'kept' FOR UPDATE"
}

db::statement! {
    struct UpdateMedia { id: i64 => BigInt, name: Option<String> => Nullable<Text>, alt: Option<String> => Nullable<Text> }
        -> BigInt =
    "UPDATE catalog.media SET name = coalesce($2, name), alt = coalesce($3, alt), version = version + 1, updated_at = now() \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    struct IsUsed { id: i64 => BigInt } -> Bool =
    "SELECT EXISTS (SELECT FROM catalog.product_media WHERE media_id = $1)"
}

db::statement! {
    struct Drop { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.media SET state = 'dropped', version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

/// Changes a picture. Products keep what they say of it.
///
/// # Errors
///
/// [`MediaError::NotFound`], and [`MediaError::Stale`] when `expected_version` is not the current one.
pub fn update(
    conn: &mut PgConnection,
    id: MediaId,
    changes: MediaChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), MediaError> {
    lock(conn, id, expected_version)?;
    let update = UpdateMedia {
        id: id.get(),
        name: changes.name,
        alt: changes.alt,
    };
    let version = update.get_result(conn)?;
    let event = Event::MediaUpdated { media_id: id };
    Ok(tell(conn, event, version, actor)?)
}

/// Forgets a picture that no product has. A job removes its bytes.
///
/// # Errors
///
/// [`MediaError::NotFound`], [`MediaError::Stale`] and [`MediaError::InUse`].
pub fn delete(
    conn: &mut PgConnection,
    id: MediaId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), MediaError> {
    // Whoever gives it to a product holds it meanwhile; so a look after this lock sees all who have it.
    lock(conn, id, expected_version)?;
    if (IsUsed { id: id.get() }).get_result::<bool>(conn)? {
        return Err(MediaError::InUse);
    }
    let version = Drop { id: id.get() }.get_result(conn)?;
    let event = Event::MediaDeleted { media_id: id };
    Ok(tell(conn, event, version, actor)?)
}

fn lock(
    conn: &mut PgConnection,
    id: MediaId,
    expected_version: Option<i64>,
) -> Result<(), MediaError> {
    let version: Option<i64> = LockMedia { id: id.get() }.get_result(conn).optional()?;
    let version = version.ok_or(MediaError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(MediaError::Stale(version));
    }
    Ok(())
}

pub(super) fn tell(
    conn: &mut PgConnection,
    event: Event,
    version: i64,
    actor: Option<UserId>,
) -> QueryResult<()> {
    outbox::write(conn, &[Entry::new(event, version, actor)])
}
