//! Every request and what came of it, one JSON object a line.
//!
//! An outcome has three values. `ok`: it happened. `fail`: it did not, and the answer proves it.
//! `info`: nobody knows, because the answer was lost, late or a 5xx. Time-outs are never failures.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::{Fallible, doing};

/// What was asked for, with what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", content = "arg", rename_all = "kebab-case")]
pub enum Action {
    /// Not a request: the shop as it was before the first one.
    Setup(Setup),
    /// `lines` are products and quantities.
    Order {
        user: i64,
        lines: Vec<(i64, i64)>,
        payment: String,
        token: Option<String>,
        shipping: String,
    },
    /// The key of an order with another body; there is no effect to have.
    Reuse {
        lines: Vec<(i64, i64)>,
    },
    Cancel {
        order: i64,
    },
    Advance {
        order: i64,
        to: String,
    },
    /// A compare and swap of the counted stock.
    Restock {
        product: i64,
        expected: i64,
        on_hand: i64,
    },
    /// The new price in minor units.
    Price {
        product: i64,
        amount: i64,
    },
    ReadOrder {
        order: i64,
    },
    /// Orders of a user, newest first; of everybody when `None`.
    ReadOrders {
        user: Option<i64>,
    },
    ReadStock {
        product: i64,
    },
    ReadProduct {
        product: i64,
    },
    ReadProducts,
}

impl Action {
    /// The name under which the report counts it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "setup",
            Self::Order { .. } => "order",
            Self::Reuse { .. } => "reuse",
            Self::Cancel { .. } => "cancel",
            Self::Advance { .. } => "advance",
            Self::Restock { .. } => "restock",
            Self::Price { .. } => "price",
            Self::ReadOrder { .. } => "read-order",
            Self::ReadOrders { .. } => "read-orders",
            Self::ReadStock { .. } => "read-stock",
            Self::ReadProduct { .. } => "read-product",
            Self::ReadProducts => "read-products",
        }
    }

    /// Whether the payment provider is scripted to be away for it, so that a 503 is what it asks for.
    #[must_use]
    pub fn is_unpayable(&self) -> bool {
        matches!(self, Self::Order { token: Some(token), .. } if token == "tok_error")
    }
}

/// The shop before the first request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    pub seed: u64,
    pub commit: String,
    pub replicas: usize,
    pub products: Vec<Stocked>,
    pub users: Vec<i64>,
}

/// A product as it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stocked {
    pub id: i64,
    pub on_hand: i64,
    /// List price in minor units.
    pub price: i64,
}

/// What an answer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Seen {
    Order {
        order: OrderView,
    },
    Orders {
        orders: Vec<OrderView>,
        has_more: bool,
    },
    Stock {
        on_hand: i64,
        reserved: i64,
        safety: i64,
        backorder: i64,
        available: i64,
    },
    Product {
        price: i64,
    },
    Products {
        prices: Vec<(i64, i64)>,
    },
    Status {
        status: String,
    },
    Refused {
        code: String,
    },
    /// Nothing that is looked at, or nothing that could be read.
    Other {
        note: String,
    },
}

/// What is looked at in an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub id: i64,
    pub user: i64,
    /// The address, which names the key it was placed with.
    pub key: String,
    pub status: String,
    pub version: i64,
    pub lines: Vec<LineView>,
    pub subtotal: i64,
    pub discount: i64,
    pub shipping: i64,
    pub total: i64,
    pub method: String,
    /// Empty where the answer had none.
    pub timeline: Vec<StepView>,
}

/// What is looked at in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    pub product: i64,
    pub quantity: i64,
    pub unit: i64,
    pub total: i64,
}

/// One entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    pub version: i64,
    pub kind: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// Which part of a run a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Under load, with faults.
    Run,
    /// After the last heal: is it alive again?
    Probe,
    /// Unknown outcomes are found out.
    Resolve,
    /// The last look at everything.
    Final,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub i: u64,
    pub t_ns: u64,
    /// The intent; its retries and duplicates share it.
    pub process: u64,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The line of the invocation that this one completes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// When it should have been sent; latency counts from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The replica it was sent to, from 0; through nginx when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Seen>,
    /// Of status and body, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_id: Option<String>,
}

/// One request from its start to its end.
#[derive(Clone, Debug)]
pub struct Call {
    pub i: u64,
    pub process: u64,
    pub action: Action,
    pub phase: Phase,
    pub key: Option<String>,
    pub replica: Option<usize>,
    pub due_ns: u64,
    pub invoked_ns: u64,
    /// [`u64::MAX`] for one that was under way when the file ended.
    pub ended_ns: u64,
    pub kind: Kind,
    pub status: Option<u16>,
    pub seen: Option<Seen>,
    pub hash: Option<String>,
    pub req_id: Option<String>,
}

/// A whole file, understood.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub setup: Setup,
    /// In the order of their invocation.
    pub calls: Vec<Call>,
}

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
