use chrono::NaiveDateTime;
use domain::OrderId;
use serde_json::{Value, json};

use super::*;
use crate::invoices::InvoiceLine;
use crate::plan;
use crate::run::Placed;

fn invoice(number: &str, lines: &[(usize, i64, i64)]) -> Invoice {
    let line = |&(sku, units, pence)| InvoiceLine { sku, units, pence };
    Invoice {
        number: number.to_owned(),
        cancellation: number.starts_with('C'),
        moment: NaiveDateTime::default(),
        buyer: Buyer::Customer("17850".to_owned()),
        country: "EIRE".to_owned(),
        lines: lines.iter().map(line).collect(),
    }
}

fn ledger(invoices: Vec<Invoice>) -> Ledger {
    let skus = ["85123A", "71053"].map(|sku| sku.parse().unwrap()).to_vec();
    Ledger {
        skus,
        invoices,
        ..Ledger::default()
    }
}

fn id(number: i64) -> OrderId {
    OrderId::try_from(number).unwrap()
}

/// An outcome in which invoice `n` became order `n + 1`.
fn outcome(placed: &[(usize, bool, u32)]) -> Outcome {
    let order = |index: usize| id(i64::try_from(index).unwrap() + 1);
    let entry = |&(index, replayed, tries)| {
        (
            index,
            Placed {
                order: order(index),
                replayed,
                tries,
            },
        )
    };
    Outcome {
        placed: placed.iter().map(entry).collect(),
        ..Outcome::new().unwrap()
    }
}

fn known(orders: &[(&str, i64, bool)]) -> HashMap<String, Known> {
    let entry = |&(number, order, cancelled): &(&str, i64, bool)| {
        (
            number.to_owned(),
            Known {
                order: id(order),
                cancelled,
            },
        )
    };
    orders.iter().map(entry).collect()
}

#[test]
fn only_what_this_run_changed_moves_reservations() {
    let ledger = ledger(vec![
        invoice("1", &[(0, 5, 1), (0, 1, 1)]),
        invoice("2", &[(1, 7, 1)]),
        invoice("C3", &[(1, 7, 0)]),
    ]);
    let (plan, outcome) = (
        plan::make(&ledger),
        outcome(&[(0, false, 1), (1, false, 1)]),
    );
    let moved = |known: &[(&str, i64, bool)]| {
        let known = self::known(known);
        Evidence {
            ledger: &ledger,
            plan: &plan,
            outcome: &outcome,
            known: &known,
        }
        .reserved()
    };

    assert_eq!(
        moved(&[]),
        BTreeMap::from([(0, 6)]),
        "2 is placed and cancelled"
    );
    assert_eq!(
        moved(&[("1", 1, false), ("2", 2, true)]),
        BTreeMap::new(),
        "a second run"
    );
    let broken_off = moved(&[("1", 1, false), ("2", 2, false)]);
    assert_eq!(
        broken_off,
        BTreeMap::from([(1, -7)]),
        "the first run broke off before C3"
    );
    assert_eq!(
        moved(&[("1", 1, true), ("2", 2, true)]),
        BTreeMap::new(),
        "cancelled by others"
    );
}

#[test]
fn a_replay_must_have_an_explanation() {
    let ledger = ledger(vec![invoice("1", &[(0, 5, 1)])]);
    let plan = plan::make(&ledger);
    let wrong = |placed, known: &[(&str, i64, bool)]| {
        let (outcome, known) = (outcome(&[placed]), self::known(known));
        let evidence = Evidence {
            ledger: &ledger,
            plan: &plan,
            outcome: &outcome,
            known: &known,
        };
        evidence.check_answers().len()
    };

    assert_eq!(wrong((0, false, 1), &[]), 0, "placed now");
    assert_eq!(
        wrong((0, true, 1), &[("1", 1, false)]),
        0,
        "placed by an earlier run"
    );
    assert_eq!(
        wrong((0, true, 2), &[]),
        0,
        "placed by the try whose answer was lost"
    );
    assert_eq!(wrong((0, true, 1), &[]), 1, "placed by nobody");
    assert_eq!(wrong((0, false, 1), &[("1", 9, false)]), 1, "placed twice");
}

/// The answer to invoice 1 with six hearts at 2.55 and two lanterns at 3.39: 22.08.
fn answer() -> Value {
    let gbp = |amount: i64| json!({"amount": amount, "currency": "GBP"});
    let line = |id: i64, sku: &str, quantity: i64, price: i64| {
        json!({"productId": id, "sku": sku, "title": sku, "quantity": quantity,
            "unitPrice": gbp(price), "listPrice": gbp(999), "priceSource": "negotiated",
            "total": gbp(price * quantity)})
    };
    json!({
        "orderId": 1, "userId": 2, "productIds": [1, 2], "address": "EIRE",
        "payment": "invoice", "shipping": "std", "status": "ordered",
        "paymentStatus": "notRequired", "source": "staff", "reference": "1", "version": 1,
        "lines": [line(1, "85123A", 6, 255), line(2, "71053", 2, 339)],
        "totals": {"subtotal": gbp(2_208), "discount": gbp(0), "shipping": gbp(0),
            "total": gbp(2_208)},
        "placedAt": "2026-03-01T12:00:00Z", "updatedAt": "2026-03-01T12:00:00Z",
        "cancelledAt": null
    })
}

#[test]
fn every_difference_to_the_invoice_is_found() {
    let ledger = ledger(vec![invoice("1", &[(0, 6, 255), (1, 2, 339)])]);
    let wrong = |pointer: &str, value: Value| {
        let mut answer = answer();
        *answer.pointer_mut(pointer).unwrap() = value;
        let order = serde_json::from_value(answer).unwrap();
        compare(&order, &ledger.invoices[0], &ledger, false).len()
    };

    assert_eq!(wrong("/orderId", json!(1)), 0, "nothing differs");
    assert_eq!(wrong("/totals/total/amount", json!(2_209)), 1);
    assert_eq!(wrong("/totals/total/currency", json!("USD")), 1);
    assert_eq!(wrong("/reference", json!("2")), 1);
    assert_eq!(wrong("/status", json!("cancelled")), 1);
    assert_eq!(wrong("/lines/1/quantity", json!(3)), 1);
    assert_eq!(wrong("/lines/0/unitPrice/amount", json!(254)), 1);
}
