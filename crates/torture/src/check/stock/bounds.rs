//! Every look at stock lies between what the writes so far allow at least and at most.

use std::collections::HashMap;

use super::CHECK;
use super::effects::effects;
use crate::check::{Evidence, Fate, Finding};
use crate::history::{Action, Call, Kind, Seen, Setup};

/// A counter's lowest and highest possible value.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    low: i64,
    high: i64,
}

impl Range {
    /// A change may happen from now on.
    fn may_move(&mut self, by: i64) {
        if by < 0 {
            self.low += by;
        } else {
            self.high += by;
        }
    }

    /// It has happened.
    fn has_moved(&mut self, by: i64) {
        if by < 0 {
            self.high += by;
        } else {
            self.low += by;
        }
    }

    /// It will not happen.
    fn will_not_move(&mut self, by: i64) {
        if by < 0 {
            self.low -= by;
        } else {
            self.high -= by;
        }
    }
}

/// What happens at a moment. At the same nanosecond, what widens a range comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Begins,
    Looks,
    HasLooked,
    Settles,
}

/// A look under way: the bounds that any moment of it allows.
#[derive(Clone, Copy, Debug)]
struct Look {
    on_hand: Range,
    reserved: Range,
    /// The least that was surely available at all moments so far.
    available: i64,
}

/// Looks outside the bounds, and orders refused as sold out while all was surely there.
pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let setup = &evidence.history.setup;
    let effects = effects(evidence);
    let mut moments = Vec::new();
    for (index, effect) in effects.iter().enumerate() {
        moments.push((effect.since, Moment::Begins, effect.product, index));
        if let Fate::Done(at) | Fate::Never(at) = effect.fate {
            moments.push((at, Moment::Settles, effect.product, index));
        }
    }
    let calls = &evidence.history.calls;
    for (index, call) in calls.iter().enumerate() {
        for product in looked_at(setup, call) {
            moments.push((call.invoked_ns, Moment::Looks, product, index));
            moments.push((call.ended_ns, Moment::HasLooked, product, index));
        }
    }
    moments.sort_unstable();

    let mut counters = HashMap::<i64, (Range, Range)>::new();
    for product in setup.stocked() {
        let on_hand = Range {
            low: product.on_hand,
            high: product.on_hand,
        };
        counters.insert(product.id, (on_hand, Range::default()));
    }
    let mut looks = HashMap::<i64, HashMap<usize, Look>>::new();
    let mut findings = Vec::new();
    // A refused order lied only if each of its lines was available.
    let mut surely_there = HashMap::<usize, bool>::new();
    for (_, moment, product, index) in moments {
        let (on_hand, reserved) = counters.entry(product).or_default();
        match moment {
            Moment::Begins => {
                on_hand.may_move(effects[index].on_hand);
                reserved.may_move(effects[index].reserved);
            }
            Moment::Settles => {
                let effect = effects[index];
                let settle = if matches!(effect.fate, Fate::Done(_)) {
                    Range::has_moved
                } else {
                    Range::will_not_move
                };
                settle(on_hand, effect.on_hand);
                settle(reserved, effect.reserved);
            }
            Moment::Looks => {
                let look = Look {
                    on_hand: *on_hand,
                    reserved: *reserved,
                    available: on_hand.low - reserved.high,
                };
                looks.entry(product).or_default().insert(index, look);
            }
            Moment::HasLooked => {
                let Some(look) = looks.entry(product).or_default().remove(&index) else {
                    continue;
                };
                let call = &calls[index];
                if let Some(Seen::Stock {
                    on_hand: seen_on_hand,
                    reserved: seen_reserved,
                    ..
                }) = call.seen
                {
                    for (name, seen, range) in [
                        ("on hand", seen_on_hand, look.on_hand),
                        ("reserved", seen_reserved, look.reserved),
                    ] {
                        if !(range.low..=range.high).contains(&seen) {
                            let message = format!(
                                "product {product} had {seen} {name}, which lies outside {} to {}",
                                range.low, range.high
                            );
                            findings.push(Finding::new(CHECK, "bounds", message, &[call]));
                        }
                    }
                } else {
                    *surely_there.entry(index).or_insert(true) &= look.available >= 0;
                }
                continue;
            }
        }
        let (on_hand, reserved) = (*on_hand, *reserved);
        for look in looks.entry(product).or_default().values_mut() {
            look.on_hand = widest(look.on_hand, on_hand);
            look.reserved = widest(look.reserved, reserved);
            look.available = look.available.min(on_hand.low - reserved.high);
        }
    }
    let mut lies: Vec<usize> = surely_there
        .into_iter()
        .filter_map(|(index, there)| there.then_some(index))
        .collect();
    lies.sort_unstable();
    for index in lies {
        let message = "an order was refused as sold out while all it wanted was there";
        findings.push(Finding::new(
            CHECK,
            "false-sold-out",
            message,
            &[&calls[index]],
        ));
    }
    findings
}

/// The products whose stock an answer tells something of.
fn looked_at(setup: &Setup, call: &Call) -> Vec<i64> {
    match (&call.action, &call.seen, call.kind) {
        (Action::ReadStock { product }, Some(Seen::Stock { .. }), Kind::Ok) => vec![*product],
        (Action::Order { lines, .. }, Some(Seen::Refused { code }), Kind::Fail)
            if code == "out_of_stock" =>
        {
            setup.units(lines.iter().copied()).into_keys().collect()
        }
        _ => Vec::new(),
    }
}

fn widest(one: Range, other: Range) -> Range {
    Range {
        low: one.low.min(other.low),
        high: one.high.max(other.high),
    }
}
