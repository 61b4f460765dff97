//! What must have happened by now. Other checks tell that what was done was done right; this one,
//! that it was done: after the last heal consumers come to the end of the log (I9), jobs run, and
//! what nobody paid expires (I10). A shop is given some time for it, and asked until it is so.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Finding;
use crate::clock::pause;
use crate::cluster::postgres::Postgres;
use crate::cluster::{Cluster, DATABASE};
use crate::{Fallible, doing};

/// What a shop has to come to rest, after it was found to be well: a lease and more.
const SETTLING: Duration = Duration::from_secs(15);
/// Unpaid orders are looked for every half minute.
const SWEEPING: Duration = Duration::from_secs(45);
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The consumers and the kinds of jobs that every release has, and those of a binary with fault
/// points.
const CONSUMERS: [&str; 1] = ["cache"];
const KINDS: [&str; 1] = ["settlePayments"];
const PROBE_CONSUMERS: [&str; 2] = ["probeElsewhere", "probeInside"];
const PROBE_KINDS: [&str; 3] = ["probe1", "probe2", "probe3"];

type Rows = Vec<Vec<String>>;

/// Who has to have done something, and since when.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The moment of the last heal, as the database tells the time.
    healed_at: String,
    has_probes: bool,
}

impl Expected {
    /// Of a shop that was healed just now.
    ///
    /// # Errors
    ///
    /// When database or binary cannot be asked.
    pub fn from_now_on(cluster: &Cluster) -> Fallible<Self> {
        let now = cluster
            .postgres
            .sql(DATABASE, "SELECT clock_timestamp()::text")?;
        // As test.sh tells a binary with fault points from one without.
        let grep = Command::new("grep")
            .args(["-qa", "CARTWRIGHT_PROBES"])
            .arg(&cluster.binary)
            .stdin(Stdio::null())
            .status()
            .map_err(doing("grep"))?;
        Ok(Self {
            healed_at: now.concat().concat(),
            has_probes: grep.success(),
        })
    }

    /// Check, kind, for how long it may still be, and a query of what must not be: one line per case.
    fn queries(&self) -> [(&'static str, &'static str, Duration, String); 5] {
        let names = |always: &[&str], probes: &[&str]| {
            let probes = if self.has_probes { probes } else { &[] };
            let names: Vec<&str> = always.iter().chain(probes).copied().collect();
            format!("unnest('{{{}}}'::text[])", names.join(","))
        };
        [
            (
                "I9",
                "not-registered",
                SETTLING,
                format!(
                    "SELECT 'consumer ' || name FROM {} AS name \
                      WHERE name NOT IN (SELECT c.name FROM platform.consumers c)",
                    names(&CONSUMERS, &PROBE_CONSUMERS)
                ),
            ),
            (
                "I9",
                "not-reached",
                SETTLING,
                "SELECT c.name || ' is ' || count(*) || ' events behind, the oldest of ' || min(o.occurred_at) \
                   FROM platform.consumers c JOIN platform.outbox o ON (o.xid, o.id) > (c.xid, c.id) \
                  WHERE o.occurred_at < clock_timestamp() - interval '10 s' GROUP BY c.name"
                    .into(),
            ),
            (
                "jobs",
                "not-run",
                SETTLING,
                format!(
                    "SELECT 'no ' || kind || ' ended well after ' || '{}' FROM {} AS kind \
                      WHERE NOT EXISTS (SELECT FROM platform.jobs j WHERE j.kind = kind.kind \
                                           AND j.state = 'succeeded' AND j.finished_at > '{}')",
                    self.healed_at,
                    names(&KINDS, &PROBE_KINDS),
                    self.healed_at
                ),
            ),
            (
                "jobs",
                "waiting",
                SETTLING,
                "SELECT 'job ' || id || ' of ' || kind || ' is ' || state || ' since ' || coalesce(lease_until, run_at) \
                   FROM platform.jobs WHERE state IN ('queued', 'running') \
                    AND coalesce(lease_until, run_at) < clock_timestamp() - interval '10 s'"
                    .into(),
            ),
            (
                // A minute, and the half until the next job of this kind.
                "I10",
                "not-expired",
                SWEEPING,
                "SELECT 'order ' || o.id || ' of ' || o.placed_at || ' is still to be paid' FROM ordering.orders o \
                   JOIN ordering.payments p ON p.order_id = o.id AND p.status = 'pending' \
                  WHERE o.status = 'ordered' AND o.placed_at < clock_timestamp() - interval '100 s'"
                    .into(),
            ),
        ]
    }
}

