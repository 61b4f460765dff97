//! I14: memory, open files and threads of a replica do not grow without end.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Finding;
use crate::clock::{Clock, pause};
use crate::cluster::Ids;
use crate::{Fallible, doing};

const CHECK: &str = "I14";
/// A process that lived shorter tells nothing of a slope.
const LONG_ENOUGH_NS: u64 = 8 * 60 * SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;
const HOUR_NS: f64 = 3.6e12;

/// Something that is counted, and what it may grow by.
struct Measure {
    name: &'static str,
    of: fn(&Sample) -> u64,
    /// An hour. A cache that still fills a little is no leak.
    an_hour: f64,
    /// In all. So much comes and goes within minutes, and says nothing of an hour.
    at_all: f64,
}

const MEASURES: [Measure; 3] = [
    Measure {
        name: "KiB of memory",
        of: |sample| sample.rss_kib,
        an_hour: 4_096.0,
        at_all: 2_048.0,
    },
    Measure {
        name: "open files",
        of: |sample| sample.fds,
        an_hour: 12.0,
        at_all: 6.0,
    },
    Measure {
        name: "threads",
        of: |sample| sample.threads,
        an_hour: 3.0,
        at_all: 2.0,
    },
];

/// What /proc says of a replica at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub t_ns: u64,
    pub replica: usize,
    pub pid: u32,
    pub rss_kib: u64,
    pub fds: u64,
    pub threads: u64,
}

/// Takes a sample of each replica every second, until told to stop.
pub fn watch(path: &Path, clock: Clock, ids: &Ids, stop: &Arc<AtomicBool>) -> Fallible<()> {
    let mut file = fs::File::create(path).map_err(doing(path.display()))?;
    while !stop.load(Ordering::Relaxed) {
        let known = ids.lock().map_err(|_| "a thread panicked")?.clone();
        for (replica, pid) in known.into_iter().enumerate() {
            if let Some(sample) = pid.and_then(|pid| sample(clock.now_ns(), replica, pid)) {
                let line = serde_json::to_string(&sample).map_err(doing("a sample"))?;
                writeln!(file, "{line}").map_err(doing(path.display()))?;
            }
        }
        pause(Duration::from_secs(1));
    }
    Ok(())
}

fn sample(t_ns: u64, replica: usize, pid: u32) -> Option<Sample> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Sample {
        t_ns,
        replica,
        pid,
        rss_kib: number("VmRSS:")?,
        fds: u64::try_from(fds).ok()?,
        threads: number("Threads:")?,
    })
}

/// Reads the samples of a run.
pub fn read(path: &Path) -> Fallible<Vec<Sample>> {
    let file = fs::File::open(path).map_err(doing(path.display()))?;
    let parse = |line: std::io::Result<String>| {
        serde_json::from_str(&line.map_err(doing(path.display()))?).map_err(doing(path.display()))
    };
    BufReader::new(file).lines().map(parse).collect()
}

/// How much a process grew by, an hour, once it was warm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    pub replica: usize,
    pub pid: u32,
    /// How long it was watched after it was warm.
    pub seconds: u64,
    /// In the order of memory in KiB, open files, threads.
    pub an_hour: [f64; 3],
}

/// The growth of every process that lived long enough to tell. The first quarter of its life is left
/// out: what is filled in the beginning, such as a cache, is no leak.
#[must_use]
pub fn growths(samples: &[Sample]) -> Vec<Growth> {
    let mut lives = BTreeMap::<u32, Vec<Sample>>::new();
    for sample in samples {
        lives.entry(sample.pid).or_default().push(*sample);
    }
    let growth = |(pid, life): (u32, Vec<Sample>)| {
        let (first, last) = (life.first()?, life.last()?);
        let lived = last.t_ns - first.t_ns;
        if lived < LONG_ENOUGH_NS {
            return None;
        }
        let warm_at = first.t_ns + lived / 4;
        let warm = &life[life.partition_point(|sample| sample.t_ns < warm_at)..];
        Some(Growth {
            replica: first.replica,
            pid,
            seconds: (last.t_ns - warm_at) / SECOND_NS,
            an_hour: MEASURES.map(|measure| slope(warm, measure.of) * HOUR_NS),
        })
    };
    lives.into_iter().filter_map(growth).collect()
}

