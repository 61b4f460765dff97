//! I6: amounts worked out again from the lines, by other code than the shop's, and prices that were
//! in force at some moment between the first request for an order and its acknowledgement.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, Fate, Finding};
use crate::history::{Action, Kind, OrderView, Seen};
use crate::nemesis::Window;

const CHECK: &str = "I6";
/// What express costs. Written down a second time, on purpose.
const EXPRESS: i64 = 1_500;
/// A change is visible everywhere within a second; another one for a busy machine.
const VISIBLE_NS: u64 = 2_000_000_000;
/// With a fault about, a copy may live until it expires.
const EXPIRED_NS: u64 = 35_000_000_000;
/// How long a fault is about after its heal.
const AFTERMATH_NS: u64 = 5_000_000_000;

/// Looks for amounts that are wrong and prices that were not in force.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let prices = Prices::new(evidence);
    let mut findings = Vec::new();
    for call in &evidence.history.calls {
        let orders = match &call.seen {
            Some(Seen::Order { order }) => std::slice::from_ref(order),
            Some(Seen::Orders { orders, .. }) => orders,
            _ => &[],
        };
        for order in orders {
            if let Some(wrong) = wrong(order) {
                findings.push(Finding::new(
                    CHECK,
                    "totals",
                    format!("order {}: {wrong}", order.id),
                    &[call],
                ));
            }
        }
        findings.extend(copies(evidence.windows, &prices, call));
    }
    for intent in evidence.intents.values() {
        let Some(order) = intent.order() else {
            continue;
        };
        let until = if let Fate::Done(at) = intent.fate {
            at
        } else {
            u64::MAX
        };
        for line in &order.lines {
            if !prices.was_in_force(line.product, line.unit, intent.since, until) {
                let message = format!(
                    "order {} sold product {} for {}, which was not its price",
                    order.id, line.product, line.unit
                );
                findings.push(Finding::new(CHECK, "price", message, &intent.calls));
            }
        }
    }
    findings
}

fn wrong(order: &OrderView) -> Option<String> {
    let line = order
        .lines
        .iter()
        .find(|line| line.quantity.checked_mul(line.unit) != Some(line.total));
    if let Some(line) = line {
        return Some(format!(
            "{} of {} do not come to {}",
            line.quantity, line.unit, line.total
        ));
    }
    let subtotal: i64 = order.lines.iter().map(|line| line.total).sum();
    let shipping = if order.method == "exp" { EXPRESS } else { 0 };
    let expected = (subtotal, 0, shipping, subtotal + shipping);
    let said = (order.subtotal, order.discount, order.shipping, order.total);
    (said != expected)
        .then(|| format!("subtotal, discount, shipping and total are {said:?}, not {expected:?}"))
}

/// Prices that were read outside of an order may be a moment old, and no older.
fn copies(windows: &[Window], prices: &Prices, call: &crate::history::Call) -> Vec<Finding> {
    let seen: Vec<(i64, i64)> = match (&call.action, &call.seen, call.kind) {
        (Action::ReadProduct { product }, Some(Seen::Product { price }), Kind::Ok) => {
            vec![(*product, *price)]
        }
        (Action::ReadProducts, Some(Seen::Products { prices }), Kind::Ok) => prices.clone(),
        _ => return Vec::new(),
    };
    let is_calm = windows.iter().all(|window| {
        let ends = window.ends_ns.saturating_add(AFTERMATH_NS);
        window.begins_ns > call.ended_ns || ends < call.invoked_ns.saturating_sub(VISIBLE_NS)
    });
    let age = if is_calm { VISIBLE_NS } else { EXPIRED_NS };
    let since = call.invoked_ns.saturating_sub(age);
    let is_old = |(product, price): &&(i64, i64)| {
        !prices.was_in_force(*product, *price, since, call.ended_ns)
    };
    let old = seen.iter().filter(is_old);
    old.map(|(product, price)| {
        let message = format!(
            "product {product} was shown for {price}, which had not been its price for {} ms",
            age / 1_000_000
        );
        Finding::new(CHECK, "old-copy", message, &[call])
    })
    .collect()
}

/// When each price of a product may have come into force, and when it surely was no more.
struct Prices {
    of: HashMap<i64, BTreeMap<i64, (u64, u64)>>,
}

