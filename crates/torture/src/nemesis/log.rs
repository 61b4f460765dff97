//! What was really done, one JSON object a line, with the clock of the history.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::faults::Fault;
use crate::clock::Clock;
use crate::{Fallible, doing};

/// What happened to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It is about to be done.
    Fault,
    /// It is undone, and what was harmed is back.
    Heal,
    /// This machine does not allow it, or what it needs was not given.
    Skip,
    /// It did not go as it must: a replica that did not stop in time, one that did not come back.
    Wrong,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub t_ns: u64,
    pub event: Event,
    pub fault: Fault,
    /// Names the fault among those of the run.
    pub number: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<usize>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A fault from its beginning until all was well again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub fault: Fault,
    pub replica: Option<usize>,
    pub begins_ns: u64,
    /// [`u64::MAX`] for one that was never healed.
    pub ends_ns: u64,
}

/// The file being written.
#[derive(Debug)]
pub struct Log {
    clock: Clock,
    file: File,
}

impl Log {
    /// Starts a file.
    pub fn create(path: &Path, clock: Clock) -> Fallible<Self> {
        Ok(Self {
            clock,
            file: File::create(path).map_err(doing(path.display()))?,
        })
    }

    /// Adds a line.
    pub fn write(
        &mut self,
        event: Event,
        fault: Fault,
        number: usize,
        replica: Option<usize>,
        detail: &str,
    ) -> Fallible<()> {
        let line = Line {
            t_ns: self.clock.now_ns(),
            event,
            fault,
            number,
            replica,
            detail: detail.into(),
        };
        let text = serde_json::to_string(&line).map_err(doing("the log of faults"))?;
        writeln!(self.file, "{text}").map_err(doing("the log of faults"))
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Fallible<Vec<Line>> {
    let file = File::open(path).map_err(doing(path.display()))?;
    let parse = |line: std::io::Result<String>| {
        serde_json::from_str(&line.map_err(doing(path.display()))?).map_err(doing(path.display()))
    };
    BufReader::new(file).lines().map(parse).collect()
}

/// Joins each fault with its heal.
#[must_use]
pub fn windows(lines: &[Line]) -> Vec<Window> {
    let faults = lines.iter().filter(|line| line.event == Event::Fault);
    let window = |fault: &Line| {
        let heal = lines
            .iter()
            .find(|line| line.event == Event::Heal && line.number == fault.number);
        Window {
            fault: fault.fault,
            replica: fault.replica,
            begins_ns: fault.t_ns,
            ends_ns: heal.map_or(u64::MAX, |heal| heal.t_ns),
        }
    };
    faults.map(window).collect()
}
