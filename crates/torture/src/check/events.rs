//! I9: whoever follows the log of events learns of every change, once, and in its order.
//!
//! The log is read from its beginning at the end. Each resource's events count 1, 2, 3 …, each
//! entry of an order's timeline has its event, each acknowledged price has one; and what somebody
//! was told who followed the log all the time is how it began, without a gap.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Evidence, Fate, Finding};
use crate::history::{Action, Call, EventView, Phase, Seen, StepView};

const CHECK: &str = "I9";

/// Looks for events that are missing, doubled or out of order, in the log or for its follower.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let log = told(evidence, Phase::Final);
    if log.is_empty() {
        let message = "the log of events is empty at the end";
        let finding = || Finding::new(CHECK, "empty", message, &[]);
        return evidence.has_final.then(finding).into_iter().collect();
    }
    let mut findings = sequences(&log);
    findings.extend(followed(&log, &told(evidence, Phase::Run)));
    findings.extend(orders(evidence, &log));
    findings.extend(prices(evidence, &log));
    findings
}

/// All events of a part of the run, with the answers that told them.
fn told<'h>(evidence: &Evidence<'h>, phase: Phase) -> Vec<(&'h Call, &'h EventView)> {
    let calls = evidence.history.calls.iter();
    calls
        .filter(|call| call.phase == phase)
        .filter_map(|call| match &call.seen {
            Some(Seen::Events { events, .. }) => Some((call, events)),
            _ => None,
        })
        .flat_map(|(call, events)| events.iter().map(move |event| (call, event)))
        .collect()
}

fn sequences(log: &[(&Call, &EventView)]) -> Vec<Finding> {
    let mut last = HashMap::<(&str, i64), i64>::new();
    let mut findings = Vec::new();
    for (call, event) in log {
        let last = last.entry((&event.resource, event.of)).or_default();
        if event.sequence != *last + 1 {
            let message = format!(
                "{} {}: event {} ({}) comes after {last}",
                event.resource, event.of, event.sequence, event.kind
            );
            findings.push(Finding::new(CHECK, "sequence", message, &[call]));
        }
        *last = event.sequence;
    }
    findings
}

/// What was told while the shop was used is how the log begins.
fn followed(log: &[(&Call, &EventView)], told: &[(&Call, &EventView)]) -> Vec<Finding> {
    let known: HashSet<&str> = told.iter().map(|(_, event)| event.id.as_str()).collect();
    let differs = log
        .iter()
        .zip(told)
        .find(|(log, told)| log.1.id != told.1.id);
    let Some(((_, event), (call, told_instead))) = differs else {
        return Vec::new();
    };
    let kind = if known.contains(event.id.as_str()) {
        "disorder"
    } else {
        "skipped"
    };
    let message = format!(
        "the follower was told {} of {} {} where the log has {} of {} {}",
        told_instead.kind,
        told_instead.resource,
        told_instead.of,
        event.kind,
        event.resource,
        event.of
    );
    vec![Finding::new(CHECK, kind, message, &[call])]
}

/// The events of each order are those of its timeline.
fn orders(evidence: &Evidence<'_>, log: &[(&Call, &EventView)]) -> Vec<Finding> {
    let mut events = BTreeMap::<i64, Vec<(i64, &str)>>::new();
    for (_, event) in log.iter().filter(|(_, event)| event.resource == "order") {
        let of_order = events.entry(event.of).or_default();
        of_order.push((event.sequence, &event.kind));
    }
    let stored = evidence.stored.iter().map(|(id, order)| {
        let entries = order.timeline.iter();
        let expected = entries.map(|step| (step.version, announcement(step)));
        (*id, expected.collect::<Vec<_>>())
    });
    let mut findings = Vec::new();
    for (id, expected) in stored {
        let events = events.remove(&id).unwrap_or_default();
        if events != expected {
            let message = format!("order {id} has events {events:?}, its timeline {expected:?}");
            findings.push(Finding::new(CHECK, "unannounced", message, &[]));
        }
    }
    for id in events.into_keys() {
        let message = format!("there are events of order {id}, which is not stored");
        findings.push(Finding::new(CHECK, "orphan", message, &[]));
    }
    findings
}

/// The kind of event that tells of an entry. Written down a second time, on purpose.
fn announcement(step: &StepView) -> &'static str {
    match (step.kind.as_str(), step.to.as_deref()) {
        ("placed", _) => "order.placed",
        ("payment", _) => "payment.changed",
        (_, Some("cancelled")) => "order.cancelled",
        _ => "order.statusChanged",
    }
}

