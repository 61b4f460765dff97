//! What must always be true of the translations of options.

use db::doctor::Check;

pub(super) fn checks() -> [Check; 2] {
    [orphans(), unannounced()]
}

/// What a foreign key refuses, asked again of the rows themselves.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "a word of a translation is of an option",
        sql: "SELECT t.option_id, 'option ' || t.option_id, format('is missing, and is translated into %s', t.locale) \
                FROM catalog.option_translations t LEFT JOIN catalog.translated_options o ON o.id = t.option_id WHERE o.id IS NULL"
            .into(),
        todo: "A restore left something out, or somebody wrote past catalog::translations. Bring back what is missing from a \
               backup; delete what nothing refers to.",
        repair: None,
    }
}

/// Old events are pruned; what is left then ends with the version there is.
fn unannounced() -> Check {
    Check {
        id: "I9",
        name: "every version of the translations of an option has its event",
        sql: "SELECT id, 'option ' || id, format('has version %s and %s events', sum(version), sum(events)) \
                FROM (SELECT id, version, 0::bigint AS events, NULL::bigint AS newest FROM catalog.translated_options \
                      UNION ALL \
                      SELECT resource_id, 0, count(*), max(sequence) FROM platform.outbox \
                       WHERE resource_type = 'option' GROUP BY resource_id) AS account \
               GROUP BY id \
              HAVING sum(version) > 0 \
                 AND CASE WHEN (SELECT id > 0 FROM platform.outbox_start) \
                          THEN sum(version) <> max(newest) ELSE sum(version) <> sum(events) END"
            .into(),
        todo: "Consumers missed a change, or saw one that did not happen. Write a translation of the option once more, so that \
               caches and consumers read it again.",
        repair: None,
    }
}
