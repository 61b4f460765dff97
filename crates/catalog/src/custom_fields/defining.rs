//! Making, changing and removing definitions.
//!
//! A definition never contradicts a value: whoever would change it so is told how many values are in the way. What has to
//! follow it otherwise (who may see a value, what is found by it, and that it goes) a job does, step by step. All values are looked
//! at while others go on writing; only those that were written meanwhile are looked at again while nobody does.

use db::jobs::{self, NewJob};
use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Bool, Jsonb, Text};
use domain::{CustomFieldId, CustomResource, CustomType as T, Event, JobId, UserId};
use serde_json::{Value, json};

use super::conflicts::{
    ALL, check_rules, check_translatable, look, refuse_conflicts, refuse_lacking,
};
use super::{CustomField, Fault, MAX_FIELDS, Rules, find};

/// The kind of the job that sees to it that values follow their definition; never to be changed.
pub const JOB: &str = "applyCustomField";

/// A definition to be made.
#[derive(Clone, Debug)]
pub struct NewField {
    pub resource: CustomResource,
    pub key: String,
    /// At most 300 characters.
    pub name: String,
    pub of: T,
    pub rules: Rules,
    pub is_public: bool,
    pub is_filterable: bool,
    pub is_translatable: bool,
}

/// What is to be different; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct FieldChanges {
    pub name: Option<String>,
    pub of: Option<T>,
    pub rules: Option<Rules>,
    pub is_public: Option<bool>,
    pub is_filterable: Option<bool>,
    pub is_translatable: Option<bool>,
}

/// Why a definition was not written.
#[derive(Debug, thiserror::Error)]
pub enum DefineError {
    #[error("no such definition")]
    NotFound,
    #[error("the definition has version {0} by now")]
    Stale(i64),
    #[error("the key is taken")]
    KeyTaken,
    #[error("a resource has at most {MAX_FIELDS} custom fields")]
    TooMany,
    #[error("{0} are not what the definition would say")]
    Conflicts(i64),
    #[error("{0} have no value that the definition would require")]
    Lacking(i64),
    #[error("{}: {}", .0.field, .0.message)]
    Fault(Fault),
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for DefineError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("custom_fields_resource_key") =>
            {
                Self::KeyTaken
            }
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("custom_fields_filter_key") =>
            {
                let rule = "another filter has this key, of products or of variants";
                Self::Fault(Fault::new("filterable", "taken", rule))
            }
            _ => Self::Db(error),
        }
    }
}

