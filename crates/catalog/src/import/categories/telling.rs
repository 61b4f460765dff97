//! What categories are called in other languages, and why a row is not written.

use std::collections::BTreeMap;

use diesel::PgConnection;
use domain::CategoryId;
use serde_json::Value;

use super::Place;
use crate::categories::CategoryError;
use crate::custom_fields::attributes::MAX_ALL_BYTES;
use crate::custom_fields::{CustomField, values};
use crate::import::custom::Cell;
use crate::import::kinds::Unwritten;
use crate::import::row::refuse;
use crate::import::translated::{self, Of, Said};
use crate::translations::categories::{self, Texts};
use crate::translations::{MAX_LOCALES, TranslationError};

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
    let now: BTreeMap<String, Texts> = categories::list(conn, id)?.into_iter().collect();
    let mut next = now.clone();
    for (column, cell) in said {
        let texts = next.entry(column.locale.clone()).or_default();
        match (&column.of, cell) {
            (Of::Custom(key), cell) => {
                let value = translated::value(fields, (key, column), cell)?;
                texts.custom.extend(value.map(|value| (key.clone(), value)));
                if values::size(&Value::Object(texts.custom.clone())) > MAX_ALL_BYTES {
                    let rule = format!("makes them more than {MAX_ALL_BYTES} bytes together");
                    return Err(column.refuse(rule).into());
                }
            }
            (Of::Name, Cell::Text(text)) => texts.name = Some(text.clone()),
            (_, Cell::Text(text)) => texts.description = Some(text.clone()),
            (_, Cell::Json(_)) => return Err(column.refuse("must be a text").into()),
        }
    }
    let mut is_new = false;
    for (locale, texts) in next {
        if now.get(&locale) == Some(&texts) {
            continue;
        }
        let parsed = locale.parse();
        let parsed = parsed.map_err(|_| refuse("slug", "has texts in no language"))?;
        is_new = true;
        let set = categories::set(conn, id, &parsed, Some(texts), None, None);
        set.map_err(|error| match error {
            TranslationError::Edit(error) => not_written(error, None),
            TranslationError::TooMany | TranslationError::NotThere => {
                let column = said.iter().find(|(column, _)| column.locale == locale);
                let name = column.map_or_else(String::new, |(column, _)| column.name.clone());
                let rule = format!("there are at most {MAX_LOCALES} languages");
                refuse(name, rule).into()
            }
        })?;
    }
    Ok(is_new)
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
