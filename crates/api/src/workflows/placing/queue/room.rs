//! Who waits, and who is placed together.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use catalog::quotes::Wanted;
use tokio::sync::oneshot;

use super::{Reply, Request};
use crate::workflows::placing::{PATIENCE, PlaceError};

/// Lines in a set: a few very long orders are enough for one.
const SET_LINES: usize = 2_000;
/// Requests that want a variant at the same time and make it hot.
pub(super) const HOT: usize = 8;

/// A request whose turn has not come.
pub(super) struct Waiting {
    pub request: Arc<Request>,
    pub reply: oneshot::Sender<Reply>,
}

/// The state of a queue.
#[derive(Default)]
pub(super) struct Room {
    waiting: VecDeque<Waiting>,
    /// How many of those who wait want it.
    demand: HashMap<Wanted, usize>,
    /// What a set that is being placed holds alone.
    held: HashSet<Wanted>,
    /// Writers at work.
    pub writers: usize,
    /// Those of them that rest.
    pub resting: usize,
}

impl Room {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it can be served only after a set that is being placed.
    pub(super) fn is_blocked(&self, waiting: &Waiting) -> bool {
        named(&waiting.request).any(|wanted| self.held.contains(wanted))
    }

    pub(super) fn admit(&mut self, waiting: Waiting) {
        for wanted in named(&waiting.request) {
            *self.demand.entry(wanted.clone()).or_default() += 1;
        }
        self.waiting.push_back(waiting);
    }

    /// The next requests to be placed together, first come first, and the hot variant that is theirs
    /// until it is [released](Self::release). Nobody where all who wait are blocked.
    pub(super) fn take(&mut self, set_size: usize) -> (Vec<Waiting>, Option<Wanted>) {
        let (mut members, mut hot, mut lines) = (Vec::<Waiting>::new(), None, 0);
        let mut keys = HashSet::new();
        let mut queue = std::mem::take(&mut self.waiting);
        let mut passed_over = VecDeque::new();
        while let Some(waiting) = queue.pop_front() {
            if waiting.request.received.elapsed() > PATIENCE {
                self.dismiss(&waiting);
                waiting.tell(Err(PlaceError::Late.into()));
                continue;
            }
            let wants_hot = self.hot_one_of(&waiting.request);
            let fits = match members.first() {
                None => wants_hot
                    .as_ref()
                    .is_none_or(|hot| !self.held.contains(hot)),
                Some(_) => wants_hot == hot,
            };
            let key = waiting.request.key.as_ref();
            let key = key.map(|key| (key.scope.clone(), key.key.clone()));
            if !fits || key.is_some_and(|key| !keys.insert(key)) {
                passed_over.push_back(waiting);
                continue;
            }
            lines += waiting.request.lines.len();
            hot = wants_hot;
            members.push(waiting);
            if members.len() == set_size || lines >= SET_LINES {
                break;
            }
        }
        passed_over.append(&mut queue);
        self.waiting = passed_over;
        members.iter().for_each(|member| self.dismiss(member));
        self.held.extend(hot.clone());
        (members, hot)
    }

    /// Whether one of so many writers may rest: not when it is the only one awake.
    pub(super) fn let_rest(&mut self, writers: usize) -> bool {
        let may_rest = self.resting + 1 < writers;
        self.resting += usize::from(may_rest);
        may_rest
    }

    pub(super) fn release(&mut self, hot: &Wanted) {
        self.held.remove(hot);
    }

    /// Sends everybody away.
    pub(super) fn empty(&mut self) -> VecDeque<Waiting> {
        self.demand.clear();
        std::mem::take(&mut self.waiting)
    }

    /// Forgets what somebody wanted who waits no more.
    fn dismiss(&mut self, waiting: &Waiting) {
        for wanted in named(&waiting.request) {
            if let Some(count) = self.demand.get_mut(wanted) {
                *count -= 1;
                if *count == 0 {
                    self.demand.remove(wanted);
                }
            }
        }
    }

    fn hot_one_of(&self, request: &Request) -> Option<Wanted> {
        let is_hot = |wanted: &&Wanted| {
            self.held.contains(*wanted) || self.demand.get(*wanted).is_some_and(|n| *n >= HOT)
        };
        named(request).find(is_hot).cloned()
    }
}

impl Waiting {
    pub(super) fn tell(self, reply: Reply) {
        let _ = self.reply.send(reply); // whoever asked may be gone; the key remembers
    }
}

/// What counts for being hot: the lines of an ordinary order.
fn named(request: &Request) -> impl Iterator<Item = &Wanted> {
    request.lines.iter().take(16).map(|line| &line.wanted)
}

#[cfg(test)]
mod tests;