db::statement! {
    struct LockResource { resource: &'static str => Text } -> Bool =
    "SELECT true FROM catalog.custom_resources WHERE resource = $1 FOR UPDATE"
}

db::statement! {
    struct CountFields { resource: &'static str => Text } -> BigInt =
    "SELECT count(*) FROM catalog.custom_fields WHERE resource = $1"
}

db::statement! {
    struct InsertField {
        resource: &'static str => Text,
        key: String => Text,
        name: String => Text,
        of: &'static str => Text,
        rules: Value => Jsonb,
        is_public: bool => Bool,
        is_filterable: bool => Bool,
        is_translatable: bool => Bool,
    } -> BigInt =
    "INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable, is_translatable) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id"
}

db::statement! {
    struct UpdateField {
        id: i64 => BigInt,
        name: String => Text,
        of: &'static str => Text,
        rules: Value => Jsonb,
        is_public: bool => Bool,
        is_filterable: bool => Bool,
        is_translatable: bool => Bool,
        is_applied: bool => Bool,
    } -> BigInt =
    "UPDATE catalog.custom_fields SET name = $2, type = $3, rules = $4, is_public = $5, is_filterable = $6, is_translatable = $7, \
            version = version + 1, applied_version = CASE WHEN $8 THEN version + 1 ELSE applied_version END, updated_at = now() \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    struct RemoveField { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.custom_fields SET removed_at = now(), version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
}

/// Makes a definition and returns its id. Values may be written at once.
///
/// # Errors
///
/// [`DefineError`].
pub fn create(
    conn: &mut PgConnection,
    mut new: NewField,
    actor: Option<UserId>,
) -> Result<CustomFieldId, DefineError> {
    let resource = new.resource.code();
    if new.is_filterable {
        new.rules.bound_filter(new.of);
    }
    check_rules(
        new.resource,
        new.of,
        &new.rules,
        new.is_public,
        new.is_filterable,
    )?;
    check_translatable(new.resource, new.of, &new.rules, new.is_translatable)?;
    LockResource { resource }.get_result::<bool>(conn)?;
    let existing: i64 = CountFields { resource }.get_result(conn)?;
    if existing >= MAX_FIELDS {
        return Err(DefineError::TooMany);
    }
    let id: i64 = InsertField {
        resource,
        key: new.key.clone(),
        name: new.name,
        of: new.of.code(),
        rules: new.rules.to_json(),
        is_public: new.is_public,
        is_filterable: new.is_filterable,
        is_translatable: new.is_translatable,
    }
    .get_result(conn)?;
    if new.rules.required {
        refuse_lacking(conn, new.resource, new.key)?;
    }
    let id = CustomFieldId::try_from(id)
        .map_err(|error| DieselError::DeserializationError(error.into()))?;
    tell(conn, id, 1, actor)?;
    Ok(id)
}

/// Changes a definition, and returns the job that sees to it that values follow, where any have to.
///
/// # Errors
///
/// [`DefineError`].
pub fn update(
    conn: &mut PgConnection,
    id: CustomFieldId,
    changes: &FieldChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Option<JobId>, DefineError> {
    let before = find(conn, id)?.ok_or(DefineError::NotFound)?;
    refuse_stale(&before, expected_version)?;
    let since = look(conn, &before, &changed(&before, changes)?)?;
    let old = lock(conn, id, expected_version)?;
    let new = changed(&old, changes)?;
    // Somebody else may have let in meanwhile what was in nobody's way before.
    let is_as_before = old.version == before.version;
    refuse_conflicts(conn, &old, &new, if is_as_before { &since } else { ALL })?;
    if new.rules.required && !old.rules.required {
        refuse_lacking(conn, new.resource, new.key.clone())?;
    }
    let moves = (new.is_public, new.is_filterable) != (old.is_public, old.is_filterable);
    let version = UpdateField {
        id: id.get(),
        name: new.name,
        of: new.of.code(),
        rules: new.rules.to_json(),
        is_public: new.is_public,
        is_filterable: new.is_filterable,
        is_translatable: new.is_translatable,
        // What an earlier change has left to do is still to be done.
        is_applied: !moves && old.is_applied(),
    }
    .get_result(conn)?;
    tell(conn, id, version, actor)?;
    let is_to_follow = moves || !old.is_applied();
    Ok(if is_to_follow {
        enqueue(conn, id)?
    } else {
        None
    })
}

/// What a definition is to be.
fn changed(old: &CustomField, changes: &FieldChanges) -> Result<CustomField, DefineError> {
    let mut new = old.clone();
    new.name = changes.name.clone().unwrap_or(new.name);
    new.of = changes.of.unwrap_or(new.of);
    new.rules = changes.rules.clone().unwrap_or(new.rules);
    new.is_public = changes.is_public.unwrap_or(new.is_public);
    new.is_filterable = changes.is_filterable.unwrap_or(new.is_filterable);
    new.is_translatable = changes.is_translatable.unwrap_or(new.is_translatable);
    if new.is_filterable {
        new.rules.bound_filter(new.of);
    }
    check_rules(
        new.resource,
        new.of,
        &new.rules,
        new.is_public,
        new.is_filterable,
    )?;
    check_translatable(new.resource, new.of, &new.rules, new.is_translatable)?;
    Ok(new)
}

/// Removes a definition: no value is taken any more, and a job takes away those there are. Until it is done, the key stays
/// taken. Returns the job.
///
/// # Errors
///
/// [`DefineError::NotFound`] and [`DefineError::Stale`].
pub fn remove(
    conn: &mut PgConnection,
    id: CustomFieldId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Option<JobId>, DefineError> {
    lock(conn, id, expected_version)?;
    let version = RemoveField { id: id.get() }.get_result(conn)?;
    tell(conn, id, version, actor)?;
    Ok(enqueue(conn, id)?)
}

/// Keeps everybody else from writing values of the resource until the transaction ends.
fn lock(
    conn: &mut PgConnection,
    id: CustomFieldId,
    expected_version: Option<i64>,
) -> Result<CustomField, DefineError> {
    let resource = find(conn, id)?.ok_or(DefineError::NotFound)?.resource;
    let resource = resource.code();
    LockResource { resource }.get_result::<bool>(conn)?;
    let field = find(conn, id)?.ok_or(DefineError::NotFound)?;
    refuse_stale(&field, expected_version)?;
    Ok(field)
}

fn refuse_stale(field: &CustomField, expected_version: Option<i64>) -> Result<(), DefineError> {
    if expected_version.is_some_and(|expected| expected != field.version) {
        return Err(DefineError::Stale(field.version));
    }
    Ok(())
}

/// Without a key: each change has to be followed.
pub(crate) fn enqueue(conn: &mut PgConnection, id: CustomFieldId) -> QueryResult<Option<JobId>> {
    let job = NewJob {
        payload: json!({"customFieldId": id.get()}),
        ..NewJob::new(jobs::DEFAULT, JOB)
    };
    jobs::enqueue(conn, job)
}

fn tell(
    conn: &mut PgConnection,
    id: CustomFieldId,
    version: i64,
    actor: Option<UserId>,
) -> QueryResult<()> {
    let event = Event::CustomFieldChanged {
        custom_field_id: id,
    };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    Ok(())
}
