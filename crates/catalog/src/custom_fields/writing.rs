//! Writing what is kept of a thing, under a shared lock of the definitions of its resource.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::attributes::{AttributeChanges, AttributeError, Attributes, MAX_ALL_BYTES, find};
use super::files::{self, Named};
use super::metadata::check_metadata;
use super::values::{check, ids, references, size};
use super::{CustomField, Fault, all_of};

db::statement! {
    struct Write {
        resource: &'static str => Text,
        id: i64 => BigInt,
        public: Value => Jsonb,
        private: Value => Jsonb,
        metadata: Value => Jsonb,
        private_metadata: Value => Jsonb,
    } -> BigInt =
    "INSERT INTO catalog.custom_values (resource, resource_id, public_values, private_values, metadata, private_metadata) \
     VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (resource, resource_id) DO UPDATE SET public_values = $3, private_values = $4, metadata = $5, \
            private_metadata = $6 RETURNING resource_id"
}

db::statement! {
    /// Not in the statement that reads definitions: it would not see what was changed while it waited.
    struct Share { resource: &'static str => Text } -> Bool =
    "SELECT true FROM catalog.custom_resources WHERE resource = $1 FOR KEY SHARE"
}

db::statement! {
    struct FindMissing { resources: Vec<&'static str> => Array<Text>, ids: Vec<i64> => Array<BigInt> } -> (Text, BigInt) =
    "SELECT w.resource, w.id FROM unnest($1::text[], $2::bigint[]) AS w (resource, id) \
      WHERE NOT CASE w.resource \
            WHEN 'product' THEN EXISTS (SELECT FROM catalog.products WHERE id = w.id AND archived_at IS NULL) \
            WHEN 'variant' THEN EXISTS (SELECT FROM catalog.variants WHERE id = w.id AND archived_at IS NULL) \
            ELSE EXISTS (SELECT FROM catalog.categories WHERE id = w.id AND archived_at IS NULL) END"
}

db::statement! {
    struct ReplaceValues {
        ids: Vec<i64> => Array<BigInt>,
        public: Vec<Value> => Array<Jsonb>,
        private: Vec<Value> => Array<Jsonb>,
    } -> BigInt =
    "INSERT INTO catalog.custom_values (resource, resource_id, public_values, private_values) \
     SELECT 'product', * FROM unnest($1::bigint[], $2::jsonb[], $3::jsonb[]) \
         ON CONFLICT (resource, resource_id) DO UPDATE SET public_values = excluded.public_values, \
            private_values = excluded.private_values RETURNING resource_id"
}

/// Writes checked values of products that are locked, in place of all they have. `fields` is what [`share`] gave.
pub(crate) fn replace_values(
    conn: &mut PgConnection,
    fields: &[CustomField],
    values: Vec<(i64, Map<String, Value>)>,
) -> QueryResult<()> {
    if values.is_empty() {
        return Ok(());
    }
    let is_public = |key: &String| {
        fields
            .iter()
            .any(|field| field.key == *key && field.is_public)
    };
    let (mut ids, mut public, mut private) = (Vec::new(), Vec::new(), Vec::new());
    for (id, all) in values {
        let (shown, hidden): (Map<_, _>, Map<_, _>) =
            all.into_iter().partition(|(key, _)| is_public(key));
        ids.push(id);
        public.push(shown.into());
        private.push(hidden.into());
    }
    let replace = ReplaceValues {
        ids,
        public,
        private,
    };
    replace.execute(conn)?;
    Ok(())
}

/// The definitions of a resource, which nobody changes until the transaction ends.
pub(crate) fn share(
    conn: &mut PgConnection,
    resource: CustomResource,
) -> QueryResult<Vec<CustomField>> {
    let code = resource.code();
    Share { resource: code }.get_result::<bool>(conn)?;
    all_of(conn, resource)
}

/// Refuses to begin a thing without any value where a definition requires one; [`write`] sees to those that have some.
pub(crate) fn refuse_bare(
    conn: &mut PgConnection,
    resource: CustomResource,
    given: &AttributeChanges,
) -> Result<(), AttributeError> {
    if !given.values.is_empty() {
        return Ok(());
    }
    let fields = share(conn, resource)?;
    require(&fields, &Attributes::default())
}

/// Writes what is kept of a thing that is locked, or that nobody sees yet.
///
/// # Errors
///
/// [`AttributeError::Fault`] with the first value that is not what its definition says.
pub(crate) fn write(
    conn: &mut PgConnection,
    resource: CustomResource,
    id: i64,
    changes: AttributeChanges,
) -> Result<(), AttributeError> {
    if changes.is_empty() {
        return Ok(());
    }
    let fields = share(conn, resource)?;
    let mut kept = find(conn, resource, id)?;
    let named = set_values(conn, &fields, &mut kept, changes.values)?;
    merge(&mut kept.metadata, changes.metadata, "metadata")?;
    let private = changes.private_metadata;
    merge(&mut kept.private_metadata, private, "privateMetadata")?;
    Write {
        resource: resource.code(),
        id,
        public: kept.public.into(),
        private: kept.private.into(),
        metadata: kept.metadata.into(),
        private_metadata: kept.private_metadata.into(),
    }
    .execute(conn)?;
    Ok(files::note(conn, resource, id, named)?)
}

/// Returns what the values that were set name of files.
fn set_values(
    conn: &mut PgConnection,
    fields: &[CustomField],
    kept: &mut Attributes,
    changes: Map<String, Value>,
) -> Result<Named, AttributeError> {
    if changes.is_empty() {
        return Ok(Named::new());
    }
    let (mut referred, mut named) = (BTreeMap::new(), Named::new());
    for (key, value) in changes {
        let field = fields.iter().find(|field| field.key == key);
        let field = field.ok_or_else(|| fault(&key, None, "unknown", "there is no such field"))?;
        // Wherever it was until now: it may have become public, or private, a moment ago.
        kept.public.remove(&key);
        kept.private.remove(&key);
        if field.names_files() {
            named.insert(key.clone(), Vec::new());
        }
        if value.is_null() {
            continue;
        }
        let checked =
            check(field, &value).map_err(|(at, code, message)| fault(&key, at, code, message))?;
        for (target, id) in references(field, &checked) {
            referred.insert((target.code(), id), key.clone());
        }
        if let Some(named) = named.get_mut(&key) {
            named.extend(ids(&checked));
        }
        let half = if field.is_public {
            &mut kept.public
        } else {
            &mut kept.private
        };
        half.insert(key, checked);
    }
    require(fields, kept)?;
    let bytes = [&kept.public, &kept.private].map(|half| size(&Value::Object(half.clone())));
    if bytes.iter().sum::<usize>() > MAX_ALL_BYTES {
        let rule = format!("must have at most {MAX_ALL_BYTES} bytes together");
        return Err(AttributeError::Fault(Fault::new(
            "customFields",
            "too_large",
            rule,
        )));
    }
    refuse_missing(conn, &referred)?;
    files::hold(conn, &named)?;
    Ok(named)
}

/// Everything that is referred to is there.
fn refuse_missing(
    conn: &mut PgConnection,
    referred: &BTreeMap<(&'static str, i64), String>,
) -> Result<(), AttributeError> {
    if referred.is_empty() {
        return Ok(());
    }
    let missing: Option<(String, i64)> = FindMissing {
        resources: referred.keys().map(|(resource, _)| *resource).collect(),
        ids: referred.keys().map(|(_, id)| *id).collect(),
    }
    .get_results(conn)?
    .into_iter()
    .next();
    let Some((resource, id)) = missing else {
        return Ok(());
    };
    let key = referred
        .iter()
        .find(|((r, i), _)| *r == resource && *i == id);
    let key = key.map_or("", |(_, key)| key.as_str());
    Err(fault(
        key,
        None,
        "unknown",
        format!("there is no {resource} {id}"),
    ))
}

/// Every definition that requires a value has one.
fn require(fields: &[CustomField], kept: &Attributes) -> Result<(), AttributeError> {
    let lacks = |field: &&CustomField| {
        let has = kept.public.contains_key(&field.key) || kept.private.contains_key(&field.key);
        field.rules.required && !has
    };
    match fields.iter().find(lacks) {
        Some(field) => Err(fault(&field.key, None, "required", "is required")),
        None => Ok(()),
    }
}

fn merge(
    kept: &mut Map<String, Value>,
    changes: Map<String, Value>,
    name: &str,
) -> Result<(), AttributeError> {
    if changes.is_empty() {
        return Ok(());
    }
    for (member, value) in changes {
        if value.is_null() {
            kept.remove(&member);
        } else {
            kept.insert(member, value);
        }
    }
    check_metadata(kept)
        .map_err(|(code, message)| AttributeError::Fault(Fault::new(name, code, message)))
}

pub(crate) fn fault(
    key: &str,
    item: Option<usize>,
    code: &'static str,
    message: impl Into<String>,
) -> AttributeError {
    let item = item.map(|index| format!("[{index}]")).unwrap_or_default();
    let field = format!("customFields.{key}{item}");
    AttributeError::Fault(Fault::new(field, code, message))
}