/// A product has one event for its making, a bundle another one, and one for each new price.
fn prices(evidence: &Evidence<'_>, log: &[(&Call, &EventView)]) -> Vec<Finding> {
    let mut changes = HashMap::<i64, u64>::new();
    for (_, event) in log.iter().filter(|(_, event)| event.resource == "product") {
        *changes.entry(event.of).or_default() += 1;
    }
    let mut allowed = BTreeMap::<i64, (u64, u64)>::new();
    for product in &evidence.history.setup.products {
        let made = 1 + u64::from(!product.parts.is_empty());
        allowed.insert(product.id, (made, made));
    }
    for intent in evidence.intents.values() {
        if let Action::Price { product, .. } = intent.action
            && let Some((least, most)) = allowed.get_mut(product)
        {
            *least += u64::from(matches!(intent.fate, Fate::Done(_)));
            *most += u64::from(!matches!(intent.fate, Fate::Never(_)));
        }
    }
    let wrong = allowed.into_iter().filter_map(|(product, (least, most))| {
        let count = changes.get(&product).copied().unwrap_or_default();
        let is_wrong = !(least..=most).contains(&count);
        is_wrong.then(|| {
            let message =
                format!("product {product} has {count} events, and should have {least} to {most}");
            Finding::new(CHECK, "changes", message, &[])
        })
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, order};
    use super::*;
    use crate::history::Kind;

    fn event(id: &str, kind: &str, of: i64, sequence: i64) -> EventView {
        let (resource, _) = kind.split_once('.').unwrap();
        EventView {
            id: id.into(),
            kind: kind.into(),
            resource: resource.into(),
            of,
            sequence,
        }
    }

    fn the_log() -> Vec<EventView> {
        vec![
            event("a", "product.changed", 1, 1),
            event("b", "order.placed", 7, 1),
            event("c", "product.changed", 1, 2),
        ]
    }

    /// A price, an order, and somebody who follows.
    fn story(followed: &[EventView], log: &[EventView]) -> Story {
        let mut story = Story::new();
        story.placed("k", 7, 1);
        let price = Action::Price {
            product: 1,
            amount: 700,
        };
        story.call(price, Some("p"), Kind::Ok, Seen::Product { price: 700 });
        for (phase, events) in [(Phase::Run, followed), (Phase::Final, log)] {
            for page in events.chunks(2) {
                let seen = Seen::Events {
                    events: page.to_vec(),
                    next: String::new(),
                    has_more: false,
                };
                let action = Action::ReadEvents { after: None };
                story.call(action, None, Kind::Ok, seen).phase = phase;
            }
        }
        story.ends_with(&[order("k", 7, 1)], 10, 1);
        story
    }

    #[test]
    fn a_follower_may_be_late() {
        for seen in 0..=3 {
            let story = story(&the_log()[..seen], &the_log());
            assert_eq!(story.found(check), [""; 0], "{seen}");
        }
    }

    #[test]
    fn a_follower_misses_nothing_and_is_told_in_order() {
        let log = the_log();
        let skipped = [log[0].clone(), log[2].clone()];
        assert_eq!(story(&skipped, &log).found(check), ["skipped"]);
        let turned = [log[0].clone(), log[2].clone(), log[1].clone()];
        assert_eq!(story(&turned, &log).found(check), ["disorder"]);
        let twice = [log[0].clone(), log[0].clone(), log[1].clone()];
        assert_eq!(story(&twice, &log).found(check), ["disorder"]);
    }

    #[test]
    fn everything_has_its_event_once() {
        let log = the_log();
        let found = |log: &[EventView]| story(&[], log).found(check);
        assert_eq!(found(&log[..2]), ["changes"]);
        assert_eq!(found(&[log[0].clone(), log[2].clone()]), ["unannounced"]);
        let mut twice = log.clone();
        twice.insert(2, event("d", "order.placed", 7, 1));
        assert_eq!(found(&twice), ["sequence", "unannounced"]);
        let mut other = log.clone();
        other[1].kind = "payment.changed".into();
        other[1].resource = "order".into();
        assert_eq!(found(&other), ["unannounced"]);
        assert_eq!(found(&[]), ["empty"]);
        let mut nobody = log;
        nobody.push(event("e", "order.placed", 8, 1));
        assert_eq!(found(&nobody), ["orphan"]);
    }
}
