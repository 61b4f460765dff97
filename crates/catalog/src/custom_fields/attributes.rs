//! The values of a thing, and what programs keep there freely.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::Fault;

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
}

impl Attributes {
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

db::statement! {
    struct ReadAll { resource: &'static str => Text, ids: Vec<i64> => Array<BigInt> } -> (BigInt, Jsonb, Jsonb, Jsonb, Jsonb) =
    "SELECT resource_id, public_values, private_values, metadata, private_metadata FROM catalog.custom_values \
      WHERE resource = $1 AND resource_id = ANY($2)"
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
    type Row = (i64, Value, Value, Value, Value);
    let read = ReadAll {
        resource: resource.code(),
        ids,
    };
    let rows: Vec<Row> = read.load(conn)?;
    let kept = |(id, public, private, metadata, private_metadata)| {
        let attributes = Attributes {
            public: object(public),
            private: object(private),
            metadata: object(metadata),
            private_metadata: object(private_metadata),
        };
        (id, attributes)
    };
    Ok(rows.into_iter().map(kept).collect())
}

fn object(stored: Value) -> Map<String, Value> {
    match stored {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
