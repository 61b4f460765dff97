//! Files of options: a row, or an object, for each option and each value of one.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use crate::import::row::Cells;
use crate::import::table::Table;
use crate::import::translated::{self, Of};
use crate::import::{ImportError, Sink, lines};

const COLUMNS: [&str; 2] = ["option", "value"];

pub(in crate::import) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    let labels = translated::columns(&table.header, &[Of::Label], false)?;
    let places = translated::places(&labels);
    table.check_columns_beside(&COLUMNS, &COLUMNS[..1], |place| places.contains(&place))?;
    while let Some(fault) = table.advance()? {
        let (option, value) = (table.cell("option"), table.cell("value"));
        let cells = Cells {
            sku: key(option, value),
            options: vec![(option.to_owned(), value.to_owned())],
            translations: translated::cells(&labels, |place| table.at(place)),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    option: String,
    value: Option<String>,
    /// By languages.
    labels: Option<BTreeMap<String, Option<String>>>,
}

pub(in crate::import) fn read_lines(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    lines::each(source, sink, tell)
}

fn tell(number: u64, line: Line, sink: Sink) -> Result<(), ImportError> {
    let value = line.value.unwrap_or_default();
    let mut cells = Cells {
        sku: key(line.option.trim(), value.trim()),
        options: vec![(line.option, value)],
        ..Cells::default()
    };
    let mut fault = Ok(());
    for (locale, label) in line.labels.into_iter().flatten() {
        match translated::member(&locale, "labels", (Of::Label, label.map(Value::String))) {
            Ok(said) => cells.translations.extend(said),
            Err(refusal) => fault = fault.and(Err(refusal)),
        }
    }
    sink(number, cells, fault)
}

/// What stands for the row where it is told of.
fn key(option: &str, value: &str) -> String {
    match value {
        "" => option.to_owned(),
        value => format!("{option}: {value}"),
    }
}
