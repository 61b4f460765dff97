//! The values of a thing, and what programs keep there freely.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::files::{self, File, select_files};
use super::{Fault, select_hidden};

/// Most bytes of all values of a thing together.
pub const MAX_ALL_BYTES: usize = 131_072;

/// What is kept of a thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// By their keys: what customers see.
    pub public: Map<String, Value>,
    /// By their keys: what only staff sees.
    pub private: Map<String, Value>,
    pub metadata: Map<String, Value>,
    pub private_metadata: Map<String, Value>,
    /// Those that values name, public ones or not.
    pub files: Vec<File>,
}

impl Attributes {
    /// Those that values name which customers see.
    pub fn public_files(&self) -> impl Iterator<Item = &File> {
        let is_public = |file: &&File| self.public.contains_key(&file.key);
        self.files.iter().filter(is_public)
    }

    /// All values, by their keys.
    #[must_use]
    pub fn all_values(&self) -> Map<String, Value> {
        let all = self.public.iter().chain(&self.private);
        all.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// What is to be different: each member is set, and null takes it away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeChanges {
    pub values: Map<String, Value>,
    pub metadata: Map<String, Value>,
    pub private_metadata: Map<String, Value>,
}

impl AttributeChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.metadata.is_empty() && self.private_metadata.is_empty()
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AttributeError {
    #[error("{}: {}", .0.field, .0.message)]
    Fault(Fault),
    #[error(transparent)]
    Db(#[from] DieselError),
}

type Row = (
    BigInt,
    Jsonb,
    Jsonb,
    Jsonb,
    Jsonb,
    Array<Text>,
    Nullable<Jsonb>,
);

db::statement! {
    struct ReadAll { resource: &'static str => Text, ids: Vec<i64> => Array<BigInt> } -> Row =
    concat!(
        "SELECT v.resource_id, v.public_values, v.private_values, v.metadata, v.private_metadata, ",
        select_hidden!("$1"), ", ", select_files!("v.resource", "v.resource_id"),
        " FROM catalog.custom_values v WHERE v.resource = $1 AND v.resource_id = ANY($2)"
    )
}

/// What is kept of a thing; nothing where it has nothing.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, resource: CustomResource, id: i64) -> QueryResult<Attributes> {
    let mut found = find_all(conn, resource, vec![id])?;
    Ok(found.remove(&id).unwrap_or_default())
}

/// What is kept of things, by their ids.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
    conn: &mut PgConnection,
    resource: CustomResource,
    ids: Vec<i64>,
) -> QueryResult<HashMap<i64, Attributes>> {
    type Columns = (i64, Value, Value, Value, Value, Vec<String>, Option<Value>);
    let read = ReadAll {
        resource: resource.code(),
        ids,
    };
    let rows: Vec<Columns> = read.load(conn)?;
    let kept = |(id, public, private, metadata, private_metadata, hidden, files): Columns| {
        let (mut public, mut private) = (object(public), object(private));
        // A job is about to move these, or to take them away.
        let moved = hidden.iter().filter_map(|key| public.remove_entry(key));
        private.extend(moved);
        let attributes = Attributes {
            public,
            private,
            metadata: object(metadata),
            private_metadata: object(private_metadata),
            files: files::read(files),
        };
        (id, attributes)
    };
    Ok(rows.into_iter().map(kept).collect())
}

pub(crate) fn object(stored: Value) -> Map<String, Value> {
    match stored {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
