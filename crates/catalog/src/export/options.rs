//! How options and their values are called in other languages.

use std::collections::BTreeMap;
use std::io::Write;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use serde::Serialize;
use serde_json::Value;

use super::{ExportError, Form};
use crate::import::translated::{IN, Of};

/// Words that are read at a time.
const PAGE: i64 = 1_000;

db::statement! {
    struct ListLocales {} -> Text = "SELECT DISTINCT locale FROM catalog.option_translations ORDER BY locale"
}

db::statement! {
    /// The option itself comes before its values.
    struct ListWords { option: String => Text, value: String => Text, limit: i64 => BigInt } -> (Text, Text, Jsonb) =
    "SELECT o.name, t.value, jsonb_object_agg(t.locale, t.label) FROM catalog.translated_options o \
       JOIN catalog.option_translations t ON t.option_id = o.id \
      WHERE o.name >= $1 COLLATE \"C\" AND (o.name, t.value) > ($1 COLLATE \"C\", $2 COLLATE \"C\") \
      GROUP BY o.name, t.value ORDER BY o.name, t.value LIMIT $3"
}

#[derive(Serialize)]
struct Line<'w> {
    option: &'w str,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'w str,
    labels: &'w BTreeMap<String, String>,
}

/// Writes all of them, and tells how many rows these are.
pub(super) fn write(
    conn: &mut PgConnection,
    form: Form,
    file: &mut impl Write,
) -> Result<u64, ExportError> {
    match form {
        Form::Csv => {
            let locales: Vec<String> = ListLocales {}.load(conn)?;
            let mut file = csv::Writer::from_writer(file);
            let labels = locales.iter();
            let labels = labels.map(|locale| format!("{}{IN}{locale}", Of::Label.column()));
            let keys = ["option", "value"].map(str::to_owned);
            file.write_record(keys.into_iter().chain(labels))?;
            let rows = walk(conn, |option, value, said| {
                let label = |locale| said.get(locale).map_or("", String::as_str);
                let labels = locales.iter().map(label);
                Ok(file.write_record([option, value].into_iter().chain(labels))?)
            })?;
            file.flush()?;
            Ok(rows)
        }
        Form::Ndjson => walk(conn, |option, value, labels| {
            let line = Line {
                option,
                value,
                labels,
            };
            serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from)?;
            Ok(file.write_all(b"\n")?)
        }),
    }
}

fn walk(
    conn: &mut PgConnection,
    mut write: impl FnMut(&str, &str, &BTreeMap<String, String>) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let (mut option, mut value, mut rows) = (String::new(), String::new(), 0);
    loop {
        let list = ListWords {
            option,
            value,
            limit: PAGE,
        };
        let page: Vec<(String, String, Value)> = list.load(conn)?;
        let Some((last, of_last, _)) = page.last() else {
            return Ok(rows);
        };
        (option, value) = (last.clone(), of_last.clone());
        for (option, value, labels) in page {
            let labels: BTreeMap<String, String> = serde_json::from_value(labels)
                .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
            write(&option, &value, &labels)?;
            rows += 1;
        }
    }
}
