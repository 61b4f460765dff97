//! At the end the counters are exactly what orders and counts come to.

use std::collections::HashMap;

use super::CHECK;
use crate::check::{Evidence, Fate, Finding};
use crate::history::{Action, Phase, Seen};

/// At the end: on hand is what there was, plus what was counted, minus what was sent; reserved is
/// what open orders hold; and nothing was promised that was not there.
pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let setup = &evidence.history.setup;
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
        for (product, quantity) in setup.units(order.asked()) {
            *units.entry(product).or_default() += quantity;
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
    for product in setup.stocked() {
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
