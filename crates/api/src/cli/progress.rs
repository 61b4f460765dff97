//! How far a file has come, on a terminal and nowhere else.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(500);
const MIB: u64 = 1024 * 1024;

/// A line on standard error that says how far a file has come. Without a terminal there it says nothing.
pub(super) struct Progress {
    bytes: Rc<Cell<u64>>,
    /// Of the file, where that is known.
    total: Option<u64>,
    began: Instant,
    shown: Option<Instant>,
    is_shown: bool,
}

/// Counts what goes through.
pub(super) struct Counted<F> {
    file: F,
    bytes: Rc<Cell<u64>>,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self {
            bytes: Rc::default(),
            total: total.filter(|total| *total > 0),
            began: Instant::now(),
            shown: None,
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// The file, with what goes through it counted.
    pub(super) fn of<F>(&self, file: F) -> Counted<F> {
        Counted {
            file,
            bytes: Rc::clone(&self.bytes),
        }
    }

    /// Says how many rows there were, if it has not just done so.
    pub(super) fn tell(&mut self, rows: u64) {
        let is_time = self.shown.is_none_or(|shown| shown.elapsed() >= EVERY);
        if self.is_shown && is_time {
            self.shown = Some(Instant::now());
            eprint!(
                "\r{}\x1b[K",
                line(rows, self.bytes.get(), self.total, self.began.elapsed())
            );
            let _ = io::stderr().flush();
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if self.is_shown && self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

fn line(rows: u64, bytes: u64, total: Option<u64>, took: Duration) -> String {
    let a_second = u128::from(rows) * 1_000 / took.as_millis().max(1);
    let far = match total {
        Some(total) => format!("{:3} %", bytes.min(total) * 100 / total),
        None => format!("{} MiB", bytes / MIB),
    };
    format!("{far}  {rows} rows, {a_second} a second")
}

impl<F: Read> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.count(length);
        Ok(length)
    }
}

impl<F> Counted<F> {
    fn count(&self, length: usize) {
        let length = u64::try_from(length).unwrap_or_default();
        self.bytes.set(self.bytes.get() + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_and_how_fast() {
        let took = Duration::from_secs(2);
        assert_eq!(
            line(1_000, 50, Some(200), took),
            " 25 %  1000 rows, 500 a second"
        );
        assert_eq!(
            line(1_000, 3 * MIB, None, took),
            "3 MiB  1000 rows, 500 a second"
        );
        assert_eq!(
            line(0, 300, Some(200), Duration::ZERO),
            "100 %  0 rows, 0 a second"
        );
    }
}
