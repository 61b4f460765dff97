//! Files of categories: a row, or an object, for each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::import::custom::{CUSTOM, Cell};
use crate::import::row::Cells;
use crate::import::table::Table;
use crate::import::translated::{self, Of};
use crate::import::{ImportError, Sink, lines, own};

/// In the order in which an export writes them.
pub(crate) const COLUMNS: [&str; 7] = [
    "slug",
    "name",
    "description",
    "image",
    "product_order",
    "parents",
    "position",
];

pub(in crate::import) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    let texts = translated::columns(&table.header, &Of::CATEGORY, true)?;
    let mut places = translated::places(&texts);
    let fields = table.header.iter().enumerate().filter_map(|(place, name)| {
        let key = name.strip_prefix(CUSTOM).filter(|key| !key.is_empty())?;
        (!places.contains(&place)).then(|| (place, key.to_owned()))
    });
    let fields: Vec<(usize, String)> = fields.collect();
    places.extend(fields.iter().map(|(place, _)| *place));
    table.check_columns_beside(&COLUMNS, &COLUMNS[..1], |place| places.contains(&place))?;
    while let Some(fault) = table.advance()? {
        let cell = |column| table.cell(column).to_owned();
        let custom = fields.iter().map(|(place, key)| {
            let value = table.at(*place).to_owned();
            (key.clone(), Cell::Text(value))
        });
        let cells = Cells {
            sku: cell("slug"),
            slug: cell("slug"),
            name: cell("name"),
            description: cell("description"),
            image: cell("image"),
            product_order: cell("product_order"),
            parents: own::pairs(table.cell("parents")),
            position: cell("position"),
            custom: custom.collect(),
            translations: translated::cells(&texts, |place| table.at(place)),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    slug: String,
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    product_order: Option<String>,
    parents: Option<Vec<Parent>>,
    position: Option<u64>,
    custom_fields: Option<Map<String, Value>>,
    /// By languages.
    translations: Option<BTreeMap<String, Translation>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parent {
    slug: String,
    position: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Translation {
    name: Option<String>,
    description: Option<String>,
    custom_fields: Option<Map<String, Value>>,
}

pub(in crate::import) fn read_lines(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    lines::each(source, sink, tell)
}

fn tell(number: u64, line: Line, sink: Sink) -> Result<(), ImportError> {
    let text = Option::unwrap_or_default;
    let place = |position: Option<u64>| position.map(|n| n.to_string()).unwrap_or_default();
    let parents = line.parents.into_iter().flatten();
    let custom = line.custom_fields.into_iter().flatten();
    let mut cells = Cells {
        sku: line.slug.clone(),
        slug: line.slug,
        name: text(line.name),
        description: text(line.description),
        image: text(line.image),
        product_order: text(line.product_order),
        parents: parents
            .map(|parent| (parent.slug, place(parent.position)))
            .collect(),
        position: place(line.position),
        custom: custom
            .map(|(key, value)| (key, Cell::Json(value)))
            .collect(),
        ..Cells::default()
    };
    let mut fault = Ok(());
    for (locale, texts) in line.translations.into_iter().flatten() {
        let said = [
            (Of::Name, "name", texts.name.map(Value::String)),
            (
                Of::Description,
                "description",
                texts.description.map(Value::String),
            ),
        ];
        let custom = texts.custom_fields.into_iter().flatten();
        let custom = custom.map(|(key, value)| (Of::Custom(key), "customFields", Some(value)));
        match translated::members(&locale, said.into_iter().chain(custom)) {
            Ok(said) => cells.translations.extend(said),
            Err(refusal) => fault = fault.and(Err(refusal)),
        }
    }
    sink(number, cells, fault)
}

/// What a column is called in an object.
pub(in crate::import) fn member(column: Cow<'static, str>) -> Cow<'static, str> {
    match column.as_ref() {
        "product_order" => "productOrder".into(),
        "custom" => "customFields".into(),
        _ => column,
    }
}
