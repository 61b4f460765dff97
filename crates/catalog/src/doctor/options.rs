//! What must always be true of the translations of options.

use db::doctor::Check;

use super::versions_have_events;

pub(super) fn checks() -> [Check; 2] {
    [
        orphans(),
        versions_have_events(
            "every version of the translations of an option has its event",
            "option",
            "translated_options",
            "option",
        ),
    ]
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
