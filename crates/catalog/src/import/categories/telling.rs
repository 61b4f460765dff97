//! What categories are called in other languages, and why a row is not written.

use std::collections::BTreeMap;

use diesel::PgConnection;
use domain::CategoryId;

use super::Place;
use crate::categories::CategoryError;
use crate::categories::editing::{self, CategoryChanges};
use crate::custom_fields::CustomField;
use crate::import::kinds::Unwritten;
use crate::import::row::refuse;
use crate::import::translated::{self, Said};
use crate::translations::categories::{self as translations, Texts};

/// Writes what is not said yet in other languages, and tells whether there was any.
pub(super) fn translate(
    conn: &mut PgConnection,
    id: CategoryId,
    said: &[Said],
    fields: &[CustomField],
) -> Result<bool, Unwritten> {
    if said.is_empty() {
        return Ok(false);
    }
    let now: BTreeMap<String, Texts> = translations::list(conn, id)?.into_iter().collect();
    let mut next = now.clone();
    translated::set(&mut next, said, fields)?;
    next.retain(|locale, texts| now.get(locale) != Some(texts));
    if next.is_empty() {
        return Ok(false);
    }
    // It is a change of the category, as any other.
    editing::update(conn, id, CategoryChanges::default(), None, None)
        .map_err(|error| not_written(error, None))?;
    translations::write_all(conn, id, next)?;
    Ok(true)
}

/// What is at fault, where `place` is what the row says of it.
pub(super) fn not_written(error: CategoryError, place: Option<&Place>) -> Unwritten {
    let parent = |index: usize, rule: &str| {
        let slug = match place {
            Some(Place::Below(parents)) => parents.get(index).map(|(slug, _)| slug.to_string()),
            _ => None,
        };
        refuse("parents", format!("`{}` {rule}", slug.unwrap_or_default()))
    };
    Unwritten::Refused(match error {
        CategoryError::Db(error) => return Unwritten::Db(error),
        CategoryError::Cycle(index) => parent(index, "is the category itself, or below it"),
        CategoryError::TooDeep(index) => parent(index, "is too deep for it"),
        CategoryError::UnknownParent(index) => parent(index, "is the slug of no category"),
        CategoryError::Fault(fault) => {
            refuse("custom", format!("{}: {}", fault.field, fault.message))
        }
        // Somebody else was faster.
        other => refuse("slug", format!("changed meanwhile: {other}")),
    })
}
