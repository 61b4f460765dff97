//! The file of an import, as it was kept.

use std::io::{self, Read};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::working::WorkError;

db::statement! {
    struct ReadPart { import_id: i64 => BigInt, number: i64 => BigInt } -> Binary =
    "SELECT bytes FROM catalog.import_parts WHERE import_id = $1 AND number = $2"
}

/// The file, read part by part.
pub(super) struct Parts<'c> {
    conn: &'c mut PgConnection,
    import_id: i64,
    /// Of the next part.
    number: i64,
    part: io::Cursor<Vec<u8>>,
}

impl<'c> Parts<'c> {
    pub(super) fn of(conn: &'c mut PgConnection, import_id: i64) -> Self {
        Self {
            conn,
            import_id,
            number: 0,
            part: io::Cursor::default(),
        }
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.part.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let next = ReadPart {
                import_id: self.import_id,
                number: self.number,
            };
            let found: Option<Vec<u8>> = next
                .get_result(self.conn)
                .optional()
                .map_err(|error| io::Error::other(NotRead(error.to_string())))?;
            let Some(bytes) = found else { return Ok(0) };
            self.part = io::Cursor::new(bytes);
            self.number += 1;
        }
    }
}

/// The database failed while the file was read.
#[derive(Debug, thiserror::Error)]
#[error("the file cannot be read from the database: {0}")]
struct NotRead(String);

/// Whether it was the database that failed, and not the file.
pub(super) fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotRead>())
}

pub(super) fn not_read(error: &io::Error) -> WorkError {
    diesel::result::Error::QueryBuilderError(error.to_string().into()).into()
}

/// What is wrong with a file that is no CSV.
pub(super) fn unreadable(kind: csv::ErrorKind) -> String {
    match kind {
        csv::ErrorKind::Io(error) => format!("cannot read the file: {error}"),
        other => format!("cannot read the file: {other:?}"),
    }
}
