//! I5: acknowledged orders are stored, stored ones were asked for, and every replica shows an order
//! as soon as it is acknowledged (Jepsen's set-full, with the id as element).

use std::collections::{BTreeMap, HashSet};

use super::{Evidence, Fate, Finding, Intent};
use crate::history::{Action, Call, Kind, OrderView, Seen};

const CHECK: &str = "I5";

/// Looks for lost, phantom and stale orders.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = stale(evidence);
    if evidence.has_final {
        findings.extend(lost(evidence));
        findings.extend(phantoms(evidence));
        findings.extend(cancelled_unasked(evidence));
    }
    findings
}

fn lost(evidence: &Evidence<'_>) -> Vec<Finding> {
    let is_lost = |id: &&i64| !evidence.stored.contains_key(*id);
    let mut lost: Vec<&i64> = evidence.acknowledged.keys().filter(is_lost).collect();
    lost.sort_unstable();
    let finding = |id: &i64| {
        let (_, key) = evidence.acknowledged[id];
        let message =
            format!("order {id} was acknowledged under {key} and is not there at the end");
        Finding::new(CHECK, "lost", message, &evidence.intents[key].calls)
    };
    lost.into_iter().map(finding).collect()
}

/// Stored orders that nobody was told of. One of an unknown intent is none, once.
fn phantoms(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut of_key = BTreeMap::<&str, Vec<&OrderView>>::new();
    for order in evidence.stored.values() {
        of_key.entry(&order.key).or_default().push(order);
    }
    let mut findings = Vec::new();
    for (key, orders) in of_key {
        let intent = evidence.intents.get(key);
        let calls = intent
            .map(|intent| intent.calls.as_slice())
            .unwrap_or_default();
        if let [_, _, ..] = orders[..] {
            let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
            findings.push(Finding::new(
                CHECK,
                "doubled",
                format!("key {key} has the orders {ids:?}"),
                calls,
            ));
        }
        for order in orders {
            let why = match intent {
                None => "that nobody sent",
                Some(intent) if is_excused(intent, order) => continue,
                Some(_) => "whose sender was told that there is no order",
            };
            let message = format!("order {} is there for key {key}, {why}", order.id);
            findings.push(Finding::new(CHECK, "phantom", message, calls));
        }
    }
    findings
}

fn is_excused(intent: &Intent<'_>, order: &OrderView) -> bool {
    match intent.fate {
        Fate::Done(_) => intent.order().is_some_and(|known| known.id == order.id),
        Fate::Open => true,
        // A declined order stays, cancelled, and the refusal says so.
        Fate::Never(_) => {
            order.status == "cancelled" && intent.calls.iter().any(|call| call.status == Some(402))
        }
    }
}

/// Cancelled orders that nobody cancelled. The shop itself may end one whose card was declined, or
/// whose payment is unknown for too long; never one that was acknowledged as it should be.
fn cancelled_unasked(evidence: &Evidence<'_>) -> Vec<Finding> {
    let asked: HashSet<i64> = evidence
        .intents
        .values()
        .filter_map(|intent| match (intent.action, intent.fate) {
            (Action::Cancel { .. }, Fate::Never(_)) => None,
            (Action::Cancel { order }, _) => Some(*order),
            _ => None,
        })
        .collect();
    let is_over = |order: &&&OrderView| order.status == "cancelled" && !asked.contains(&order.id);
    let mut findings = Vec::new();
    for order in evidence.stored.values().filter(is_over) {
        // One that nobody sent is a phantom.
        let Some(intent) = evidence.intents.get(order.key.as_str()) else {
            continue;
        };
        let is_card = matches!(intent.action, Action::Order { payment, .. } if payment == "card");
        let is_declined = intent.calls.iter().any(|call| call.status == Some(402));
        let was_acknowledged = intent
            .order()
            .is_some_and(|known| known.status != "cancelled");
        if was_acknowledged || !(is_card || is_declined) {
            let message = format!("order {} is cancelled, and nobody asked for it", order.id);
            let finding = Finding::new(CHECK, "cancelled-unasked", message, &intent.calls);
            findings.push(finding);
        }
    }
    findings
}