/// Asks the database until the shop rests, and tells what does not come to rest.
///
/// # Errors
///
/// When it cannot be asked.
pub fn check(postgres: &Postgres, expected: &Expected) -> Fallible<Vec<Finding>> {
    settle(expected, SWEEPING, |query| postgres.sql(DATABASE, query))
}

fn settle(
    expected: &Expected,
    most: Duration,
    mut ask: impl FnMut(&str) -> Fallible<Rows>,
) -> Fallible<Vec<Finding>> {
    let started = Instant::now();
    let mut findings = Vec::new();
    for (check, kind, patience, query) in expected.queries() {
        let patience = patience.min(most);
        let left = loop {
            let rows = ask(&query)?;
            if rows.is_empty() || started.elapsed() >= patience {
                break rows;
            }
            pause(ASK_EVERY.min(patience / 10));
        };
        let finding = |row: Vec<String>| Finding::new(check, kind, row.join(" "), &[]);
        findings.extend(left.into_iter().map(finding));
    }
    Ok(findings)
}

/// Lets no order expire any more, so that nothing moves during the last look. What is under way
/// comes to its end first.
///
/// # Errors
///
/// When the database cannot be asked.
pub fn keep_still(postgres: &Postgres) -> Fallible<()> {
    postgres.sql(
        DATABASE,
        "UPDATE platform.schedules SET next_at = now() + interval '1 day' WHERE name = 'expireUnpaidOrders'",
    )?;
    let started = Instant::now();
    let under_way = "SELECT id FROM platform.jobs WHERE kind = 'expireUnpaidOrders' AND state IN ('queued', 'running')";
    while !postgres.sql(DATABASE, under_way)?.is_empty() && started.elapsed() < SETTLING {
        pause(ASK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(has_probes: bool) -> Expected {
        Expected {
            healed_at: "2026-11-24 12:00:00+00".into(),
            has_probes,
        }
    }

    fn row(text: &str) -> Rows {
        vec![vec![text.to_owned()]]
    }

    #[test]
    fn a_shop_that_comes_to_rest_in_time_is_fine() {
        let mut left = 2;
        let found = settle(&expected(false), Duration::from_secs(60), |query| {
            let is_behind = query.contains("events behind") && left > 0;
            left -= i32::from(is_behind);
            Ok(if is_behind {
                row("cache is 3 events behind")
            } else {
                Vec::new()
            })
        });
        assert_eq!((found.unwrap(), left), (Vec::new(), 0));
    }

    #[test]
    fn a_consumer_that_stays_behind_is_found() {
        let found = settle(&expected(false), Duration::ZERO, |query| {
            let is_asked = query.contains("events behind");
            Ok(if is_asked {
                row("cache is 3 events behind")
            } else {
                Vec::new()
            })
        });
        let found = found.unwrap();
        let expected = Finding::new("I9", "not-reached", "cache is 3 events behind", &[]);
        assert_eq!(found, [expected]);
    }

    #[test]
    fn consumers_and_jobs_are_asked_for_by_name_and_since_the_heal() {
        for has_probes in [false, true] {
            let queries = expected(has_probes).queries();
            let query = |kind: &str| {
                let query = queries.iter().find(|query| query.1 == kind);
                query.unwrap().3.as_str()
            };
            assert!(query("not-registered").contains("cache"));
            assert!(query("not-run").contains("settlePayments"));
            assert!(query("not-run").contains("finished_at > '2026-11-24 12:00:00+00'"));
            assert_eq!(query("not-registered").contains("probeInside"), has_probes);
            assert_eq!(query("not-run").contains("probe3"), has_probes);
        }
    }
}
