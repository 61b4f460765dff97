//! Values of custom fields in other languages than the shop's own.
//!
//! They are checked as the values are, and shown in the place of one: where there is none in the shop's own language, or none
//! that customers see, nothing is shown in any other.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use domain::{CustomResource, Locale};
use serde_json::{Map, Value};

use super::locales;
use crate::custom_fields::attributes::{AttributeError, MAX_ALL_BYTES, object};
use crate::custom_fields::{Fault, values, writing};

/// By the keys of fields.
pub type Values = Map<String, Value>;

db::statement! {
    /// The widest first, so that what comes later counts.
    struct FindTexts { resource: &'static str => Text, ids: Vec<i64> => Array<BigInt>, locales: Vec<String> => Array<Text> } -> (BigInt, Jsonb) =
    "SELECT resource_id, texts FROM catalog.custom_translations WHERE resource = $1 AND resource_id = ANY($2) AND locale = ANY($3) \
      ORDER BY array_position($3, locale) DESC"
}

db::statement! {
    struct ListTexts { resource: &'static str => Text, id: i64 => BigInt } -> (Text, Jsonb) =
    "SELECT locale, texts FROM catalog.custom_translations WHERE resource = $1 AND resource_id = $2"
}

db::statement! {
    /// A thing without any value gets its row, where whoever removes the field looks for it.
    struct WriteTexts {
        resource: &'static str => Text,
        id: i64 => BigInt,
        locale: String => Text,
        texts: Value => Jsonb,
    } -> BigInt =
    "WITH kept AS (INSERT INTO catalog.custom_values (resource, resource_id) VALUES ($1, $2) ON CONFLICT DO NOTHING) \
     INSERT INTO catalog.custom_translations (resource, resource_id, locale, texts) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (resource, resource_id, locale) DO UPDATE SET texts = $4 RETURNING resource_id"
}

db::statement! {
    struct ForgetTexts { resource: &'static str => Text, id: i64 => BigInt, locale: String => Text } -> BigInt =
    "DELETE FROM catalog.custom_translations WHERE resource = $1 AND resource_id = $2 AND locale = $3 RETURNING resource_id"
}

db::statement! {
    struct ListOfAll { resource: &'static str => Text, ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, Jsonb) =
    "SELECT resource_id, locale, texts FROM catalog.custom_translations WHERE resource = $1 AND resource_id = ANY($2)"
}

db::statement! {
    struct WriteAll {
        resource: &'static str => Text,
        ids: Vec<i64> => Array<BigInt>,
        locales: Vec<String> => Array<Text>,
        texts: Vec<Value> => Array<Jsonb>,
    } -> BigInt =
    "WITH kept AS (INSERT INTO catalog.custom_values (resource, resource_id) SELECT DISTINCT $1, w.id FROM unnest($2::bigint[]) AS w (id) \
                       ON CONFLICT DO NOTHING) \
     INSERT INTO catalog.custom_translations (resource, resource_id, locale, texts) \
     SELECT $1, w.* FROM unnest($2::bigint[], $3::text[], $4::jsonb[]) AS w \
         ON CONFLICT (resource, resource_id, locale) DO UPDATE SET texts = excluded.texts RETURNING resource_id"
}

/// Finds what is to be shown of a thing to readers of `locale` in place of its values; empty where nothing is.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    resource: CustomResource,
    id: i64,
    locale: &Locale,
) -> QueryResult<Values> {
    Ok(find_all(conn, resource, vec![id], locale)?
        .remove(&id)
        .unwrap_or_default())
}

/// The same of several things in one statement, by their ids; where nothing is to be shown of one, it is not there.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
    conn: &mut PgConnection,
    resource: CustomResource,
    ids: Vec<i64>,
    locale: &Locale,
) -> QueryResult<HashMap<i64, Values>> {
    let mut said = HashMap::<i64, Values>::new();
    if ids.is_empty() {
        return Ok(said);
    }
    let find = FindTexts {
        resource: resource.code(),
        ids,
        locales: locales(locale),
    };
    for (id, texts) in find.load::<(i64, Value)>(conn)? {
        said.entry(id).or_default().extend(object(texts));
    }
    Ok(said)
}

/// All that is said of a thing, by the locales.
pub(super) fn list(
    conn: &mut PgConnection,
    resource: CustomResource,
    id: i64,
) -> QueryResult<HashMap<String, Values>> {
    let resource = resource.code();
    let rows: Vec<(String, Value)> = ListTexts { resource, id }.load(conn)?;
    let texts = |(locale, texts)| (locale, object(texts));
    Ok(rows.into_iter().map(texts).collect())
}

/// The same of several things, each by its id and a locale.
pub(super) fn list_all(
    conn: &mut PgConnection,
    resource: CustomResource,
    ids: Vec<i64>,
) -> QueryResult<Vec<(i64, String, Values)>> {
    let resource = resource.code();
    let rows: Vec<(i64, String, Value)> = ListOfAll { resource, ids }.load(conn)?;
    let texts = |(id, locale, texts)| (id, locale, object(texts));
    Ok(rows.into_iter().map(texts).collect())
}

/// Writes checked values of things that are locked, in place of what was said in these languages before.
pub(super) fn write_all(
    conn: &mut PgConnection,
    resource: CustomResource,
    all: Vec<(i64, String, Values)>,
) -> QueryResult<()> {
    if all.is_empty() {
        return Ok(());
    }
    let mut write = WriteAll {
        resource: resource.code(),
        ids: Vec::new(),
        locales: Vec::new(),
        texts: Vec::new(),
    };
    for (id, locale, texts) in all {
        write.ids.push(id);
        write.locales.push(locale);
        write.texts.push(texts.into());
    }
    write.execute(conn).map(drop)
}

/// Writes what is said of a thing that is locked, in place of what was said there before. A member that is null says nothing.
pub(super) fn write(
    conn: &mut PgConnection,
    resource: CustomResource,
    id: i64,
    locale: &str,
    said: Values,
) -> Result<(), AttributeError> {
    let texts = check(conn, resource, said)?;
    if texts.is_empty() {
        return Ok(forget(conn, resource, id, locale)?);
    }
    let write = WriteTexts {
        resource: resource.code(),
        id,
        locale: locale.to_owned(),
        texts: texts.into(),
    };
    write.execute(conn)?;
    Ok(())
}

/// Takes what is said of a thing away.
pub(super) fn forget(
    conn: &mut PgConnection,
    resource: CustomResource,
    id: i64,
    locale: &str,
) -> QueryResult<()> {
    let forget = ForgetTexts {
        resource: resource.code(),
        id,
        locale: locale.to_owned(),
    };
    forget.execute(conn).map(drop)
}

fn check(
    conn: &mut PgConnection,
    resource: CustomResource,
    said: Values,
) -> Result<Values, AttributeError> {
    if said.is_empty() {
        return Ok(said);
    }
    let fields = writing::share(conn, resource)?;
    let mut texts = Values::new();
    for (key, value) in said {
        let wrong = |item, code, message: String| writing::fault(&key, item, code, message);
        let field = fields.iter().find(|field| field.key == key);
        let field = field.ok_or_else(|| wrong(None, "unknown", "there is no such field".into()))?;
        if !field.is_translatable {
            let rule = "is the same in all languages".to_owned();
            return Err(wrong(None, "not_translatable", rule));
        }
        if !value.is_null() {
            let checked = values::check(field, &value);
            let checked = checked.map_err(|(item, code, rule)| wrong(item, code, rule))?;
            texts.insert(key, checked);
        }
    }
    if values::size(&Value::Object(texts.clone())) > MAX_ALL_BYTES {
        let rule = format!("must have at most {MAX_ALL_BYTES} bytes together");
        let fault = Fault::new("customFields", "too_large", rule);
        return Err(AttributeError::Fault(fault));
    }
    Ok(texts)
}
