//! The files that values of custom fields name.
//!
//! A value is an id, which says nothing to customers, so whatever reads values reads the files as well. A file that a value
//! names is never deleted: whoever writes the value holds the file meanwhile, and whoever wants to delete it looks for values
//! once it has it alone.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{CustomResource, MediaId};
use serde::Deserialize;

use super::writing::{WrongThing, fault};
use crate::media::Hash;

/// A file that a value names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Of the field that has the value.
    pub key: String,
    pub id: MediaId,
    pub hash: Hash,
    pub content_type: String,
    pub bytes: i64,
    /// What staff calls it.
    pub name: String,
}

/// What reads the files of a thing as JSON: its resource and the column of its id stand for `$1` and `$2`.
macro_rules! select_files {
    ($resource:literal, $id:literal) => {
        concat!(
            "(SELECT jsonb_agg(jsonb_build_object('key', u.key, 'id', m.id, 'hash', encode(m.hash, 'hex'), \
                        'contentType', m.content_type, 'bytes', m.bytes, 'name', m.name) ORDER BY m.id, u.key) \
                FROM catalog.custom_files u JOIN catalog.media m ON m.id = u.media_id \
               WHERE u.resource = ", $resource, " AND u.resource_id = ", $id, ")"
        )
    };
}
pub(crate) use select_files;

/// What [`select_files`] gave.
pub(crate) fn read(stored: Option<serde_json::Value>) -> Vec<File> {
    let files = stored.map(serde_json::from_value);
    files.and_then(Result::ok).unwrap_or_default()
}

/// Whether what a row names by its resource and id is archived.
macro_rules! is_archived {
    ($row:literal) => {
        concat!(
            "CASE ",
            $row,
            ".resource \
                WHEN 'product' THEN EXISTS (SELECT FROM catalog.products a WHERE a.id = ",
            $row,
            ".resource_id AND a.archived_at IS NOT NULL) \
                WHEN 'variant' THEN EXISTS (SELECT FROM catalog.variants a WHERE a.id = ",
            $row,
            ".resource_id AND a.archived_at IS NOT NULL) \
                ELSE EXISTS (SELECT FROM catalog.categories a WHERE a.id = ",
            $row,
            ".resource_id AND a.archived_at IS NOT NULL) END"
        )
    };
}
pub(crate) use is_archived;

db::statement! {
    /// Whoever wants to delete one of them waits, and finds that it is in use then.
    struct LockMedia { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.media WHERE id = ANY($1) AND state = 'kept' ORDER BY id FOR SHARE"
}

db::statement! {
    struct Clear { resource: &'static str => Text, ids: Vec<i64> => Array<BigInt>, keys: Vec<String> => Array<Text> } -> BigInt =
    "DELETE FROM catalog.custom_files f USING unnest($2::bigint[], $3::text[]) AS w (id, key) \
      WHERE f.resource = $1 AND f.resource_id = w.id AND f.key = w.key RETURNING f.media_id"
}

db::statement! {
    struct Insert {
        resource: &'static str => Text,
        ids: Vec<i64> => Array<BigInt>,
        keys: Vec<String> => Array<Text>,
        media_ids: Vec<i64> => Array<BigInt>,
    } -> BigInt =
    "INSERT INTO catalog.custom_files (resource, resource_id, key, media_id) \
     SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bigint[]) RETURNING media_id"
}

/// The files that values of a thing are to name, by the keys of the fields that are set or unset.
pub(super) type Named = BTreeMap<String, Vec<i64>>;

/// Everything that is named is there, and stays until the transaction ends. `named` is of things, by their ids.
pub(super) fn hold(conn: &mut PgConnection, named: &[(i64, Named)]) -> Result<(), WrongThing> {
    let mut ids: Vec<i64> = named
        .iter()
        .flat_map(|(_, of)| of.values().flatten().copied())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    ids.sort_unstable();
    ids.dedup();
    let there: Vec<i64> = LockMedia { ids }
        .load(conn)
        .map_err(|error| (0, error.into()))?;
    for (place, (_, named)) in named.iter().enumerate() {
        for (key, ids) in named {
            if let Some(missing) = ids.iter().find(|id| !there.contains(id)) {
                let rule = format!("there is no file {missing}");
                return Err((place, fault(key, None, "unknown", rule)));
            }
        }
    }
    Ok(())
}

/// Notes which files the values of things name now.
pub(super) fn note(
    conn: &mut PgConnection,
    resource: CustomResource,
    named: Vec<(i64, Named)>,
) -> QueryResult<()> {
    let resource = resource.code();
    let of_keys = named
        .iter()
        .flat_map(|(id, named)| named.keys().map(|key| (*id, key.clone())));
    let (ids, keys): (Vec<i64>, Vec<String>) = of_keys.unzip();
    if keys.is_empty() {
        return Ok(());
    }
    Clear {
        resource,
        ids,
        keys,
    }
    .execute(conn)?;
    let (mut ids, mut keys, mut media_ids) = (Vec::new(), Vec::new(), Vec::new());
    for (id, named) in named {
        for (key, media) in named {
            ids.extend(media.iter().map(|_| id));
            keys.extend(media.iter().map(|_| key.clone()));
            media_ids.extend(media);
        }
    }
    if !keys.is_empty() {
        Insert {
            resource,
            ids,
            keys,
            media_ids,
        }
        .execute(conn)?;
    }
    Ok(())
}
