//! How options and their values are called in other languages.

mod reading;
mod writing;

use std::collections::HashSet;
use std::sync::Arc;

use diesel::PgConnection;
use domain::Options as Words;

pub(super) use reading::{read, read_lines};

use super::apply::Applied;
use super::custom::Cell;
use super::kinds::{Kind, write_or_undo};
use super::memory::Digest;
use super::row::{Cells, Refusal, refuse, said};
use super::translated::Column;
use super::{ImportError, Summary};
use crate::translations::MAX_LOCALES;

/// What an option, or a value of one, is called.
pub(super) struct Row {
    option: String,
    /// Empty for the option itself.
    value: String,
    labels: Vec<(Arc<Column>, String)>,
}

/// Options, and values of them, each once.
#[derive(Default)]
pub(super) struct Options {
    seen: HashSet<Digest>,
}

impl Kind for Options {
    type Row = Row;

    fn check(&mut self, cells: &Cells) -> Result<Row, Refusal> {
        let (option, value) = cells.options.first().cloned().unwrap_or_default();
        let word = |field: &'static str, text: &str| {
            Words::word(text).map_err(|error| refuse(field, error.to_string()))
        };
        let option = word("option", &option)?;
        let value = said(&value).map(|value| word("value", value)).transpose()?;
        let value = value.unwrap_or_default();
        if i64::try_from(cells.translations.len()).is_ok_and(|all| all > MAX_LOCALES) {
            let rule = format!("there are at most {MAX_LOCALES} languages");
            return Err(refuse("labels", rule));
        }
        let mut labels: Vec<(Arc<Column>, String)> = Vec::new();
        for (column, cell) in &cells.translations {
            let is_same = |(other, _): &(Arc<Column>, _)| other.locale == column.locale;
            if labels.iter().any(is_same) {
                return Err(column.refuse("is there twice"));
            }
            let Cell::Text(text) = cell else {
                return Err(column.refuse("must be a text"));
            };
            let label = Words::word(text).map_err(|error| column.refuse(error.to_string()))?;
            labels.push((Arc::clone(column), label));
        }
        if !self
            .seen
            .insert(Digest::of((option.as_str(), value.as_str())))
        {
            let field = if value.is_empty() { "option" } else { "value" };
            return Err(refuse(field, "appears twice in the file"));
        }
        Ok(Row {
            option,
            value,
            labels,
        })
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[Row],
        _: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        write_or_undo(conn, rows, how, writing::write)
    }
}