impl Prices {
    fn new(evidence: &Evidence<'_>) -> Self {
        // Per product: price, first asked for, done.
        let mut changes = HashMap::<i64, Vec<(i64, u64, Option<u64>)>>::new();
        for product in &evidence.history.setup.products {
            changes
                .entry(product.id)
                .or_default()
                .push((product.price, 0, Some(0)));
        }
        for intent in evidence.intents.values() {
            if let Action::Price { product, amount } = intent.action {
                let done = match intent.fate {
                    Fate::Done(at) => Some(at),
                    Fate::Open => None,
                    Fate::Never(_) => continue,
                };
                changes
                    .entry(*product)
                    .or_default()
                    .push((*amount, intent.since, done));
            }
        }
        let of = changes
            .into_iter()
            .map(|(product, changes)| (product, lives(changes)))
            .collect();
        Self { of }
    }

    fn was_in_force(&self, product: i64, price: i64, from: u64, to: u64) -> bool {
        let life = self.of.get(&product).and_then(|lives| lives.get(&price));
        life.is_some_and(|(since, until)| *since <= to && from <= *until)
    }
}

/// A price is over when another one that was asked for after it was done is done.
fn lives(mut changes: Vec<(i64, u64, Option<u64>)>) -> BTreeMap<i64, (u64, u64)> {
    changes.sort_unstable_by_key(|(_, since, _)| *since);
    // From behind: the earliest end among all changes that began at a place or later.
    let mut earliest = vec![u64::MAX; changes.len() + 1];
    for (index, (_, _, done)) in changes.iter().enumerate().rev() {
        earliest[index] = earliest[index + 1].min(done.unwrap_or(u64::MAX));
    }
    let life = |(amount, since, done): &(i64, u64, Option<u64>)| {
        let later = done.map_or(changes.len(), |done| {
            changes.partition_point(|(_, since, _)| *since <= done)
        });
        (*amount, (*since, earliest[later]))
    };
    changes.iter().map(life).collect()
}

#[cfg(test)]
mod tests {
    use super::super::story::{SECOND, Story, order};
    use super::*;
    use crate::nemesis::Fault;

    fn reprice(story: &mut Story, amount: i64) {
        let action = Action::Price { product: 1, amount };
        story.call(
            action,
            Some(&format!("p{amount}")),
            Kind::Ok,
            Seen::Product { price: amount },
        );
    }

    fn shown(story: &mut Story, price: i64) -> &mut crate::history::Call {
        story.call(
            Action::ReadProduct { product: 1 },
            None,
            Kind::Ok,
            Seen::Product { price },
        )
    }

    #[test]
    fn amounts_and_prices_that_were_in_force_are_fine() {
        let mut story = Story::new();
        story.placed("a", 1, 2);
        reprice(&mut story, 600);
        let seen = Seen::Order { order: priced(600) };
        story.call(super::super::story::buy(2), Some("b"), Kind::Ok, seen);
        shown(&mut story, 500);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn an_order_at_yesterdays_price_is_found() {
        let mut story = Story::new();
        reprice(&mut story, 600);
        story.placed("a", 1, 2);
        assert_eq!(story.found(check), ["price"]);
    }

    #[test]
    fn a_copy_may_be_a_moment_old_and_older_only_with_a_fault_about() {
        let mut story = Story::new();
        reprice(&mut story, 600);
        let late = shown(&mut story, 500);
        late.invoked_ns += 10 * SECOND;
        late.ended_ns += 10 * SECOND;
        assert_eq!(story.found(check), ["old-copy"]);
        story.window(Fault::RedisStop, 2 * SECOND, 9 * SECOND);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn amounts_that_do_not_add_up_are_found() {
        let mut story = Story::new();
        let mut wrong = order("a", 1, 2);
        wrong.total += 1;
        let action = Action::ReadOrder { order: 1 };
        story.call(action, None, Kind::Ok, Seen::Order { order: wrong });
        assert_eq!(story.found(check), ["totals"]);
    }

    fn priced(unit: i64) -> OrderView {
        let mut order = order("b", 2, 2);
        order.lines[0].unit = unit;
        order.lines[0].total = 2 * unit;
        order.subtotal = 2 * unit;
        order.total = 2 * unit;
        order
    }
}
