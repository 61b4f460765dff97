//! By how much each write moves which counters, and when.

use std::collections::{BTreeMap, HashMap};

use crate::check::{Evidence, Fate};
use crate::history::{Action, OrderView};

/// By how much a write moves the counters of one product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    pub product: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub since: u64,
    pub fate: Fate,
}

/// All effects of a history: orders, cancellations, shipments, counts.
pub(super) fn effects(evidence: &Evidence<'_>) -> Vec<Effect> {
    let setup = &evidence.history.setup;
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
                for (product, reserved) in setup.units(lines.iter().copied()) {
                    effects.push(Effect {
                        product,
                        on_hand: 0,
                        reserved,
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
    let orders: HashMap<i64, &OrderView> = evidence
        .intents
        .values()
        .filter_map(|intent| intent.order())
        .map(|order| (order.id, order))
        .collect();
    for ((order, ships), (since, fate)) in leavings {
        let asked = orders
            .get(&order)
            .into_iter()
            .flat_map(|order| order.asked());
        for (product, units) in setup.units(asked) {
            let on_hand = if ships { -units } else { 0 };
            effects.push(Effect {
                product,
                on_hand,
                reserved: -units,
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
