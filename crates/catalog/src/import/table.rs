//! CSV files: lines as an editor counts them, and cells by the names of their columns.

use std::collections::HashMap;
use std::io::{self, Read};

use csv::StringRecord;

use super::bounded::{Bounded, Mark};
use super::{ImportError, Profile, Refusal, row};

/// The records of a CSV file with a header, one at a time.
pub(super) struct Table<R> {
    reader: csv::Reader<io::Chain<Bounded<R>, &'static [u8]>>,
    mark: Mark,
    columns: HashMap<String, usize>,
    /// The names as they stand.
    pub(super) header: Vec<String>,
    record: StringRecord,
    /// The line on which the record begins.
    pub(super) line: u64,
}

impl<R: Read> Table<R> {
    pub(super) fn open(source: R) -> Result<Self, ImportError> {
        let (source, mark) = Bounded::new(source);
        // Lines end with LF, and a CR before it is trimmed with its cell: with its own rule for CRLF
        // the reader counts lines one short. A last line feed makes all lines alike.
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(source.chain(&b"\n"[..]));
        let named = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        let header: Vec<String> = reader.headers()?.iter().map(named).collect();
        let mut columns = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            if columns.insert(name.clone(), at).is_some() {
                return Err(ImportError::RepeatedColumn(name.clone()));
            }
        }
        Ok(Self {
            reader,
            mark,
            columns,
            header,
            record: StringRecord::new(),
            line: 1,
        })
    }

    /// Refuses a file that lacks a column which all of its kind have.
    pub(super) fn require(
        &self,
        profile: Profile,
        columns: &[&'static str],
    ) -> Result<(), ImportError> {
        match columns.iter().find(|column| !self.has(column)) {
            Some(column) => Err(ImportError::MissingForeignColumn { profile, column }),
            None => Ok(()),
        }
    }

    /// Refuses a file of the shop's own that has other columns than these, or lacks some.
    pub(super) fn check_columns(
        &self,
        known: &'static [&'static str],
        required: &[&'static str],
    ) -> Result<(), ImportError> {
        self.check_columns_beside(known, required, |_| false)
    }

    /// The same beside columns that have another name in each file.
    pub(super) fn check_columns_beside(
        &self,
        known: &'static [&'static str],
        required: &[&'static str],
        is_other: impl Fn(usize) -> bool,
    ) -> Result<(), ImportError> {
        let is_known =
            |place: usize, column: &String| known.contains(&column.as_str()) || is_other(place);
        let mut columns = self.header.iter().enumerate();
        if let Some((_, column)) = columns.find(|(place, column)| !is_known(*place, column)) {
            let column = column.clone();
            return Err(ImportError::OtherColumn { column, known });
        }
        match required.iter().find(|column| !self.has(column)) {
            Some(column) => Err(ImportError::LacksColumn(column)),
            None => Ok(()),
        }
    }

    /// Goes to the next record, if there is one, and says what is wrong with it as a whole.
    pub(super) fn advance(&mut self) -> Result<Option<Result<(), Refusal>>, ImportError> {
        loop {
            self.mark.row_begins();
            match self.reader.read_record(&mut self.record) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) if !error.is_io_error() => {
                    self.record.clear();
                    self.line = self.reader.position().line() - 1;
                    return Ok(Some(Err(row::refuse("row", "is not valid UTF-8"))));
                }
                Err(error) => return Err(error.into()),
            }
            if self.record.len() == 1 && self.record[0].trim().is_empty() {
                continue; // a blank line that ends with CR LF
            }
            self.line = self.reader.position().line() - 1 - line_feeds(&self.record);
            // A cell too many is a comma that wanted quotes: every cell behind it is another one.
            let mut beyond = self.record.iter().skip(self.header.len());
            if beyond.any(|cell| !cell.trim().is_empty()) {
                let refusal = row::refuse("row", "has more cells than the header");
                return Ok(Some(Err(refusal)));
            }
            return Ok(Some(Ok(())));
        }
    }

    /// The cell of a column without the white space around it; empty where there is none.
    pub(super) fn cell(&self, column: &str) -> &str {
        self.columns.get(column).map_or("", |at| self.at(*at))
    }

    /// The same by the place of the column.
    pub(super) fn at(&self, place: usize) -> &str {
        self.record.get(place).unwrap_or_default().trim()
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }
}

/// Counts the line feeds within the cells of a record; it begins as many lines before its end.
fn line_feeds(record: &StringRecord) -> u64 {
    record
        .iter()
        .map(|cell| cell.matches('\n').count() as u64)
        .sum()
}
