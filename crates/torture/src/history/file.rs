//! The file of a history: written as things happen, read and joined afterwards.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Mutex;

use super::{Action, Call, Entry, History, Kind, Phase, Seen, Setup};
use crate::clock::Clock;
use crate::{Fallible, doing};

/// Writes the file; clones of the handle may write at the same time.
#[derive(Debug)]
pub struct Writer {
    clock: Clock,
    file: Mutex<(u64, BufWriter<File>)>,
}

/// A request about to be sent.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    pub process: u64,
    pub action: &'a Action,
    pub phase: Phase,
    pub due_ns: u64,
    pub key: Option<&'a str>,
    pub replica: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Completion {
    pub kind: Kind,
    pub status: Option<u16>,
    pub seen: Seen,
    pub hash: Option<String>,
    pub req_id: Option<String>,
}

impl Writer {
    /// Starts a file.
    pub fn create(path: &Path, clock: Clock) -> Fallible<Self> {
        let file = File::create(path).map_err(doing(path.display()))?;
        Ok(Self {
            clock,
            file: Mutex::new((0, BufWriter::new(file))),
        })
    }

    /// The clock of the run.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Notes what the shop is like before the first request.
    pub fn setup(&self, setup: Setup) -> Fallible<()> {
        let entry = Entry {
            action: Some(Action::Setup(setup)),
            ..blank(0, Kind::Info)
        };
        self.write(entry).map(|_| ())
    }

    /// Notes that a request is about to be sent, and returns its number.
    pub fn invoke(&self, invocation: &Invocation<'_>) -> Fallible<u64> {
        self.write(Entry {
            action: Some(invocation.action.clone()),
            phase: Some(invocation.phase),
            due_ns: Some(invocation.due_ns),
            key: invocation.key.map(str::to_owned),
            replica: invocation.replica,
            ..blank(invocation.process, Kind::Invoke)
        })
    }

    /// Notes what came of it.
    pub fn complete(&self, process: u64, of: u64, completion: &Completion) -> Fallible<()> {
        let entry = Entry {
            of: Some(of),
            status: completion.status,
            result: Some(completion.seen.clone()),
            hash: completion.hash.clone(),
            req_id: completion.req_id.clone(),
            ..blank(process, completion.kind)
        };
        self.write(entry).map(|_| ())
    }

    /// Lets everything reach the file.
    pub fn flush(&self) -> Fallible<()> {
        let mut file = self.file.lock().map_err(doing("the history"))?;
        file.1.flush().map_err(doing("the history"))
    }

    /// The moment is taken under the lock, so lines and times have the same order.
    fn write(&self, mut entry: Entry) -> Fallible<u64> {
        let mut file = self.file.lock().map_err(doing("the history"))?;
        entry.i = file.0;
        entry.t_ns = self.clock.now_ns();
        serde_json::to_writer(&mut file.1, &entry).map_err(doing("the history"))?;
        file.1.write_all(b"\n").map_err(doing("the history"))?;
        file.0 += 1;
        Ok(entry.i)
    }
}

fn blank(process: u64, kind: Kind) -> Entry {
    Entry {
        i: 0,
        t_ns: 0,
        process,
        kind,
        of: None,
        action: None,
        phase: None,
        due_ns: None,
        key: None,
        replica: None,
        status: None,
        result: None,
        hash: None,
        req_id: None,
    }
}

/// Reads a file and joins each request with its end.
pub fn read(path: &Path) -> Fallible<History> {
    let file = File::open(path).map_err(doing(path.display()))?;
    let mut history = History::default();
    let mut places = HashMap::<u64, usize>::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(doing(path.display()))?;
        let entry: Entry =
            serde_json::from_str(&line).map_err(doing(format!("{}: {line}", path.display())))?;
        match (entry.kind, entry.action, entry.of) {
            (_, Some(Action::Setup(setup)), _) => history.setup = setup,
            (Kind::Invoke, Some(action), _) => {
                places.insert(entry.i, history.calls.len());
                history.calls.push(Call {
                    i: entry.i,
                    process: entry.process,
                    action,
                    phase: entry.phase.unwrap_or(Phase::Run),
                    key: entry.key,
                    replica: entry.replica,
                    due_ns: entry.due_ns.unwrap_or(entry.t_ns),
                    invoked_ns: entry.t_ns,
                    ended_ns: u64::MAX,
                    kind: Kind::Info,
                    status: None,
                    seen: None,
                    hash: None,
                    req_id: None,
                });
            }
            (kind, None, Some(of)) => {
                let call = places
                    .get(&of)
                    .and_then(|place| history.calls.get_mut(*place));
                let call = call.ok_or_else(|| format!("line {} completes nothing", entry.i))?;
                call.ended_ns = entry.t_ns;
                call.kind = kind;
                call.status = entry.status;
                call.seen = entry.result;
                call.hash = entry.hash;
                call.req_id = entry.req_id;
            }
            _ => {
                return Err(format!(
                    "line {} is neither a beginning nor an end",
                    entry.i
                ));
            }
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_joined() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let writer = Writer::create(&path, Clock::start()).unwrap();
        let setup = Setup {
            seed: 7,
            users: vec![2],
            ..Setup::default()
        };
        writer.setup(setup.clone()).unwrap();
        let action = Action::Cancel { order: 3 };
        let invocation = Invocation {
            process: 5,
            action: &action,
            phase: Phase::Run,
            due_ns: 1,
            key: Some("k"),
            replica: None,
        };
        let lost = writer.invoke(&invocation).unwrap();
        let known = writer.invoke(&invocation).unwrap();
        let seen = Seen::Refused {
            code: "invalid_transition".into(),
        };
        let completion = Completion {
            kind: Kind::Fail,
            status: Some(409),
            seen: seen.clone(),
            hash: None,
            req_id: None,
        };
        writer.complete(5, known, &completion).unwrap();
        writer.flush().unwrap();

        let history = read(&path).unwrap();

        assert_eq!(history.setup, setup);
        let [first, second] = &history.calls[..] else {
            panic!("{history:?}")
        };
        assert_eq!(
            (first.i, first.kind, first.ended_ns),
            (lost, Kind::Info, u64::MAX)
        );
        assert_eq!(
            (second.kind, second.seen.as_ref(), &second.action),
            (Kind::Fail, Some(&seen), &action)
        );
        assert!(second.ended_ns >= second.invoked_ns);
    }
}
