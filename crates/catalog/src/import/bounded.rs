//! A source of which no row may be longer than a bound, so that none fills the memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Most bytes of a row, with room for a product that has everything in four bytes a character.
pub(super) const MAX_ROW: usize = 4 * 1024 * 1024;

/// Counts what is read since a row began.
pub(super) struct Bounded<R> {
    source: R,
    read: Rc<Cell<usize>>,
}

/// Tells that a row begins.
#[derive(Clone)]
pub(super) struct Mark(Rc<Cell<usize>>);

impl Mark {
    pub(super) fn row_begins(&self) {
        self.0.set(0);
    }
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(source: R) -> (Self, Mark) {
        let read = Rc::new(Cell::new(0));
        let mark = Mark(Rc::clone(&read));
        (Self { source, read }, mark)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > MAX_ROW {
            let message = format!("a row is longer than {MAX_ROW} bytes; is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let length = self.source.read(buffer)?;
        self.read.set(self.read.get() + length);
        Ok(length)
    }
}
