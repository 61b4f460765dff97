//! Placing and cancelling, with many workers at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, IdempotencyKey, Line, PlaceOrder};
use domain::{Address, Currency, Money, OrderId, PaymentMethod, Quantity, UserId};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::invoices::{Buyer, Invoice, Ledger};
use crate::plan::Step;

/// What all workers share.
#[derive(Debug)]
pub struct Run {
    pub staff: Client,
    pub ledger: Arc<Ledger>,
    pub ids: HashMap<Buyer, UserId>,
    /// How many seconds of the file pass in one; 0 is as fast as possible.
    pub speed: u32,
}

/// What has become of the steps; the numbers are places in [`Ledger::invoices`].
#[derive(Debug)]
pub struct Outcome {
    pub placed: BTreeMap<usize, Placed>,
    pub not_placed: BTreeMap<usize, String>,
    /// Cancellations that were done.
    pub cancelled: Vec<usize>,
    pub not_cancelled: BTreeMap<usize, String>,
    /// Microseconds that placing took, retries included.
    pub latency: Histogram<u64>,
    pub took: Duration,
}

/// An order that the shop has acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    pub order: OrderId,
    /// Whether the answer was the stored one of an earlier request.
    pub replayed: bool,
    pub tries: u32,
}

impl Run {
    /// Works off all shares at once.
    pub async fn work(self: Arc<Self>, shares: Vec<Vec<Step>>) -> Result<Outcome, String> {
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for share in shares {
            workers.spawn(Arc::clone(&self).work_off(share, started));
        }
        let mut all = Outcome::new()?;
        while let Some(part) = workers.join_next().await {
            all.add(part.map_err(|error| format!("a worker broke: {error}"))??)?;
        }
        all.took = started.elapsed();
        Ok(all)
    }

    async fn work_off(
        self: Arc<Self>,
        share: Vec<Step>,
        started: Instant,
    ) -> Result<Outcome, String> {
        let mut outcome = Outcome::new()?;
        for step in share {
            let (Step::Place { invoice: moment } | Step::Cancel { by: moment, .. }) = step;
            self.wait_for(moment, started).await;
            match step {
                Step::Place { invoice } => self.place(invoice, &mut outcome).await?,
                Step::Cancel { by, invoice } => self.cancel(by, invoice, &mut outcome).await,
            }
        }
        Ok(outcome)
    }

    /// Waits until it is time for an invoice, when the run has a speed.
    async fn wait_for(&self, invoice: usize, started: Instant) {
        let Some(first) = self.ledger.invoices.first() else {
            return;
        };
        let after = self.ledger.invoices[invoice].moment - first.moment;
        let after = after.to_std().unwrap_or_default();
        if let Some(due) = after.checked_div(self.speed) {
            tokio::time::sleep_until((started + due).into()).await;
        }
    }

    async fn place(&self, index: usize, outcome: &mut Outcome) -> Result<(), String> {
        let invoice = &self.ledger.invoices[index];
        let order = order_of(invoice, &self.ledger, &self.ids)?;
        let key = key_of(invoice)?;
        let begun = Instant::now();
        let answer = self.staff.place_order_with_key(&order, &key).await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        match answer {
            Ok(answer) => {
                outcome.latency.saturating_record(micros);
                let (replayed, tries) = (answer.replayed(), answer.tries);
                let placed = Placed {
                    order: answer.body.order_id,
                    replayed,
                    tries,
                };
                outcome.placed.insert(index, placed);
            }
            Err(error) => {
                outcome.not_placed.insert(index, error.to_string());
            }
        }
        Ok(())
    }

    async fn cancel(&self, by: usize, invoice: usize, outcome: &mut Outcome) {
        let Some(placed) = outcome.placed.get(&invoice) else {
            outcome
                .not_cancelled
                .insert(by, "its order was not placed".to_owned());
            return;
        };
        match self.staff.cancel_order(placed.order).await {
            Ok(_) => outcome.cancelled.push(by),
            Err(error) => {
                outcome.not_cancelled.insert(by, error.to_string());
            }
        }
    }
}

