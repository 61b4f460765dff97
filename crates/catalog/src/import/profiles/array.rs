//! JSON arrays, element by element, so that one that is wrong does not hold up the others.

use std::fmt;
use std::io::{self, Read};

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::{Bounded, Mark};

/// Calls `each` with the number of each element, from 1, and its text.
///
/// Only one element is in memory at a time, and it is as long as a row may be at most. What `each` refuses to go on with ends the reading.
pub(super) fn read(
    source: impl Read,
    mut each: impl FnMut(u64, &RawValue) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut stopped = None;
    let (source, mark) = Bounded::new(source);
    let mut deserializer = serde_json::Deserializer::from_reader(without_mark(source)?);
    let read = deserializer.deserialize_seq(Elements {
        each: &mut each,
        mark,
        stopped: &mut stopped,
    });
    match stopped {
        Some(error) => Err(error),
        None => Ok(read.and_then(|()| deserializer.end())?),
    }
}

/// Leaves out a byte order mark.
fn without_mark(mut source: impl Read) -> io::Result<impl Read> {
    let mut start = Vec::new();
    source.by_ref().take(3).read_to_end(&mut start)?;
    if start == "\u{feff}".as_bytes() {
        start.clear();
    }
    Ok(io::Cursor::new(start).chain(source))
}

struct Elements<'e, F> {
    each: &'e mut F,
    mark: Mark,
    /// Why `each` did not go on: an error of JSON cannot carry it.
    stopped: &'e mut Option<ImportError>,
}

impl<'de, F> Visitor<'de> for Elements<'_, F>
where
    F: FnMut(u64, &RawValue) -> Result<(), ImportError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            number += 1;
            self.mark.row_begins();
            if let Err(error) = (self.each)(number, &element) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
