//! I1: the bank test on stock. Each write moves counters by a known amount at some moment between its
//! first request and its acknowledgement, so at each moment a counter has a lowest and a highest
//! possible value. Every look at stock must lie between them, a "sold out" must have been possible,
//! and at the end the counters are exactly what the orders come to.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, Fate, Finding};
use crate::history::{Action, Call, Kind, OrderView, Phase, Seen};

const CHECK: &str = "I1";

/// Looks for impossible counters, lies about being sold out, and stock that does not add up.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = shapes(evidence);
    findings.extend(bounds(evidence));
    if evidence.has_final {
        findings.extend(conservation(evidence));
    }
    findings
}

/// What each single look must satisfy.
fn shapes(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in &evidence.history.calls {
        let Some(Seen::Stock {
            on_hand,
            reserved,
            safety,
            backorder,
            available,
        }) = call.seen
        else {
            continue;
        };
        if call.kind != Kind::Ok {
            continue;
        }
        let room = on_hand - safety + backorder;
        let wrong = if on_hand < 0 || reserved < 0 {
            "a counter is negative"
        } else if reserved > room {
            "more is promised than there is"
        } else if available != room - reserved {
            "what is available is not what is left"
        } else {
            continue;
        };
        findings.push(Finding::new(
            CHECK,
            "impossible",
            format!("{wrong}: {:?}", call.seen),
            &[call],
        ));
    }
    findings
}

/// By how much a write moves the counters of one product.
#[derive(Clone, Copy, Debug)]
struct Effect {
    product: i64,
    on_hand: i64,
    reserved: i64,
    since: u64,
    fate: Fate,
}

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

/// All effects of a history: orders, cancellations, shipments, counts.
fn effects(evidence: &Evidence<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    // Cancelled or shipped, an order leaves the reserved units once, whoever asks how many times.
    let mut leavings = BTreeMap::<(i64, bool), (u64, Fate)>::new();
    for intent in evidence.intents.values() {
        match intent.action {
            Action::Order { lines, .. } => {
                // Declined or expired before it was acknowledged: it gave back what it had taken.
                let is_over = intent
                    .order()
                    .is_some_and(|order| order.status == "cancelled");
                let fate = if is_over { Fate::Open } else { intent.fate };
                for (product, quantity) in lines {
                    effects.push(Effect {
                        product: *product,
                        on_hand: 0,
                        reserved: *quantity,
                        since: intent.since,
                        fate,
                    });
                }
            }
            Action::Restock {
                product,
                expected,
                on_hand,
            } => {
                effects.push(Effect {
                    product: *product,
                    on_hand: on_hand - expected,
                    reserved: 0,
                    since: intent.since,
                    fate: intent.fate,
                });
            }
            Action::Cancel { order } => {
                join(&mut leavings, (*order, false), intent.since, intent.fate);
            }
            Action::Advance { order, to } if to == "inTransit" => {
                join(&mut leavings, (*order, true), intent.since, intent.fate);
            }
            _ => {}
        }
    }
    let lines: HashMap<i64, &OrderView> = evidence
        .intents
        .values()
        .filter_map(|intent| intent.order())
        .map(|order| (order.id, order))
        .collect();
    for ((order, ships), (since, fate)) in leavings {
        for line in lines
            .get(&order)
            .map(|order| order.lines.as_slice())
            .unwrap_or_default()
        {
            let on_hand = if ships { -line.quantity } else { 0 };
            effects.push(Effect {
                product: line.product,
                on_hand,
                reserved: -line.quantity,
                since,
                fate,
            });
        }
    }
    effects
}

