//! What must always be true of custom fields.

use db::doctor::{Check, Repaired};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::CustomFieldId;

use super::versions_have_events;
use crate::custom_fields::defining;
use crate::custom_fields::files::is_archived;

/// The values of things, one row each, with the half they are in.
const VALUES: &str = "\
    SELECT v.resource, v.resource_id, j.key, j.value, j.is_public FROM catalog.custom_values v \
     CROSS JOIN LATERAL (SELECT key, value, true AS is_public FROM jsonb_each(v.public_values) \
                          UNION ALL SELECT key, value, false FROM jsonb_each(v.private_values)) j";

/// Definitions whose values are yet to follow, with nobody to see to it.
const WAITING: &str = "\
    SELECT f.id, 'custom field ' || f.id, format('waits for a job that nobody will do: %s of %ss', f.key, f.resource) \
      FROM catalog.custom_fields f \
     WHERE (f.applied_version < f.version OR f.removed_at IS NOT NULL) \
       AND NOT EXISTS (SELECT FROM platform.jobs j WHERE j.kind = 'applyCustomField' AND j.state IN ('queued', 'running') \
              AND j.payload @> jsonb_build_object('customFieldId', f.id))";

pub(super) fn checks() -> [Check; 7] {
    [
        undefined(),
        wrong(),
        lacking(),
        without_file(),
        untranslatable(),
        waiting(),
        versions_have_events(
            "every version of a custom field has its event",
            "custom field",
            "custom_fields",
            "customField",
        ),
    ]
}

/// A value stays where it was until the job has come to it, so only definitions that no job is about are asked.
fn undefined() -> Check {
    Check {
        id: "S16",
        name: "custom values have a definition, and are seen by those who may",
        sql: format!(
            "SELECT t.resource_id, t.resource || ' ' || t.resource_id, \
                    CASE WHEN f.id IS NULL THEN format('has a value of %s, which is not defined', t.key) \
                         ELSE format('has its value of %s among those that %s', t.key, \
                                     CASE WHEN t.is_public THEN 'everybody sees' ELSE 'only staff sees' END) END \
               FROM ({VALUES}) t LEFT JOIN catalog.custom_fields f ON f.resource = t.resource AND f.key = t.key \
              WHERE f.id IS NULL \
                 OR t.is_public <> f.is_public AND f.applied_version = f.version AND f.removed_at IS NULL"
        )
        .into(),
        todo: "Somebody wrote past the crate catalog. Define the field again, or set the value to null through the API.",
        repair: None,
    }
}

fn wrong() -> Check {
    Check {
        id: "S16",
        name: "custom values are of their type",
        sql: format!(
            "SELECT t.resource_id, t.resource || ' ' || t.resource_id, \
                    format('%s is of type %s and has a %s', t.key, f.type, jsonb_typeof(t.value)) \
               FROM ({VALUES}) t JOIN catalog.custom_fields f ON f.resource = t.resource AND f.key = t.key \
              WHERE jsonb_typeof(t.value) = 'null' \
                 OR f.type <> 'json' AND jsonb_typeof(t.value) <> CASE f.type \
                    WHEN 'int' THEN 'number' WHEN 'reference' THEN 'number' WHEN 'file' THEN 'number' WHEN 'bool' THEN 'boolean' \
                    WHEN 'list' THEN 'array' WHEN 'money' THEN 'object' ELSE 'string' END"
        )
        .into(),
        todo: "Somebody wrote past the crate catalog. Set the value anew through the API.",
        repair: None,
    }
}

/// Variants cannot be required to have any.
fn lacking() -> Check {
    Check {
        id: "S16",
        name: "what has to have a custom value has one",
        sql: "SELECT t.id, t.resource || ' ' || t.id, format('has no %s, which is required', f.key) \
                FROM (SELECT 'product' AS resource, id FROM catalog.products WHERE archived_at IS NULL \
                       UNION ALL SELECT 'category', id FROM catalog.categories WHERE archived_at IS NULL) t \
                JOIN catalog.custom_fields f ON f.resource = t.resource AND f.removed_at IS NULL \
                     AND f.rules @> '{\"required\": true}' \
                LEFT JOIN catalog.custom_values v ON v.resource = t.resource AND v.resource_id = t.id \
               WHERE NOT coalesce(v.public_values ? f.key OR v.private_values ? f.key, false)"
            .into(),
        todo: "Set the value through the API, or let the definition not require it.",
        repair: None,
    }
}

fn without_file() -> Check {
    Check {
        id: "S16",
        name: "files that custom values name are kept for them",
        sql: format!(
            "SELECT t.resource_id, t.resource || ' ' || t.resource_id, \
                    format('has file %s as its %s, which is not kept for it', e.id, t.key) \
               FROM ({VALUES}) t \
               JOIN catalog.custom_fields f ON f.resource = t.resource AND f.key = t.key AND f.removed_at IS NULL \
                    AND coalesce(f.rules ->> 'itemType', f.type) = 'file' \
              CROSS JOIN LATERAL jsonb_array_elements_text( \
                    CASE jsonb_typeof(t.value) WHEN 'array' THEN t.value ELSE jsonb_build_array(t.value) END) AS e (id) \
              WHERE NOT {} AND NOT EXISTS (SELECT FROM catalog.custom_files u JOIN catalog.media m ON m.id = u.media_id AND m.state = 'kept' \
                     WHERE u.resource = t.resource AND u.resource_id = t.resource_id AND u.key = t.key AND u.media_id::text = e.id)",
            is_archived!("t")
        )
        .into(),
        todo: "A restore left something out, or somebody wrote past the crate catalog. Set the value anew through the API.",
        repair: None,
    }
}

fn untranslatable() -> Check {
    Check {
        id: "S16",
        name: "only translatable custom values are said in other languages",
        sql: "SELECT t.resource_id, t.resource || ' ' || t.resource_id, format('says %s in %s, which is not translatable', j.key, t.locale) \
                FROM catalog.custom_translations t CROSS JOIN LATERAL jsonb_object_keys(t.texts) AS j (key) \
                LEFT JOIN catalog.custom_fields f ON f.resource = t.resource AND f.key = j.key AND f.is_translatable \
               WHERE f.id IS NULL"
            .into(),
        todo: "Somebody wrote past the crate catalog. Write the translation anew through the API.",
        repair: None,
    }
}

fn waiting() -> Check {
    Check {
        id: "S16",
        name: "custom values follow their definition, or a job is about to see to it",
        sql: WAITING.into(),
        todo: "The job failed, or somebody cancelled it. The repair makes it anew, as a retry of the job does.",
        repair: Some(follow_anew),
    }
}

/// Under the lock of who changes definitions.
fn follow_anew(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    conn.transaction(|conn| {
        conn.batch_execute("SELECT FROM catalog.custom_resources ORDER BY resource FOR UPDATE")?;
        let find = format!(
            "SELECT number AS id FROM ({WAITING}) AS found (number, subject, message) ORDER BY 1"
        );
        let waiting: Vec<Waiting> = diesel::sql_query(find).load(conn)?;
        let ids = waiting
            .into_iter()
            .filter_map(|it| CustomFieldId::try_from(it.id).ok());
        let follow = |id: CustomFieldId| {
            defining::enqueue(conn, id)?;
            Ok(Repaired {
                check: "S16",
                subject: format!("custom field {id}"),
                outcome: Ok("has a job again".into()),
            })
        };
        ids.map(follow).collect()
    })
}
