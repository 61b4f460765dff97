//! Places where stock is kept: which of them orders take from, and in which order.
//!
//! Orders read locations without a lock. One that is being placed while a location is deactivated may
//! still take from it.

use chrono::{DateTime, Utc};
use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{Event, LocationId, PageSize, Slug, UserId};

/// Most locations of a shop: all of those where a variant is are read at once.
pub const MAX_LOCATIONS: i64 = 1_000;
/// The greatest priority that can be asked for.
pub const MAX_PRIORITY: i64 = 1_000_000_000;

/// A place where stock is kept.
#[derive(Clone, Debug, Queryable)]
pub struct Location {
    #[diesel(deserialize_as = i64)]
    pub id: LocationId,
    #[diesel(deserialize_as = String)]
    pub code: Slug,
    pub name: String,
    /// Orders take from the least first, and of two alike from the one with the lower id.
    pub priority: i64,
    /// Since when orders take nothing from it.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// Counts the changes, from 1; of the main location from 0.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A location to be made.
#[derive(Clone, Debug)]
pub struct NewLocation {
    pub code: Slug,
    /// 1 to 200 characters.
    pub name: String,
    /// 0 to [`MAX_PRIORITY`].
    pub priority: i64,
    pub is_active: bool,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct LocationChanges {
    pub code: Option<Slug>,
    pub name: Option<String>,
    pub priority: Option<i64>,
    pub is_active: Option<bool>,
}

/// Why a location was not written. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    #[error("there is no such location")]
    NotFound,
    #[error("the location has version {0} by now")]
    Stale(i64),
    #[error("another location has this code")]
    CodeTaken,
    #[error("a shop has at most {MAX_LOCATIONS} locations")]
    TooMany,
    /// What is written without a location is written there.
    #[error("the main location stays")]
    Main,
    #[error("stock is or was at the location")]
    InUse,
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for LocationError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(UniqueViolation, info)
                if info.constraint_name() == Some("locations_code_key") =>
            {
                Self::CodeTaken
            }
            DieselError::DatabaseError(ForeignKeyViolation, _) => Self::InUse,
            other => Self::Db(other),
        }
    }
}

type Columns = (
    BigInt,
    Text,
    Text,
    BigInt,
    Nullable<Timestamptz>,
    BigInt,
    Timestamptz,
    Timestamptz,
);

macro_rules! select_locations {
    ($rest:literal) => {
        concat!(
            "SELECT id, code, name, priority, deactivated_at, version, created_at, updated_at FROM catalog.locations ",
            $rest
        )
    };
}

db::statement! {
    struct ListLocations { after: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_locations!("WHERE id > $1 ORDER BY id LIMIT $2")
}

db::statement! {
    struct FindLocation { id: i64 => BigInt } -> Columns = select_locations!("WHERE id = $1")
}

db::statement! {
    /// Not the key: whoever makes a level there need not wait.
    struct LockLocation { id: i64 => BigInt } -> (BigInt, Bool) =
    "SELECT version, deactivated_at IS NULL FROM catalog.locations WHERE id = $1 FOR NO KEY UPDATE"
}

db::statement! {
    struct InsertLocation { code: String => Text, name: String => Text, priority: i64 => BigInt, is_active: bool => Bool }
        -> BigInt =
    "INSERT INTO catalog.locations (code, name, priority, deactivated_at, version) \
     SELECT $1, $2, $3, CASE WHEN NOT $4 THEN now() END, 1 \
      WHERE (SELECT count(*) FROM catalog.locations) < 1000 RETURNING id"
}

db::statement! {
    struct UpdateLocation {
        id: i64 => BigInt,
        code: Option<String> => Nullable<Text>,
        name: Option<String> => Nullable<Text>,
        priority: Option<i64> => Nullable<BigInt>,
        is_active: Option<bool> => Nullable<Bool>,
    } -> BigInt =
    "UPDATE catalog.locations SET code = coalesce($2, code), name = coalesce($3, name), priority = coalesce($4, priority), \
            deactivated_at = CASE WHEN $5 IS NULL THEN deactivated_at WHEN NOT $5 THEN coalesce(deactivated_at, now()) END, \
            version = version + 1, updated_at = now() \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    struct DeleteLocation { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.locations WHERE id = $1 RETURNING version + 1"
}

/// Lists locations after an id; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, after: i64, size: PageSize) -> QueryResult<Vec<Location>> {
    let limit = size.get() + 1;
    ListLocations { after, limit }.load(conn)
}

/// Finds a location.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: LocationId) -> QueryResult<Option<Location>> {
    FindLocation { id: id.get() }.get_result(conn).optional()
}

/// Makes a location and returns its id.
///
/// # Errors
///
/// [`LocationError::CodeTaken`], [`LocationError::TooMany`].
pub fn create(
    conn: &mut PgConnection,
    new: NewLocation,
    actor: Option<UserId>,
) -> Result<LocationId, LocationError> {
    let insert = InsertLocation {
        code: new.code.to_string(),
        name: new.name,
        priority: new.priority,
        is_active: new.is_active,
    };
    let id: Option<i64> = insert.get_result(conn).optional()?;
    let id = LocationId::try_from(id.ok_or(LocationError::TooMany)?)
        .map_err(|error| DieselError::DeserializationError(error.into()))?;
    tell(conn, Event::LocationCreated { location_id: id }, 1, actor)?;
    Ok(id)
}

/// Changes a location.
///
/// # Errors
///
/// [`LocationError::NotFound`], [`LocationError::Stale`] when `expected_version` is not the current one,
/// [`LocationError::CodeTaken`], and [`LocationError::Main`] for one that cannot be deactivated.
pub fn update(
    conn: &mut PgConnection,
    id: LocationId,
    changes: LocationChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), LocationError> {
    let was_active = lock(conn, id, expected_version)?;
    if id == LocationId::MAIN && changes.is_active == Some(false) {
        return Err(LocationError::Main);
    }
    let version = UpdateLocation {
        id: id.get(),
        code: changes.code.map(String::from),
        name: changes.name,
        priority: changes.priority,
        is_active: changes.is_active,
    }
    .get_result(conn)?;
    let event = Event::LocationUpdated {
        location_id: id,
        is_active: changes
            .is_active
            .filter(|is_active| *is_active != was_active),
    };
    Ok(tell(conn, event, version, actor)?)
}

/// Deletes a location at which nothing ever was.
///
/// # Errors
///
/// [`LocationError::NotFound`], [`LocationError::Stale`], [`LocationError::Main`], and [`LocationError::InUse`] where
/// a variant has or had stock there: deactivate it instead.
pub fn delete(
    conn: &mut PgConnection,
    id: LocationId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), LocationError> {
    lock(conn, id, expected_version)?;
    if id == LocationId::MAIN {
        return Err(LocationError::Main);
    }
    let version = DeleteLocation { id: id.get() }.get_result(conn)?;
    let event = Event::LocationDeleted { location_id: id };
    Ok(tell(conn, event, version, actor)?)
}

/// Locks it, and tells whether it is active.
fn lock(
    conn: &mut PgConnection,
    id: LocationId,
    expected_version: Option<i64>,
) -> Result<bool, LocationError> {
    let found: Option<(i64, bool)> = LockLocation { id: id.get() }.get_result(conn).optional()?;
    let (version, is_active) = found.ok_or(LocationError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(LocationError::Stale(version));
    }
    Ok(is_active)
}

fn tell(
    conn: &mut PgConnection,
    event: Event,
    version: i64,
    actor: Option<UserId>,
) -> QueryResult<()> {
    outbox::write(conn, &[Entry::new(event, version, actor)])
}
