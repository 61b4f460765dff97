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
const LONG_ENOUGH_NS: u64 = 8 * 60 * 1_000_000_000;
/// What the later half may have more than the earlier one.
const MORE_KIB: u64 = 12 * 1024;
const MORE_FDS: u64 = 16;
const MORE_THREADS: u64 = 4;

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

/// Compares the median of a process's third quarter with that of its last one: what is filled in the
/// beginning, such as a cache, is no leak.
#[must_use]
pub fn check(samples: &[Sample]) -> Vec<Finding> {
    let mut lives = BTreeMap::<u32, Vec<Sample>>::new();
    for sample in samples {
        lives.entry(sample.pid).or_default().push(*sample);
    }
    let mut findings = Vec::new();
    for (pid, life) in lives {
        let (Some(first), Some(last)) = (life.first(), life.last()) else {
            continue;
        };
        if last.t_ns - first.t_ns < LONG_ENOUGH_NS {
            continue;
        }
        let (earlier, later) = (
            &life[life.len() / 2..life.len() * 3 / 4],
            &life[life.len() * 3 / 4..],
        );
        type Measure = fn(&Sample) -> u64;
        let measures: [(&str, Measure, u64); 3] = [
            ("KiB of memory", |sample| sample.rss_kib, MORE_KIB),
            ("open files", |sample| sample.fds, MORE_FDS),
            ("threads", |sample| sample.threads, MORE_THREADS),
        ];
        for (name, measure, more) in measures {
            let (before, after) = (median(earlier, measure), median(later, measure));
            if after > before + more {
                let message = format!("process {pid} grew from {before} to {after} {name}");
                findings.push(Finding::new(CHECK, "grows", message, &[]));
            }
        }
    }
    findings
}

fn median(samples: &[Sample], measure: fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(measure).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(rss_kib: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |second| Sample {
            t_ns: second * 1_000_000_000,
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
        assert_eq!(check(&life(|second| 30_000 + 200 * second.min(200))), []);
    }

    #[test]
    fn what_grows_on_and_on_is_found() {
        let found = check(&life(|second| 30_000 + 200 * second));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("memory"), "{found:?}");
    }

    #[test]
    fn we_can_be_sampled_ourselves() {
        let sample = sample(1, 0, std::process::id()).unwrap();
        assert!(sample.rss_kib > 0 && sample.fds > 0 && sample.threads > 0);
    }
}
