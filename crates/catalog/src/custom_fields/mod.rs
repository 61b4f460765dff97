//! Custom fields: what a shop keeps of its products, variants and categories beside what every shop does.
//!
//! A definition says what the values of a field are. Values are checked when they are written, so whoever reads them
//! does not look at definitions, however many there are. Whoever writes values shares the row of their resource and
//! whoever changes definitions has it alone, so that no value is checked by what does not hold any more.
//!
//! - [`list`] and [`find`]: definitions
//! - [`defining`]: making, changing and removing them
//! - [`rules`]: what a definition can ask of values; [`values`]: whether a value is that
//! - [`attributes`]: the values of a thing, and what programs keep there freely; [`metadata`]: how much
//! - [`files`]: those that values name
//! - [`applying`]: what follows a change of a definition, step by step

pub mod applying;
pub mod attributes;
mod conflicts;
pub mod defining;
pub mod files;
pub mod metadata;
mod pattern;
pub mod rules;
pub mod values;
pub(crate) mod writing;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use domain::{CustomFieldId, CustomResource, CustomType, PageSize};

pub use pattern::Pattern;
pub use rules::Rules;

/// Most definitions of one resource.
pub const MAX_FIELDS: i64 = 200;

/// What is wrong with a value, a rule or a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands: `customFields.material`.
    pub field: String,
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
        }
    }
}

/// What the values of a field are.
#[derive(Clone, Debug, Queryable)]
pub struct CustomField {
    #[diesel(deserialize_as = i64)]
    pub id: CustomFieldId,
    #[diesel(deserialize_as = String)]
    pub resource: CustomResource,
    /// Names it among those of the resource.
    pub key: String,
    /// For people; empty where the key says it all.
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub of: CustomType,
    #[diesel(deserialize_as = serde_json::Value)]
    pub rules: Rules,
    /// Whether customers see its values.
    pub is_public: bool,
    /// Whether products are found by its values.
    pub is_filterable: bool,
    /// Whether its values can be said in other languages.
    pub is_translatable: bool,
    /// Counts the changes to this definition, from 1.
    pub version: i64,
    applied_version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl CustomField {
    /// Whether all values are kept as it says; if not, a job is about to see to it.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        self.applied_version >= self.version
    }

    /// Whether its values are ids of files.
    #[must_use]
    pub fn names_files(&self) -> bool {
        self.rules.scalar(self.of) == CustomType::File
    }
}

type FieldRow = (
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Jsonb,
    Bool,
    Bool,
    Bool,
    BigInt,
    BigInt,
    Timestamptz,
    Timestamptz,
);

/// The columns of [`CustomField`].
macro_rules! select_fields {
    ($rest:literal) => {
        concat!(
            "SELECT f.id, f.resource, f.key, f.name, f.type, f.rules, f.is_public, f.is_filterable, f.is_translatable, f.version, \
                    f.applied_version, f.created_at, f.updated_at FROM catalog.custom_fields f \
              WHERE f.removed_at IS NULL ",
            $rest
        )
    };
}

/// The keys of fields whose values customers are not to see any more, though a job is yet to take them from there.
macro_rules! select_hidden {
    ($resource:literal) => {
        concat!(
            "ARRAY(SELECT f.key FROM catalog.custom_fields f WHERE f.resource = ",
            $resource,
            " AND f.applied_version < f.version AND (NOT f.is_public OR f.removed_at IS NOT NULL))"
        )
    };
}
pub(crate) use select_hidden;

db::statement! {
    struct ListFields { resource: Option<&'static str> => Nullable<Text>, after: i64 => BigInt, limit: i64 => BigInt } -> FieldRow =
    select_fields!("AND ($1 IS NULL OR f.resource = $1) AND f.id > $2 ORDER BY f.id LIMIT $3")
}

db::statement! {
    struct FindField { id: i64 => BigInt } -> FieldRow = select_fields!("AND f.id = $1")
}

db::statement! {
    struct ListOfResource { resource: &'static str => Text } -> FieldRow =
    select_fields!("AND f.resource = $1 ORDER BY f.id")
}

db::statement! {
    struct ListFilters { keys: Vec<String> => Array<Text> } -> FieldRow =
    select_fields!("AND f.is_filterable AND f.key = ANY($1)")
}

/// Finds those of the fields with these keys that products are found by, their own and those of their variants. No two of them
/// have one key.
///
/// # Errors
///
/// Those of the database.
pub fn filters(conn: &mut PgConnection, keys: Vec<String>) -> QueryResult<Vec<CustomField>> {
    ListFilters { keys }.load(conn)
}

/// Lists definitions of a resource, or of all, by id; one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    resource: Option<CustomResource>,
    after: i64,
    size: PageSize,
) -> QueryResult<Vec<CustomField>> {
    ListFields {
        resource: resource.map(CustomResource::code),
        after,
        limit: size.get() + 1,
    }
    .load(conn)
}

/// Finds a definition. `None` also for one that is being removed.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: CustomFieldId) -> QueryResult<Option<CustomField>> {
    FindField { id: id.get() }.get_result(conn).optional()
}

/// All definitions of a resource, of which there are at most [`MAX_FIELDS`].
///
/// # Errors
///
/// Those of the database.
pub fn all_of(conn: &mut PgConnection, resource: CustomResource) -> QueryResult<Vec<CustomField>> {
    ListOfResource {
        resource: resource.code(),
    }
    .load(conn)
}
