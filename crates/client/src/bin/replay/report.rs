//! What a run has found, as a table and as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::invoices::Ledger;
use crate::plan::Plan;
use crate::rows::Reason;
use crate::run::Outcome;

/// How many differences are printed; the JSON has all.
const SHOWN: usize = 40;

/// The whole result of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub rows: Rows,
    pub invoices: Invoices,
    pub buyers: usize,
    pub buyers_registered: usize,
    pub products: usize,
    pub pence_ordered: i128,
    pub pence_cancelled: i128,
    /// By how many pieces all reservations together must have moved.
    pub reserved_moved: i64,
    pub speed: Speed,
    pub differences: Vec<String>,
}

/// Where the rows went; the parts add up to `total`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rows {
    pub total: u64,
    pub ordered: u64,
    pub refused_by_shop: u64,
    pub cancelled_whole_order: u64,
    pub cancellation_failed: u64,
    pub cancellation_without_whole_order: u64,
    pub refused: BTreeMap<Reason, u64>,
}

/// Where the invoices went; the parts add up to `total`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoices {
    pub total: usize,
    pub ordered: usize,
    /// Of those ordered: answered with the order of an earlier request.
    pub replayed: usize,
    pub refused_by_shop: usize,
    pub without_a_line_of_goods: usize,
    pub cancelled_whole_order: usize,
    pub cancellation_failed: usize,
    pub cancellation_without_whole_order: usize,
    pub cancellation_without_goods: usize,
}

/// How fast the orders were placed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Speed {
    pub seconds: f64,
    pub orders_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Requests that were sent again.
    pub retries: u32,
}

impl Rows {
    pub fn count(ledger: &Ledger, plan: &Plan, outcome: &Outcome) -> Self {
        let rows =
            |index: &usize| u64::try_from(ledger.invoices[*index].lines.len()).unwrap_or(u64::MAX);
        Self {
            total: ledger.rows,
            ordered: outcome.placed.keys().map(rows).sum(),
            refused_by_shop: outcome.not_placed.keys().map(rows).sum(),
            cancelled_whole_order: outcome.cancelled.iter().map(rows).sum(),
            cancellation_failed: outcome.not_cancelled.keys().map(rows).sum(),
            cancellation_without_whole_order: plan.unmatched.iter().map(rows).sum(),
            refused: ledger.refused.clone(),
        }
    }

    /// Returns the sum of all parts.
    pub fn explained(&self) -> u64 {
        self.ordered
            + self.refused_by_shop
            + self.cancelled_whole_order
            + self.cancellation_failed
            + self.cancellation_without_whole_order
            + self.refused.values().sum::<u64>()
    }
}

impl Invoices {
    pub fn count(ledger: &Ledger, plan: &Plan, outcome: &Outcome) -> Self {
        Self {
            total: ledger.invoices.len(),
            ordered: outcome.placed.len(),
            replayed: outcome
                .placed
                .values()
                .filter(|placed| placed.replayed)
                .count(),
            refused_by_shop: outcome.not_placed.len(),
            without_a_line_of_goods: plan.empty.len(),
            cancelled_whole_order: outcome.cancelled.len(),
            cancellation_failed: outcome.not_cancelled.len(),
            cancellation_without_whole_order: plan.unmatched.len(),
            cancellation_without_goods: plan.empty_cancellations.len(),
        }
    }

    /// Returns the sum of all parts.
    pub fn explained(&self) -> usize {
        self.ordered
            + self.refused_by_shop
            + self.without_a_line_of_goods
            + self.cancelled_whole_order
            + self.cancellation_failed
            + self.cancellation_without_whole_order
            + self.cancellation_without_goods
    }
}

impl Speed {
    pub fn measure(outcome: &Outcome) -> Self {
        let milliseconds =
            |micros: u64| std::time::Duration::from_micros(micros).as_secs_f64() * 1e3;
        let seconds = outcome.took.as_secs_f64();
        let placed = u32::try_from(outcome.placed.len()).unwrap_or(u32::MAX);
        Self {
            seconds,
            orders_per_second: f64::from(placed) / seconds.max(1e-9),
            p50_ms: milliseconds(outcome.latency.value_at_quantile(0.5)),
            p99_ms: milliseconds(outcome.latency.value_at_quantile(0.99)),
            max_ms: milliseconds(outcome.latency.max()),
            retries: outcome
                .placed
                .values()
                .map(|placed| placed.tries.saturating_sub(1))
                .sum(),
        }
    }
}

impl Report {
    /// Prints the table and the first differences.
    pub fn print(&self) {
        let (rows, invoices) = (&self.rows, &self.invoices);
        println!("{:>9} {:>9}", "invoices", "rows");
        let line = |invoices: usize, rows: u64, text: &str| {
            println!("{invoices:>9} {rows:>9}  {text}");
        };
        line(invoices.ordered, rows.ordered, "are orders");
        println!(
            "{:>9} {:>9}    of these replayed from an earlier request",
            invoices.replayed, ""
        );
        line(
            invoices.refused_by_shop,
            rows.refused_by_shop,
            "were refused by the shop",
        );
        line(
            invoices.cancelled_whole_order,
            rows.cancelled_whole_order,
            "cancelled a whole order",
        );
        line(
            invoices.cancellation_failed,
            rows.cancellation_failed,
            "should have cancelled a whole order",
        );
        line(
            invoices.cancellation_without_whole_order,
            rows.cancellation_without_whole_order,
            "cancellation without a matching whole order",
        );
        line(
            invoices.without_a_line_of_goods,
            0,
            "sale without a line that can be ordered",
        );
        line(
            invoices.cancellation_without_goods,
            0,
            "cancellation without a line of goods",
        );
        for (reason, rows) in &rows.refused {
            println!("{:>9} {rows:>9}  {reason}", "");
        }
        line(invoices.explained(), rows.explained(), "explained");
        line(invoices.total, rows.total, "in the range");

        println!();
        println!(
            "{} buyers, {} of them new; {} products",
            self.buyers, self.buyers_registered, self.products
        );
        println!(
            "{} GBP ordered, {} GBP of it cancelled; reservations moved by {} pieces",
            pounds(self.pence_ordered),
            pounds(self.pence_cancelled),
            self.reserved_moved
        );
        let speed = &self.speed;
        println!(
            "{:.1} s, {:.1} orders/s, placing p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms, {} retries",
            speed.seconds,
            speed.orders_per_second,
            speed.p50_ms,
            speed.p99_ms,
            speed.max_ms,
            speed.retries
        );
        println!();
        for difference in self.differences.iter().take(SHOWN) {
            println!("MISMATCH {difference}");
        }
        if let Some(more) = self
            .differences
            .len()
            .checked_sub(SHOWN)
            .filter(|more| *more > 0)
        {
            println!("MISMATCH … and {more} more");
        }
        if self.differences.is_empty() {
            println!("Everything adds up.");
        }
    }
}

fn pounds(pence: i128) -> String {
    format!("{}.{:02}", pence / 100, pence % 100)
}
