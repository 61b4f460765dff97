//! What must be true of every history. Each check is one pass over sorted events.
//!
//! - [`orders`] (I5): what was acknowledged is there, nothing else is, everybody sees it at once
//! - [`keys`] (I4): one effect and one answer per key, one key per order
//! - [`stock`] (I1): every look at stock was possible, and at the end it adds up
//! - [`timeline`] (I8): gapless, along allowed steps, never back
//! - [`events`] (I9): whoever follows the log learns of everything, once and in order
//! - [`totals`] (I6): amounts and prices worked out again
//! - [`windows`] (I12): no refusal for want of a server without an excuse
//! - [`liveness`] (I13): well again in time
//! - [`resources`] (I14): no slow growth
//! - [`rest`]: what must have happened by now: events delivered, jobs run (I9, I10)
//! - [`ledger`]: what only the database can tell (I2, I4, I7, I9)
//! - [`doctor`]: what the shop's own doctor says (I1 to I11)

pub mod doctor;
pub mod events;
pub mod keys;
pub mod ledger;
pub mod liveness;
pub mod orders;
pub mod resources;
pub mod rest;
pub mod stock;
#[cfg(test)]
pub(crate) mod story;
pub mod timeline;
pub mod totals;
pub mod windows;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::history::{Action, Call, History, Kind, OrderView, Phase, Seen};
use crate::nemesis::Window;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The invariant: `I5`.
    pub check: String,
    /// What kind of thing it is: `lost`, `stale`.
    pub kind: String,
    pub message: String,
    /// Lines of the history to look at.
    pub lines: Vec<u64>,
}

impl Finding {
    pub(crate) fn new(
        check: &str,
        kind: &str,
        message: impl Into<String>,
        calls: &[&Call],
    ) -> Self {
        Self {
            check: check.into(),
            kind: kind.into(),
            message: message.into(),
            lines: calls.iter().map(|call| call.i).collect(),
        }
    }
}

/// What became of a keyed intent, all of its requests taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happened before this moment.
    Done(u64),
    /// It may have happened, or may happen yet.
    Open,
    /// It did not happen, which was known at this moment.
    Never(u64),
}

/// Everything that was asked under one key.
#[derive(Clone, Debug)]
pub struct Intent<'h> {
    pub key: &'h str,
    pub action: &'h Action,
    /// When it was asked for first.
    pub since: u64,
    pub fate: Fate,
    pub calls: Vec<&'h Call>,
}

impl Intent<'_> {
    /// The order that an acknowledgement named.
    #[must_use]
    pub fn order(&self) -> Option<&OrderView> {
        self.calls
            .iter()
            .find_map(|call| match (&call.seen, call.kind) {
                (Some(Seen::Order { order }), Kind::Ok) => Some(order),
                _ => None,
            })
    }
}

/// A history, seen from several sides.
#[derive(Debug)]
pub struct Evidence<'h> {
    pub history: &'h History,
    pub windows: &'h [Window],
    /// By key, reuses of a key for something else left out.
    pub intents: BTreeMap<&'h str, Intent<'h>>,
    /// Orders as they are at the end, with their timelines; empty where nobody looked.
    pub stored: BTreeMap<i64, &'h OrderView>,
    /// When the first order was acknowledged under which key, by the id of the order.
    pub acknowledged: HashMap<i64, (u64, &'h str)>,
    /// Whether the run ended with a look at everything.
    pub has_final: bool,
}

impl<'h> Evidence<'h> {
    /// Sorts a history out.
    #[must_use]
    pub fn new(history: &'h History, windows: &'h [Window]) -> Self {
        let mut by_key = BTreeMap::<&str, Vec<&Call>>::new();
        for call in &history.calls {
            if let (Some(key), false) = (&call.key, matches!(call.action, Action::Reuse { .. })) {
                by_key.entry(key).or_default().push(call);
            }
        }
        let intents: BTreeMap<&str, Intent<'_>> = by_key
            .into_iter()
            .filter_map(|(key, calls)| Some((key, intent(key, calls)?)))
            .collect();
        let mut stored = BTreeMap::new();
        let mut has_final = false;
        for call in history
            .calls
            .iter()
            .filter(|call| call.phase == Phase::Final)
        {
            has_final = true;
            if let Some(Seen::Order { order }) = &call.seen {
                stored.insert(order.id, order);
            }
        }
        let mut acknowledged = HashMap::new();
        for intent in intents.values() {
            if let (Fate::Done(at), Some(order)) = (intent.fate, intent.order()) {
                acknowledged.entry(order.id).or_insert((at, intent.key));
            }
        }
        Self {
            history,
            windows,
            intents,
            stored,
            acknowledged,
            has_final,
        }
    }
}

fn intent<'h>(key: &'h str, calls: Vec<&'h Call>) -> Option<Intent<'h>> {
    let first = calls.first()?;
    let done = calls
        .iter()
        .filter(|call| call.kind == Kind::Ok)
        .map(|call| call.ended_ns)
        .min();
    let is_open = calls
        .iter()
        .any(|call| matches!(call.kind, Kind::Info | Kind::Invoke));
    let last = calls
        .iter()
        .map(|call| call.ended_ns)
        .max()
        .unwrap_or(u64::MAX);
    // Asked again after all was healed: nothing of it is under way any more, so a refusal decides.
    let refused_at_last = calls
        .last()
        .is_some_and(|call| call.phase == Phase::Resolve && call.kind == Kind::Fail);
    let fate = match done {
        Some(at) => Fate::Done(at),
        None if is_open && !refused_at_last => Fate::Open,
        None => Fate::Never(last),
    };
    Some(Intent {
        key,
        action: &first.action,
        since: first.invoked_ns,
        fate,
        calls,
    })
}

/// All checks that need nothing but the history and the log of faults.
#[must_use]
pub fn all(evidence: &Evidence<'_>) -> Vec<Finding> {
    let checks: [fn(&Evidence<'_>) -> Vec<Finding>; 8] = [
        orders::check,
        keys::check,
        stock::check,
        timeline::check,
        events::check,
        totals::check,
        windows::check,
        liveness::check,
    ];
    checks.iter().flat_map(|check| check(evidence)).collect()
}