/// Builds the order of an invoice; the same invoice always gives the same order.
fn order_of(
    invoice: &Invoice,
    ledger: &Ledger,
    ids: &HashMap<Buyer, UserId>,
) -> Result<PlaceOrder, String> {
    let failed = |error: &dyn std::fmt::Display| format!("invoice {}: {error}", invoice.number);
    let user = ids
        .get(&invoice.buyer)
        .ok_or_else(|| failed(&"its buyer is not registered"))?;
    let line = |line: &crate::invoices::InvoiceLine| {
        let quantity = Quantity::try_from(line.units).map_err(|error| failed(&error))?;
        let price = Money::new(line.pence, Currency::GBP);
        Ok(Line::of_sku(ledger.skus[line.sku].clone(), quantity).at(price))
    };
    let lines = invoice
        .lines
        .iter()
        .map(line)
        .collect::<Result<_, String>>()?;
    let address = Address::text(invoice.country.as_str()).map_err(|error| failed(&error))?;
    let order = PlaceOrder::of_lines(lines, address, PaymentMethod::Invoice, "std").for_user(*user);
    Ok(PlaceOrder {
        currency: Some(Currency::GBP),
        reference: Some(invoice.number.clone()),
        ..order
    })
}

/// The key of an invoice: a second run sends it again and gets the first order.
fn key_of(invoice: &Invoice) -> Result<IdempotencyKey, String> {
    let key = format!("replay-invoice-{}", invoice.number);
    key.parse()
        .map_err(|error| format!("invoice {}: {error}", invoice.number))
}

impl Outcome {
    pub fn new() -> Result<Self, String> {
        // From a microsecond to ten minutes, to three digits.
        let latency = Histogram::new_with_bounds(1, 600_000_000, 3);
        Ok(Self {
            placed: BTreeMap::new(),
            not_placed: BTreeMap::new(),
            cancelled: Vec::new(),
            not_cancelled: BTreeMap::new(),
            latency: latency.map_err(|error| error.to_string())?,
            took: Duration::ZERO,
        })
    }

    fn add(&mut self, part: Self) -> Result<(), String> {
        self.placed.extend(part.placed);
        self.not_placed.extend(part.not_placed);
        self.cancelled.extend(part.cancelled);
        self.not_cancelled.extend(part.not_cancelled);
        self.latency
            .add(&part.latency)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;
    use serde_json::json;

    use super::*;
    use crate::invoices::InvoiceLine;

    #[test]
    fn an_invoice_is_an_order_at_negotiated_prices() {
        let line = |sku, units, pence| InvoiceLine { sku, units, pence };
        let invoice = Invoice {
            number: "536365".to_owned(),
            cancellation: false,
            moment: NaiveDateTime::default(),
            buyer: Buyer::Customer("17850".to_owned()),
            country: "United Kingdom".to_owned(),
            lines: vec![line(0, 6, 255), line(1, 2, 339), line(0, 6, 255)],
        };
        let skus = ["85123A", "71053"].map(|sku| sku.parse().unwrap()).to_vec();
        let ledger = Ledger {
            skus,
            ..Ledger::default()
        };
        let ids = HashMap::from([(invoice.buyer.clone(), UserId::try_from(5).unwrap())]);

        let order = order_of(&invoice, &ledger, &ids).unwrap();

        let heart = json!({"sku": "85123A", "quantity": 6,
            "unitPrice": {"amount": 255, "currency": "GBP"}});
        let lantern = json!({"sku": "71053", "quantity": 2,
            "unitPrice": {"amount": 339, "currency": "GBP"}});
        assert_eq!(
            serde_json::to_value(&order).unwrap(),
            json!({"userId": 5, "lines": [heart, lantern, heart], "address": "United Kingdom",
                "payment": "invoice", "shipping": "std", "currency": "GBP",
                "reference": "536365"})
        );
        assert_eq!(key_of(&invoice).unwrap().as_str(), "replay-invoice-536365");
    }
}