/// Of several requests for the same thing the first counts, and the earliest certainty.
fn join(
    leavings: &mut BTreeMap<(i64, bool), (u64, Fate)>,
    of: (i64, bool),
    since: u64,
    fate: Fate,
) {
    let entry = leavings.entry(of).or_insert((since, fate));
    entry.0 = entry.0.min(since);
    entry.1 = match (entry.1, fate) {
        (Fate::Done(one), Fate::Done(other)) => Fate::Done(one.min(other)),
        (done @ Fate::Done(_), _) | (_, done @ Fate::Done(_)) => done,
        (Fate::Open, _) | (_, Fate::Open) => Fate::Open,
        (Fate::Never(one), Fate::Never(other)) => Fate::Never(one.max(other)),
    };
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

fn bounds(evidence: &Evidence<'_>) -> Vec<Finding> {
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
        for product in looked_at(call) {
            moments.push((call.invoked_ns, Moment::Looks, product, index));
            moments.push((call.ended_ns, Moment::HasLooked, product, index));
        }
    }
    moments.sort_unstable();

    let mut counters = HashMap::<i64, (Range, Range)>::new();
    for product in &evidence.history.setup.products {
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
fn looked_at(call: &Call) -> Vec<i64> {
    match (&call.action, &call.seen, call.kind) {
        (Action::ReadStock { product }, Some(Seen::Stock { .. }), Kind::Ok) => vec![*product],
        (Action::Order { lines, .. }, Some(Seen::Refused { code }), Kind::Fail)
            if code == "out_of_stock" =>
        {
            lines.iter().map(|(product, _)| *product).collect()
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

/// At the end: on hand is what there was, plus what was counted, minus what was sent; reserved is
/// what open orders hold; and nothing was promised that was not there.
fn conservation(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut counted = HashMap::<i64, i64>::new();
    for intent in evidence.intents.values() {
        if let (
            Action::Restock {
                product,
                expected,
                on_hand,
            },
            Fate::Done(_),
        ) = (intent.action, intent.fate)
        {
            *counted.entry(*product).or_default() += on_hand - expected;
        }
    }
    let (mut held, mut sent) = (HashMap::<i64, i64>::new(), HashMap::<i64, i64>::new());
    for order in evidence.stored.values() {
        let units = match order.status.as_str() {
            "ordered" | "processed" => &mut held,
            "cancelled" => continue,
            _ => &mut sent,
        };
        for line in &order.lines {
            *units.entry(line.product).or_default() += line.quantity;
        }
    }
    let of =
        |units: &HashMap<i64, i64>, product: i64| units.get(&product).copied().unwrap_or_default();
    let finals = evidence
        .history
        .calls
        .iter()
        .filter(|call| call.phase == Phase::Final);
    let mut last = HashMap::new();
    for call in finals {
        if let (
            Action::ReadStock { product },
            Some(Seen::Stock {
                on_hand, reserved, ..
            }),
        ) = (&call.action, &call.seen)
        {
            last.insert(*product, (*on_hand, *reserved, call));
        }
    }
    let mut findings = Vec::new();
    for product in &evidence.history.setup.products {
        let all = product.on_hand + of(&counted, product.id);
        let (held, sent) = (of(&held, product.id), of(&sent, product.id));
        if held + sent > all {
            let message = format!("product {}: {} sold of {all}", product.id, held + sent);
            findings.push(Finding::new(CHECK, "oversold", message, &[]));
        }
        let Some((on_hand, reserved, call)) = last.get(&product.id) else {
            continue;
        };
        if (*on_hand, *reserved) != (all - sent, held) {
            let message = format!(
                "product {}: {on_hand} on hand and {reserved} reserved, where orders and counts come to {} and {held}",
                product.id,
                all - sent
            );
            findings.push(Finding::new(CHECK, "not-conserved", message, &[call]));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, buy, cancelled, order, stock};
    use super::*;

    #[test]
    fn stock_that_adds_up_is_fine() {
        let mut story = Story::new();
        story.stock(10, 0);
        story.placed("a", 1, 3);
        story.lost("b", 2);
        story.stock(10, 3);
        story.stock(10, 5);
        let restock = Action::Restock {
            product: 1,
            expected: 10,
            on_hand: 14,
        };
        story.call(restock, Some("r"), Kind::Ok, stock(14, 5));
        story.call(
            Action::Cancel { order: 1 },
            Some("c"),
            Kind::Ok,
            Seen::Status {
                status: "cancelled".into(),
            },
        );
        story.ends_with(&[cancelled(order("a", 1, 3)), order("b", 2, 2)], 14, 2);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn a_decrement_that_was_lost_lies_outside_the_bounds_and_does_not_add_up() {
        let mut story = Story::new();
        story.placed("a", 1, 3);
        story.placed("b", 2, 3);
        story.stock(10, 3);
        story.ends_with(&[order("a", 1, 3), order("b", 2, 3)], 10, 3);
        assert_eq!(story.found(check), ["bounds", "bounds", "not-conserved"]);
    }

    #[test]
    fn more_sold_than_there_was_is_oversold() {
        let mut story = Story::new();
        story.placed("a", 1, 6);
        story.placed("b", 2, 6);
        story.ends_with(&[order("a", 1, 6), order("b", 2, 6)], 12, 12);
        assert_eq!(story.found(check), ["bounds", "oversold", "not-conserved"]);
    }

    #[test]
    fn stock_that_returns_twice_is_found() {
        let mut story = Story::new();
        story.placed("a", 1, 2);
        story.placed("b", 2, 2);
        story.call(
            Action::Cancel { order: 1 },
            Some("c"),
            Kind::Ok,
            Seen::Status {
                status: "cancelled".into(),
            },
        );
        story.stock(10, 0);
        assert_eq!(story.found(check), ["bounds"]);
    }

    #[test]
    fn an_order_that_expires_returns_its_stock_once() {
        let mut story = Story::new();
        story.lost("a", 3);
        story.stock(10, 3);
        story.stock(10, 0);
        story.ends_with(&[cancelled(order("a", 1, 3))], 10, 0);
        assert_eq!(story.found(check), [""; 0]);
        story.stock(10, 3).phase = Phase::Final;
        assert_eq!(story.found(check), ["not-conserved"]);
    }

    #[test]
    fn an_order_that_was_over_when_it_was_acknowledged_holds_nothing() {
        let mut story = Story::new();
        story.lost("a", 3);
        let seen = Seen::Order {
            order: cancelled(order("a", 1, 3)),
        };
        story.call(buy(3), Some("a"), Kind::Ok, seen);
        story.stock(10, 0);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn counters_that_cannot_be_are_found() {
        let mut story = Story::new();
        story.lost("a", 20);
        story.stock(10, 20);
        assert_eq!(story.found(check), ["impossible"]);
    }

    #[test]
    fn sold_out_is_a_lie_only_when_all_was_surely_there() {
        let mut story = Story::new();
        let refused = || Seen::Refused {
            code: "out_of_stock".into(),
        };
        story.lost("a", 8);
        story.call(buy(3), Some("b"), Kind::Fail, refused());
        assert_eq!(story.found(check), [""; 0]);
        story.call(buy(2), Some("c"), Kind::Fail, refused());
        assert_eq!(story.found(check), ["false-sold-out"]);
    }
}
