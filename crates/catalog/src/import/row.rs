//! One row of the file: from text to values that cannot be wrong.

use csv::StringRecord;
use domain::{Currency, Money, Sku};

use super::ImportError;
use crate::stock::MAX_ON_HAND;

pub(super) const COLUMNS: [&str; 7] = [
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "image",
    "on_hand",
];
const REQUIRED: [&str; 4] = ["sku", "name", "price", "currency"];

/// A product as the file tells of it.
#[derive(Clone, Debug)]
pub struct Row {
    pub sku: Sku,
    pub name: String,
    /// `None` leaves what is there.
    pub description: Option<String>,
    pub image: Option<String>,
    pub price: Money,
    /// Counted units; `None` leaves what is there.
    pub on_hand: Option<i64>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The column at fault.
    pub field: &'static str,
    pub message: String,
}

/// Where each known column stands in this file.
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    /// Cells of the header.
    width: usize,
}

impl Columns {
    pub(super) fn from_header(header: &StringRecord) -> Result<Self, ImportError> {
        let mut places = [None; COLUMNS.len()];
        for (at, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').trim();
            let known = COLUMNS.iter().position(|column| *column == name);
            let place = known.ok_or_else(|| ImportError::UnknownColumn(name.to_owned()))?;
            if places[place].replace(at).is_some() {
                return Err(ImportError::RepeatedColumn(name.to_owned()));
            }
        }
        let columns = Self {
            places,
            width: header.len(),
        };
        match REQUIRED
            .into_iter()
            .find(|name| columns.place(name).is_none())
        {
            Some(missing) => Err(ImportError::MissingColumn(missing)),
            None => Ok(columns),
        }
    }

    /// The SKU as the file spells it, for the report.
    pub(super) fn sku<'r>(&self, record: &'r StringRecord) -> &'r str {
        self.text(record, "sku").unwrap_or_default()
    }

    pub(super) fn parse(&self, record: &StringRecord) -> Result<Row, Refusal> {
        let required = |field: &'static str| {
            self.text(record, field)
                .ok_or_else(|| refuse(field, "is required"))
        };
        // A cell too many is a comma that wanted quotes: every cell behind it is another one.
        if record
            .iter()
            .skip(self.width)
            .any(|cell| !cell.trim().is_empty())
        {
            return Err(refuse("row", "has more cells than the header"));
        }
        let sku = required("sku")?;
        let sku = Sku::try_from(sku).map_err(|error| refuse("sku", &error.to_string()))?;
        let name = checked_text("name", required("name")?, 300)?;
        let currency = Currency::try_from(required("currency")?)
            .map_err(|error| refuse("currency", &error.to_string()))?;
        let price = Money::parse_decimal(required("price")?, currency)
            .map_err(|error| refuse("price", &error.to_string()))?;
        if price.is_negative() {
            return Err(refuse("price", "must not be negative"));
        }
        let optional = |field, limit| {
            self.text(record, field)
                .map(|text| checked_text(field, text, limit))
                .transpose()
        };
        Ok(Row {
            sku,
            name,
            description: optional("description", 20_000)?,
            image: optional("image", 2_000)?,
            price,
            on_hand: self
                .text(record, "on_hand")
                .map(parse_on_hand)
                .transpose()?,
        })
    }

    fn place(&self, name: &str) -> Option<usize> {
        COLUMNS
            .iter()
            .position(|column| *column == name)
            .and_then(|place| self.places[place])
    }

    /// A cell that is not empty.
    fn text<'r>(&self, record: &'r StringRecord, name: &str) -> Option<&'r str> {
        record
            .get(self.place(name)?)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }
}

fn parse_on_hand(text: &str) -> Result<i64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(units) if digits && units <= MAX_ON_HAND => Ok(units),
        _ => Err(refuse(
            "on_hand",
            &format!("must be a whole number from 0 to {MAX_ON_HAND}"),
        )),
    }
}

fn checked_text(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    if text.chars().count() > limit {
        return Err(refuse(
            field,
            &format!("must have at most {limit} characters"),
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(refuse(field, "must not contain control characters"));
    }
    Ok(text.to_owned())
}

fn refuse(field: &'static str, message: &str) -> Refusal {
    Refusal {
        field,
        message: message.to_owned(),
    }
}
