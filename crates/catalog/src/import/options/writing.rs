//! Writes what options are called: a fixed number of statements for a chunk, and two for each option that changes.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Row;
use crate::import::row::Refusal;
use crate::import::{Outcome, finding};
use crate::translations::MAX_LOCALES;
use crate::translations::options::{self, Label, MAX_VALUES};

/// What is said of options by now.
struct Known {
    /// By the names of options.
    ids: HashMap<String, i64>,
    /// By an option, a value and a language.
    labels: HashMap<(i64, String, String), String>,
    /// How many values of an option have a label in a language.
    counts: HashMap<i64, HashMap<String, usize>>,
    /// Those that are new, or others than before.
    new: Vec<Label>,
}

/// Writes rows that are checked, and tells what became of each.
pub(super) fn write(conn: &mut PgConnection, rows: &[Row]) -> QueryResult<Vec<Outcome>> {
    finding::begin(conn)?;
    let said = || rows.iter().filter(|row| !row.labels.is_empty());
    let ids = options::lock_all(conn, said().map(|row| row.option.clone()).collect())?;
    let words = said().filter_map(|row| Some((*ids.get(&row.option)?, row.value.clone())));
    let labels = options::find_labels(conn, words.collect())?;
    let labels = labels.into_iter().map(|known| {
        let word = (known.option_id, known.value, known.locale);
        (word, known.label)
    });
    let mut known = Known {
        labels: labels.collect(),
        counts: options::count_values(conn, ids.values().copied().collect())?,
        ids,
        new: Vec::new(),
    };
    let outcomes = rows.iter().map(|row| {
        let decided = known.decide(row);
        decided.unwrap_or_else(Outcome::Refused)
    });
    let outcomes = outcomes.collect();
    options::write_all(conn, known.new)?;
    Ok(outcomes)
}

impl Known {
    fn decide(&mut self, row: &Row) -> Result<Outcome, Refusal> {
        let Some(id) = self.ids.get(&row.option).copied() else {
            return Ok(Outcome::Unchanged);
        };
        let (mut new, mut is_known, mut new_locales) = (Vec::new(), false, 0);
        for (column, label) in &row.labels {
            let word = (id, row.value.clone(), column.locale.clone());
            let now = self.labels.get(&word);
            is_known |= now.is_some();
            if now == Some(label) {
                continue;
            }
            if now.is_none() {
                new_locales += self
                    .within_bounds(id, row, &column.locale, new_locales)
                    .map_err(|rule| column.refuse(rule))?;
            }
            let (option_id, value, locale) = word;
            new.push(Label {
                option_id,
                value,
                locale,
                label: label.clone(),
            });
        }
        let outcome = match (new.is_empty(), is_known) {
            (true, _) => Outcome::Unchanged,
            (false, true) => Outcome::Updated,
            (false, false) => Outcome::Created,
        };
        for label in &new {
            let of_option = self.counts.entry(id).or_default();
            let is_value = usize::from(!label.value.is_empty());
            let word = (id, label.value.clone(), label.locale.clone());
            let is_one_more = !self.labels.contains_key(&word);
            *of_option.entry(label.locale.clone()).or_default() +=
                is_value * usize::from(is_one_more);
        }
        self.new.extend(new);
        Ok(outcome)
    }

    /// Whether the option may have one more word in a language, beside languages that are new with the row. Returns how many
    /// languages more that makes: one or none.
    fn within_bounds(
        &self,
        id: i64,
        row: &Row,
        locale: &str,
        new_locales: usize,
    ) -> Result<usize, String> {
        let of_option = self.counts.get(&id);
        let values = of_option.and_then(|counts| counts.get(locale));
        let locales = of_option.map_or(0, HashMap::len) + new_locales;
        if values.is_none() && i64::try_from(locales).is_ok_and(|all| all >= MAX_LOCALES) {
            return Err(format!("there are at most {MAX_LOCALES} languages"));
        }
        if !row.value.is_empty() && values.is_some_and(|all| *all >= MAX_VALUES) {
            return Err(format!(
                "there are at most {MAX_VALUES} values of an option"
            ));
        }
        Ok(usize::from(values.is_none()))
    }
}