/// Looks for what grows, and for a process that takes more memory than it may.
#[must_use]
pub fn check(samples: &[Sample], most_kib: Option<u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for growth in growths(samples) {
        for (measure, an_hour) in MEASURES.iter().zip(growth.an_hour) {
            let in_all = an_hour * float(growth.seconds) / 3_600.0;
            if an_hour > measure.an_hour && in_all > measure.at_all {
                let message = format!(
                    "process {} of replica {} grew by {an_hour:.0} {} an hour, measured over {} s",
                    growth.pid,
                    growth.replica + 1,
                    measure.name,
                    growth.seconds
                );
                findings.push(Finding::new(CHECK, "grows", message, &[]));
            }
        }
    }
    let largest = samples.iter().max_by_key(|sample| sample.rss_kib);
    if let (Some(largest), Some(most)) = (largest, most_kib)
        && largest.rss_kib > most
    {
        let message = format!(
            "process {} of replica {} took {} KiB, and may take {most}",
            largest.pid,
            largest.replica + 1,
            largest.rss_kib
        );
        findings.push(Finding::new(CHECK, "too-much", message, &[]));
    }
    findings
}

/// Exact for all that is counted here, and good enough for a slope.
fn float(number: u64) -> f64 {
    let (high, low) = (number >> 32, number & u64::from(u32::MAX));
    let part = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

/// The line that fits best: how much more a nanosecond.
fn slope(samples: &[Sample], of: fn(&Sample) -> u64) -> f64 {
    let Some(first) = samples.first() else {
        return 0.0;
    };
    let point = |sample: &Sample| (float(sample.t_ns - first.t_ns), float(of(sample)));
    let points: Vec<(f64, f64)> = samples.iter().map(point).collect();
    let count = points.iter().map(|_| 1.0).sum::<f64>();
    let middle = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
    let (middle_t, middle_y) = (middle(|point| point.0), middle(|point| point.1));
    let spread: f64 = points.iter().map(|(t, _)| (t - middle_t).powi(2)).sum();
    let common: f64 = points
        .iter()
        .map(|(t, y)| (t - middle_t) * (y - middle_y))
        .sum();
    if spread > 0.0 { common / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(rss_kib: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |second| Sample {
            t_ns: second * SECOND_NS,
            replica: 0,
            pid: 7,
            rss_kib: rss_kib(second),
            fds: 40,
            threads: 12,
        };
        (0..600).map(sample).collect()
    }

    #[test]
    fn what_fills_and_then_stays_is_fine() {
        let filled = life(|second| 30_000 + 200 * second.min(140));
        assert_eq!(check(&filled, Some(65_536)), []);
    }

    #[test]
    fn what_comes_and_goes_is_fine() {
        let saw = life(|second| 30_000 + 40 * (second % 60));
        assert_eq!(check(&saw, None), []);
    }

    #[test]
    fn what_grows_on_and_on_is_found_and_measured() {
        let leak = life(|second| 30_000 + 10 * second);
        let growth = &growths(&leak)[0];
        assert!((growth.an_hour[0] - 36_000.0).abs() < 1.0, "{growth:?}");
        assert_eq!(growth.an_hour[1..], [0.0, 0.0]);
        let found = check(&leak, None);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("36000 KiB"), "{found:?}");
    }

    #[test]
    fn a_file_left_open_now_and_then_and_a_thread_are_found() {
        let mut leak = life(|_| 30_000);
        for (sample, second) in leak.iter_mut().zip(0..) {
            sample.fds += second / 60;
            sample.threads += second / 120;
        }
        let kinds: Vec<String> = check(&leak, None)
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(kinds.len(), 2, "{kinds:?}");
        assert!(kinds[0].contains("open files") && kinds[1].contains("threads"));
    }

    #[test]
    fn a_short_life_tells_nothing_but_how_much_it_took() {
        let mut short = life(|second| 30_000 + 200 * second);
        short.truncate(400);
        assert_eq!(check(&short, None), []);
        assert_eq!(check(&short, Some(65_536))[0].kind, "too-much");
    }

    #[test]
    fn we_can_be_sampled_ourselves() {
        let sample = sample(1, 0, std::process::id()).unwrap();
        assert!(sample.rss_kib > 0 && sample.fds > 0 && sample.threads > 0);
    }
}
