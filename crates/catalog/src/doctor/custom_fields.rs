//! What must always be true of custom fields.

use db::doctor::Check;

use super::versions_have_events;

/// The values of things, one row each, with the half they are in.
const VALUES: &str = "\
    SELECT v.resource, v.resource_id, j.key, j.value, j.is_public FROM catalog.custom_values v \
     CROSS JOIN LATERAL (SELECT key, value, true AS is_public FROM jsonb_each(v.public_values) \
                          UNION ALL SELECT key, value, false FROM jsonb_each(v.private_values)) j";

pub(super) fn checks() -> [Check; 4] {
    [
        undefined(),
        wrong(),
        lacking(),
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
                    WHEN 'int' THEN 'number' WHEN 'reference' THEN 'number' WHEN 'bool' THEN 'boolean' \
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
