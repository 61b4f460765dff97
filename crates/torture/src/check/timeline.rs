//! I8: each order's timeline has versions 1, 2, 3 …, every step is in the table, the order stands
//! where its last step led, and nobody ever saw it go back.

use std::collections::HashMap;

use super::{Evidence, Finding};
use crate::history::{Call, OrderView, Seen};

const CHECK: &str = "I8";

/// The steps there are. Written down a second time, on purpose.
const STEPS: [(Option<&str>, &str); 7] = [
    (None, "ordered"),
    (Some("ordered"), "processed"),
    (Some("ordered"), "cancelled"),
    (Some("processed"), "inTransit"),
    (Some("processed"), "cancelled"),
    (Some("inTransit"), "outForDelivery"),
    (Some("outForDelivery"), "delivered"),
];

/// Looks for gaps, forbidden steps, and orders that went back.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in &evidence.history.calls {
        if let Some(Seen::Order { order }) = &call.seen
            && !order.timeline.is_empty()
            && let Some(wrong) = wrong(order)
        {
            findings.push(Finding::new(
                CHECK,
                "timeline",
                format!("order {}: {wrong}", order.id),
                &[call],
            ));
        }
    }
    findings.extend(went_back(&evidence.history.calls));
    findings
}

fn wrong(order: &OrderView) -> Option<String> {
    let mut status = None;
    for (entry, version) in order.timeline.iter().zip(1..) {
        if entry.version != version {
            return Some(format!(
                "entry {version} of the timeline has version {}",
                entry.version
            ));
        }
        let Some(to) = entry.to.as_deref() else {
            continue;
        };
        if entry.from.as_deref() != status || !STEPS.contains(&(status, to)) {
            return Some(format!("the step from {status:?} to {to} is in no table"));
        }
        status = Some(to);
    }
    if status != Some(order.status.as_str()) {
        return Some(format!(
            "it is {}, and its timeline says {status:?}",
            order.status
        ));
    }
    let entries = i64::try_from(order.timeline.len()).unwrap_or_default();
    (order.version != entries).then(|| format!("version {} with {entries} entries", order.version))
}

/// A read that began after another one had ended must not show an older version.
fn went_back(calls: &[Call]) -> Vec<Finding> {
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        // Answers to a key show the order as it was when it was placed.
        if call.key.is_none() && matches!(call.seen, Some(Seen::Order { .. } | Seen::Orders { .. }))
        {
            moments.extend([
                (call.invoked_ns, false, index),
                (call.ended_ns, true, index),
            ]);
        }
    }
    moments.sort_unstable();
    let mut seen = HashMap::<i64, i64>::new();
    let mut least = HashMap::<(usize, i64), i64>::new();
    let mut findings = Vec::new();
    for (_, ended, index) in moments {
        for order in orders(&calls[index]) {
            let known = seen.get(&order.id).copied().unwrap_or_default();
            if !ended {
                least.insert((index, order.id), known);
                continue;
            }
            let expected = least.remove(&(index, order.id)).unwrap_or_default();
            if order.version < expected {
                let message = format!(
                    "order {} had version {expected} before version {} was read",
                    order.id, order.version
                );
                findings.push(Finding::new(CHECK, "went-back", message, &[&calls[index]]));
            }
            seen.insert(order.id, known.max(order.version));
        }
    }
    findings
}

fn orders(call: &Call) -> &[OrderView] {
    match &call.seen {
        Some(Seen::Order { order }) => std::slice::from_ref(order),
        Some(Seen::Orders { orders, .. }) => orders,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, cancelled, order, step};
    use super::*;
    use crate::history::{Action, Kind};

    fn read(story: &mut Story, order: OrderView) {
        let action = Action::ReadOrder { order: order.id };
        story.call(action, None, Kind::Ok, Seen::Order { order });
    }

    #[test]
    fn orders_go_along_the_table() {
        let mut story = Story::new();
        read(&mut story, order("a", 1, 1));
        read(&mut story, cancelled(order("a", 1, 1)));
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn a_gap_a_jump_and_a_wrong_end_are_found() {
        let mut story = Story::new();
        let mut gap = cancelled(order("a", 1, 1));
        gap.timeline[1].version = 3;
        read(&mut story, gap);
        let mut jump = order("b", 2, 1);
        jump.timeline.push(step(2, Some("ordered"), "delivered"));
        read(&mut story, jump);
        let mut wrong = order("c", 3, 1);
        wrong.status = "processed".into();
        read(&mut story, wrong);
        assert_eq!(story.found(check), ["timeline"; 3]);
    }

    #[test]
    fn an_order_never_goes_back() {
        let mut story = Story::new();
        read(&mut story, cancelled(order("a", 1, 1)));
        read(&mut story, order("a", 1, 1));
        assert_eq!(story.found(check), ["went-back"]);
    }
}
