//! What a picture is called and what is said for those who do not see it; and its end.

use std::collections::BTreeMap;

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text};
use domain::{Event, Locale, MediaId, UserId};
use serde_json::Value;

use super::as_json;
use crate::custom_fields::files::is_archived;
use crate::translations::MAX_LOCALES;

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct MediaChanges {
    pub name: Option<String>,
    pub alt: Option<String>,
    /// Other texts for readers of other languages than the shop's own; `None` takes one away.
    pub alts: BTreeMap<Locale, Option<String>>,
}

/// Why a picture was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("there is no such picture")]
    NotFound,
    #[error("the picture has version {0} by now")]
    Stale(i64),
    #[error("a product has it, or a value of a custom field names it, and is not archived")]
    InUse,
    #[error("there are at most {MAX_LOCALES} languages")]
    TooManyLocales,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    struct LockMedia { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.media WHERE id = $1 AND state = 'kept' FOR UPDATE"
}

db::statement! {
    struct UpdateMedia {
        id: i64 => BigInt,
        name: Option<String> => Nullable<Text>,
        alt: Option<String> => Nullable<Text>,
        alts: Value => Jsonb,
    } -> (BigInt, BigInt) =
    "UPDATE catalog.media SET name = coalesce($2, name), alt = coalesce($3, alt), alts = jsonb_strip_nulls(alts || $4), \
            version = version + 1, updated_at = now() WHERE id = $1 RETURNING version, \
            (SELECT count(*) FROM jsonb_object_keys(alts))"
}

db::statement! {
    /// By anything that is not archived.
    struct IsUsed { id: i64 => BigInt } -> Bool =
    concat!(
        "SELECT EXISTS (SELECT FROM catalog.product_media m JOIN catalog.products p ON p.id = m.product_id \
                 WHERE m.media_id = $1 AND p.archived_at IS NULL) \
             OR EXISTS (SELECT FROM catalog.custom_files u WHERE u.media_id = $1 AND NOT ", is_archived!("u"), ")")
}

db::statement! {
    /// What archived products show, which nobody sees and nobody can change, is nothing to keep it for.
    struct TakeFromArchived { id: i64 => BigInt } -> BigInt =
    "WITH named AS (DELETE FROM catalog.custom_files WHERE media_id = $1), \
          shown AS (DELETE FROM catalog.product_media WHERE media_id = $1 RETURNING product_id) \
     UPDATE catalog.products p SET has_media = EXISTS (SELECT FROM catalog.product_media o WHERE o.product_id = p.id AND o.media_id <> $1) \
       FROM shown WHERE p.id = shown.product_id RETURNING p.id"
}

db::statement! {
    struct Drop { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.media SET state = 'dropped', version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

/// Changes a picture. Products keep what they say of it.
///
/// # Errors
///
/// [`MediaError::NotFound`], [`MediaError::Stale`] when `expected_version` is not the current one, and
/// [`MediaError::TooManyLocales`].
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
        alts: as_json(&changes.alts),
    };
    let (version, languages): (i64, i64) = update.get_result(conn)?;
    if languages > MAX_LOCALES {
        return Err(MediaError::TooManyLocales);
    }
    let event = Event::MediaUpdated { media_id: id };
    Ok(tell(conn, event, version, actor)?)
}

/// Forgets a picture that no product has and no value names, but for what is archived. A job removes its bytes.
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
    // Whoever gives it to a product, or names it, holds it meanwhile; so a look after this lock sees all who have it.
    lock(conn, id, expected_version)?;
    if (IsUsed { id: id.get() }).get_result::<bool>(conn)? {
        return Err(MediaError::InUse);
    }
    TakeFromArchived { id: id.get() }.execute(conn)?;
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
