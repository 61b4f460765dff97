//! What came of the requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// What came of one request; times begin when it was due.
pub enum Outcome {
    /// The expected status.
    Good(Duration),
    /// Another one.
    Refused(u16, Duration),
    /// No answer.
    Failed,
    /// Too late to be sent at all.
    Unsent,
}

/// All requests, and again second by second.
#[derive(Default)]
pub struct Tally {
    /// All that were sent, the warm-up included.
    sent: u64,
    all: Counts,
    seconds: Vec<Counts>,
}

/// Longer than any answer is waited for.
const LONGEST_MICROS: u64 = 60_000_000;

struct Counts {
    /// Microseconds.
    good: Histogram<u64>,
    refused: Histogram<u64>,
    statuses: BTreeMap<u16, u64>,
    failed: u64,
    unsent: u64,
}

impl Default for Counts {
    fn default() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .unwrap_or_else(|_| unreachable!("the bounds are allowed"))
        };
        Self {
            good: histogram(),
            refused: histogram(),
            statuses: BTreeMap::new(),
            failed: 0,
            unsent: 0,
        }
    }
}

impl Tally {
    /// Counts a request that began `at` seconds after the warm-up, or before its end where that is negative.
    pub fn count(&mut self, at: f64, outcome: &Outcome) {
        self.sent += u64::from(!matches!(outcome, Outcome::Unsent));
        if at < 0.0 {
            return;
        }
        let second = usize::try_from(Duration::from_secs_f64(at).as_secs()).unwrap_or_default();
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Counts::default);
        }
        for counts in [&mut self.all, &mut self.seconds[second]] {
            counts.count(outcome);
        }
    }

    /// The report, for a load that was measured for so many seconds.
    pub fn to_json(&self, seconds: f64) -> Value {
        let mut report = self.all.to_json();
        report["sent"] = json!(self.sent);
        report["seconds"] = json!(seconds);
        report["goodPerSecond"] = json!(rate(self.all.good.len(), seconds));
        report["refusedPerSecond"] = json!(rate(self.all.refused.len(), seconds));
        report["bySecond"] = self.seconds.iter().map(Counts::to_json).collect();
        report
    }
}

impl Counts {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Good(took) => self.good.saturating_record(micros(*took)),
            Outcome::Refused(status, took) => {
                *self.statuses.entry(*status).or_default() += 1;
                self.refused.saturating_record(micros(*took));
            }
            Outcome::Failed => self.failed += 1,
            Outcome::Unsent => self.unsent += 1,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "good": self.good.len(),
            "goodMs": milliseconds(&self.good),
            "refused": self.statuses,
            "refusedMs": milliseconds(&self.refused),
            "failed": self.failed,
            "unsent": self.unsent,
        })
    }
}

fn milliseconds(histogram: &Histogram<u64>) -> Value {
    let at = |quantile| millis(histogram.value_at_quantile(quantile));
    json!({"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": millis(histogram.max())})
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a report is read by people")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a report is read by people")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_good_ones_from_refused_and_lost_ones() {
        let mut tally = Tally::default();
        tally.count(-0.1, &Outcome::Good(Duration::from_secs(1)));
        tally.count(0.2, &Outcome::Good(Duration::from_millis(2)));
        tally.count(1.7, &Outcome::Good(Duration::from_millis(4)));
        tally.count(1.8, &Outcome::Refused(503, Duration::from_micros(700)));
        tally.count(1.9, &Outcome::Failed);
        tally.count(1.9, &Outcome::Unsent);

        let report = tally.to_json(2.0);

        assert_eq!(
            (&report["good"], &report["goodPerSecond"]),
            (&json!(2), &json!(1.0))
        );
        assert_eq!(report["sent"], 5);
        assert_eq!(report["refused"], json!({"503": 1}));
        assert_eq!(
            (&report["failed"], &report["unsent"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(report["goodMs"]["max"].as_f64().map(f64::round), Some(4.0));
        assert_eq!(report["bySecond"][0]["good"], 1);
        assert_eq!(report["bySecond"][1]["refused"], json!({"503": 1}));
    }
}