/// Reads that began after an acknowledgement and did not see it.
fn stale(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Acknowledged orders of each user, by the moment they were.
    let mut of_user = BTreeMap::<i64, Vec<(u64, i64)>>::new();
    for (id, (at, key)) in &evidence.acknowledged {
        if let Action::Order { user, .. } = evidence.intents[key].action {
            of_user.entry(*user).or_default().push((*at, *id));
        }
    }
    of_user
        .values_mut()
        .for_each(|orders| orders.sort_unstable());
    for call in &evidence.history.calls {
        match (&call.action, &call.seen, call.kind) {
            (Action::ReadOrder { order }, Some(Seen::Refused { .. }), Kind::Fail) => {
                if let Some((at, _)) = evidence
                    .acknowledged
                    .get(order)
                    .filter(|(at, _)| *at < call.invoked_ns)
                {
                    let message = format!(
                        "order {order} was acknowledged {} ms before it was not found",
                        millis(call.invoked_ns - at)
                    );
                    findings.push(Finding::new(CHECK, "stale", message, &[call]));
                }
            }
            (
                Action::ReadOrders { user: Some(user) },
                Some(Seen::Orders { orders, has_more }),
                Kind::Ok,
            ) => {
                let known = of_user.get(user).map(Vec::as_slice).unwrap_or_default();
                findings.extend(missing(known, call, orders, *has_more));
            }
            _ => {}
        }
    }
    findings
}

/// Orders that a page should have: newest first, so all from its oldest on. Only the newest of the
/// acknowledged ones can be on a page, so few are looked at.
fn missing(known: &[(u64, i64)], call: &Call, page: &[OrderView], has_more: bool) -> Vec<Finding> {
    let oldest = if has_more {
        page.iter().map(|order| order.id).min().unwrap_or(i64::MAX)
    } else {
        i64::MIN
    };
    let before = known.partition_point(|(at, _)| *at < call.invoked_ns);
    let recent = known[..before].iter().rev().take(2 * page.len() + 40);
    recent
        .filter(|(_, id)| *id >= oldest && page.iter().all(|order| order.id != *id))
        .map(|(at, id)| {
            let message = format!(
                "order {id} was acknowledged {} ms before a list without it",
                millis(call.invoked_ns - at)
            );
            Finding::new(CHECK, "stale", message, &[call])
        })
        .collect()
}

fn millis(ns: u64) -> u64 {
    ns / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, cancelled, order, other};
    use super::*;

    #[test]
    fn a_good_history_has_unknown_and_declined_orders_too() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.lost("b", 1);
        story
            .call(super::super::story::buy(1), Some("c"), Kind::Fail, other())
            .status = Some(402);
        let page = Seen::Orders {
            orders: vec![order("a", 1, 1)],
            has_more: false,
        };
        story.call(Action::ReadOrders { user: Some(2) }, None, Kind::Ok, page);
        story.ends_with(
            &[
                order("a", 1, 1),
                order("b", 2, 1),
                cancelled(order("c", 3, 1)),
            ],
            10,
            2,
        );
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn an_acknowledged_order_that_is_gone_is_lost() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.ends_with(&[], 10, 0);
        assert_eq!(story.found(check), ["lost"]);
    }

    #[test]
    fn an_order_that_was_refused_or_never_sent_is_a_phantom() {
        let mut story = Story::new();
        story.call(super::super::story::buy(1), Some("a"), Kind::Fail, other());
        story.ends_with(&[order("a", 1, 1), order("x", 2, 1)], 10, 2);
        assert_eq!(story.found(check), ["phantom", "phantom"]);
    }

    #[test]
    fn the_shop_itself_cancels_only_what_was_not_paid() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.lost("b", 1);
        let card = Action::Order {
            user: 2,
            lines: vec![(1, 1)],
            payment: "card".into(),
            token: None,
            shipping: "std".into(),
        };
        story.call(card, Some("c"), Kind::Info, other());
        story.placed("d", 4, 1);
        story.call(Action::Cancel { order: 4 }, Some("e"), Kind::Info, other());
        let orders = [("a", 1), ("b", 2), ("c", 3), ("d", 4)];
        let ends = orders.map(|(key, id)| cancelled(order(key, id, 1)));
        story.ends_with(&ends, 10, 0);
        assert_eq!(story.found(check), ["cancelled-unasked"; 2]);
    }

    #[test]
    fn a_key_with_two_orders_is_doubled() {
        let mut story = Story::new();
        story.lost("a", 1);
        story.ends_with(&[order("a", 1, 1), order("a", 2, 1)], 10, 2);
        assert_eq!(story.found(check), ["doubled"]);
    }

    #[test]
    fn what_a_replica_does_not_show_after_the_acknowledgement_is_stale() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        let gone = Seen::Refused {
            code: "order_not_found".into(),
        };
        story
            .call(Action::ReadOrder { order: 1 }, None, Kind::Fail, gone)
            .replica = Some(1);
        let page = Seen::Orders {
            orders: vec![],
            has_more: false,
        };
        story.call(Action::ReadOrders { user: Some(2) }, None, Kind::Ok, page);
        assert_eq!(story.found(check), ["stale", "stale"]);
    }
}
