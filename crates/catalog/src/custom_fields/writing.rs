//! Writing what is kept of a thing, under a shared lock of the definitions of its resource.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::attributes::{AttributeChanges, AttributeError, Attributes, MAX_ALL_BYTES, find_all};
use super::files::{self, Named};
use super::metadata::check_metadata;
use super::values::{check, ids, references, size};
use super::{CustomField, Fault, all_of};

db::statement! {
    struct Write {
        resource: &'static str => Text,
        ids: Vec<i64> => Array<BigInt>,
        public: Vec<Value> => Array<Jsonb>,
        private: Vec<Value> => Array<Jsonb>,
        metadata: Vec<Value> => Array<Jsonb>,
        private_metadata: Vec<Value> => Array<Jsonb>,
    } -> BigInt =
    "INSERT INTO catalog.custom_values (resource, resource_id, public_values, private_values, metadata, private_metadata) \
     SELECT $1, * FROM unnest($2::bigint[], $3::jsonb[], $4::jsonb[], $5::jsonb[], $6::jsonb[]) \
         ON CONFLICT (resource, resource_id) DO UPDATE SET public_values = excluded.public_values, \
            private_values = excluded.private_values, metadata = excluded.metadata, \
            private_metadata = excluded.private_metadata RETURNING resource_id"
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
    write_all(conn, resource, vec![(id, changes)]).map_err(|(_, error)| error)
}

/// What is wrong, after the place of the thing whose fault it is.
pub(super) type WrongThing = (usize, AttributeError);

/// Writes what is kept of things, in as many statements as for one of them.
///
/// # Errors
///
/// As those of [`write`].
pub(crate) fn write_all(
    conn: &mut PgConnection,
    resource: CustomResource,
    things: Vec<(i64, AttributeChanges)>,
) -> Result<(), WrongThing> {
    let of_none = |error: DieselError| (0, error.into());
    if things.iter().all(|(_, changes)| changes.is_empty()) {
        return Ok(());
    }
    let fields = share(conn, resource).map_err(of_none)?;
    let ids = things.iter().map(|(id, _)| *id).collect();
    let mut found = find_all(conn, resource, ids).map_err(of_none)?;
    let (mut write, mut named) = (Write::of(resource), Vec::new());
    let mut referred = Referred::new();
    for (place, (id, changes)) in things.into_iter().enumerate() {
        if changes.is_empty() {
            named.push((id, Named::new()));
            continue;
        }
        let mut kept = found.remove(&id).unwrap_or_default();
        let refers = |to, key| {
            referred.entry(to).or_insert((place, key));
        };
        let names = set(&fields, &mut kept, changes, refers).map_err(|error| (place, error))?;
        named.push((id, names));
        write.push(id, kept);
    }
    refuse_missing(conn, &referred)?;
    files::hold(conn, &named)?;
    write.execute(conn).map_err(of_none)?;
    files::note(conn, resource, named).map_err(of_none)
}

impl Write {
    fn of(resource: CustomResource) -> Self {
        Self {
            resource: resource.code(),
            ids: Vec::new(),
            public: Vec::new(),
            private: Vec::new(),
            metadata: Vec::new(),
            private_metadata: Vec::new(),
        }
    }

    fn push(&mut self, id: i64, kept: Attributes) {
        self.ids.push(id);
        self.public.push(kept.public.into());
        self.private.push(kept.private.into());
        self.metadata.push(kept.metadata.into());
        self.private_metadata.push(kept.private_metadata.into());
    }
}

/// What values refer to, and the place and the key of the first that does.
type Referred = BTreeMap<(&'static str, i64), (usize, String)>;

/// Returns what the values that were set name of files.
fn set(
    fields: &[CustomField],
    kept: &mut Attributes,
    changes: AttributeChanges,
    refers: impl FnMut((&'static str, i64), String),
) -> Result<Named, AttributeError> {
    let named = set_values(fields, kept, changes.values, refers)?;
    merge(&mut kept.metadata, changes.metadata, "metadata")?;
    let private = changes.private_metadata;
    merge(&mut kept.private_metadata, private, "privateMetadata")?;
    Ok(named)
}

fn set_values(
    fields: &[CustomField],
    kept: &mut Attributes,
    changes: Map<String, Value>,
    mut refers: impl FnMut((&'static str, i64), String),
) -> Result<Named, AttributeError> {
    let mut named = Named::new();
    if changes.is_empty() {
        return Ok(named);
    }
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
            refers((target.code(), id), key.clone());
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
    Ok(named)
}

/// Everything that is referred to is there.
fn refuse_missing(conn: &mut PgConnection, referred: &Referred) -> Result<(), WrongThing> {
    if referred.is_empty() {
        return Ok(());
    }
    let find = FindMissing {
        resources: referred.keys().map(|(resource, _)| *resource).collect(),
        ids: referred.keys().map(|(_, id)| *id).collect(),
    };
    let missing: Vec<(String, i64)> = find.load(conn).map_err(|error| (0, error.into()))?;
    let is_missing = |(resource, id): &(&str, i64)| {
        let mut missing = missing.iter();
        missing.any(|(of, number)| of == resource && number == id)
    };
    let wrong = referred.iter().filter(|(to, _)| is_missing(to));
    let Some(((resource, id), (place, key))) = wrong.min_by_key(|(_, (place, _))| *place) else {
        return Ok(());
    };
    let rule = format!("there is no {resource} {id}");
    Err((*place, fault(key, None, "unknown", rule)))
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
