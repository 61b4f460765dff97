//! I1: the bank test on stock. Each write moves counters by a known amount at some moment between its
//! first request and its acknowledgement, so at each moment a counter has a lowest and a highest
//! possible value. Every look at stock must lie between them, a "sold out" must have been possible,
//! and at the end the counters are exactly what the orders come to.
//!
//! - [`effects`]: by how much each write moves which counters
//! - [`bounds`]: looks, and refusals for want of stock, against what was possible
//! - [`conservation`]: the end

mod bounds;
mod conservation;
mod effects;

use super::{Evidence, Finding};
use crate::history::{Kind, Seen};

const CHECK: &str = "I1";

/// Looks for impossible counters, lies about being sold out, and stock that does not add up.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = shapes(evidence);
    findings.extend(bounds::check(evidence));
    if evidence.has_final {
        findings.extend(conservation::check(evidence));
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

#[cfg(test)]
mod tests {
    use super::super::story::{Story, buy, cancelled, order, stock};
    use super::*;
    use crate::history::{Action, LineView, OrderView, Phase, Stocked};

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
        story.cancelled("c", 1);
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
        story.cancelled("c", 1);
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
    fn a_bundle_takes_what_it_is_made_of() {
        let mut story = Story::new();
        let bundle = Stocked {
            id: 9,
            price: 500,
            parts: vec![(1, 2)],
            ..Stocked::default()
        };
        story.history.setup.products.push(bundle);
        let bought = |order: OrderView| {
            let line = LineView {
                product: 9,
                ..order.lines[0]
            };
            OrderView {
                lines: vec![line],
                ..order
            }
        };
        let action = Action::Order {
            user: 2,
            lines: vec![(9, 3)],
            payment: "cod".into(),
            token: None,
            shipping: "std".into(),
        };
        let seen = Seen::Order {
            order: bought(order("a", 1, 3)),
        };
        story.call(action.clone(), Some("a"), Kind::Ok, seen);
        story.stock(10, 6);
        story.ends_with(&[bought(order("a", 1, 3))], 10, 6);
        assert_eq!(story.found(check), [""; 0]);
        story.stock(10, 3);
        let refused = Seen::Refused {
            code: "out_of_stock".into(),
        };
        story.call(action, Some("b"), Kind::Fail, refused);
        assert_eq!(story.found(check), ["bounds"], "two more, not three");
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
