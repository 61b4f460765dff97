//! Reading everything back and comparing it with the invoices.

use std::collections::{BTreeMap, HashMap};

use client::{Client, Order, StockLevel};
use domain::{Currency, OrderStatus, UserId};
use futures_util::{StreamExt, stream};

use crate::invoices::{Buyer, Invoice, Ledger};
use crate::plan::Plan;
use crate::prepare::{Known, orders_of};
use crate::run::Outcome;

/// What a run has to show for itself.
pub struct Evidence<'a> {
    pub ledger: &'a Ledger,
    pub plan: &'a Plan,
    pub outcome: &'a Outcome,
    pub known: &'a HashMap<String, Known>,
}

impl Evidence<'_> {
    /// Names every step that the shop refused, and every answer that cannot be right.
    pub fn check_answers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let number = |index: &usize| &self.ledger.invoices[*index].number;
        for (index, error) in &self.outcome.not_placed {
            wrong.push(format!("invoice {} was not placed: {error}", number(index)));
        }
        for (index, error) in &self.outcome.not_cancelled {
            wrong.push(format!(
                "cancellation {} was not done: {error}",
                number(index)
            ));
        }
        for (index, placed) in &self.outcome.placed {
            match self.known.get(number(index)) {
                Some(known) if known.order != placed.order => wrong.push(format!(
                    "invoice {} is order {}, but was placed again as {}",
                    number(index),
                    known.order,
                    placed.order
                )),
                // A first try whose answer was lost explains a replay; nothing else does.
                None if placed.replayed && placed.tries == 1 => wrong.push(format!(
                    "invoice {} was answered as a replay, but was not there before",
                    number(index)
                )),
                _ => {}
            }
        }
        wrong
    }

    /// Reads every order by its id and compares it with its invoice.
    pub async fn check_orders(&self, staff: &Client, concurrency: usize) -> Vec<String> {
        let cancelled = self.plan.orders();
        stream::iter(&self.outcome.placed)
            .map(|(index, placed)| {
                let invoice = &self.ledger.invoices[*index];
                let before = self
                    .known
                    .get(&invoice.number)
                    .is_some_and(|known| known.cancelled);
                let cancelled = before || cancelled.get(index) == Some(&true);
                async move {
                    match staff.get_order(placed.order).await {
                        Ok(answer) => compare(&answer.body.order, invoice, self.ledger, cancelled),
                        Err(error) => vec![format!("order {}: {error}", placed.order)],
                    }
                }
            })
            .buffer_unordered(concurrency)
            .concat()
            .await
    }

    /// Lists the orders of every buyer: each invoice is there exactly once, and nothing else of
    /// this run's making.
    pub async fn check_lists(
        &self,
        staff: &Client,
        ids: &HashMap<Buyer, UserId>,
        concurrency: usize,
    ) -> Vec<String> {
        let lists: Vec<_> = stream::iter(ids.values().copied())
            .map(|user| orders_of(staff, user))
            .buffer_unordered(concurrency)
            .collect()
            .await;
        let mut wrong = Vec::new();
        let mut times: HashMap<String, u32> = HashMap::new();
        for list in lists {
            match list {
                Ok(orders) => {
                    for (reference, _) in orders {
                        *times.entry(reference).or_default() += 1;
                    }
                }
                Err(error) => wrong.push(error),
            }
        }
        for index in self.plan.orders().keys() {
            let number = &self.ledger.invoices[*index].number;
            let placed = u32::from(self.outcome.placed.contains_key(index));
            let found = times.get(number).copied().unwrap_or(0);
            if found != placed {
                wrong.push(format!("invoice {number} is {found} orders, not {placed}"));
            }
        }
        wrong
    }

    /// Compares how reservations moved with what this run has placed and cancelled.
    pub fn check_stock(&self, before: &[StockLevel], after: &[StockLevel]) -> Vec<String> {
        let moved = self.reserved();
        let moved: HashMap<_, _> = moved
            .iter()
            .map(|(sku, units)| (&self.ledger.skus[*sku], *units))
            .collect();
        let mut wrong = Vec::new();
        for (before, after) in before.iter().zip(after) {
            let expected = moved.get(&after.sku).copied().unwrap_or(0);
            let found = after.reserved - before.reserved;
            if found != expected {
                wrong.push(format!(
                    "{}: reserved moved by {found}, not {expected}",
                    after.sku
                ));
            }
            if after.on_hand != before.on_hand {
                wrong.push(format!("{}: on hand moved without a shipment", after.sku));
            }
        }
        wrong
    }

    /// Returns by how many pieces this run must have moved the reservation of each SKU: up by its
    /// own orders that stay open, down by earlier runs' orders that it cancelled.
    pub fn reserved(&self) -> BTreeMap<usize, i64> {
        let cancelled = self.plan.orders();
        let mut moved = BTreeMap::new();
        for index in self.outcome.placed.keys() {
            let invoice = &self.ledger.invoices[*index];
            let before = self.known.get(&invoice.number);
            let was_open = before.is_some_and(|known| !known.cancelled);
            let was_cancelled = before.is_some_and(|known| known.cancelled);
            let is_open = !was_cancelled && cancelled.get(index) != Some(&true);
            let direction = i64::from(is_open) - i64::from(was_open);
            if direction != 0 {
                for (sku, units) in invoice.units() {
                    *moved.entry(sku).or_default() += direction * units;
                }
            }
        }
        moved.retain(|_, units| *units != 0);
        moved
    }
}

/// Compares an order that was read back with its invoice, line by line.
fn compare(order: &Order, invoice: &Invoice, ledger: &Ledger, cancelled: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |what: String| {
        wrong.push(format!(
            "order {} of invoice {}: {what}",
            order.order_id, invoice.number
        ));
    };
    let total = order.totals.total;
    if i128::from(total.minor()) != invoice.total() || total.currency() != Currency::GBP {
        say(format!(
            "it costs {total}, its lines {} pence",
            invoice.total()
        ));
    }
    if order.reference.as_deref() != Some(&invoice.number) {
        say(format!("its reference is {:?}", order.reference));
    }
    if (order.status == OrderStatus::Cancelled) != cancelled {
        say(format!(
            "it is {}, cancelled should be {cancelled}",
            order.status
        ));
    }
    let sold = order.lines.iter().map(|line| {
        (
            line.sku.as_str(),
            line.quantity.get(),
            line.unit_price.minor(),
            line.total.minor(),
        )
    });
    let invoiced = invoice.lines.iter().map(|line| {
        (
            ledger.skus[line.sku].as_str(),
            line.units,
            line.pence,
            line.units * line.pence,
        )
    });
    if !sold.eq(invoiced) {
        say("its lines are not those of the invoice".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests;
