//! The page that is read afterwards, and the same as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::check::resources::{self, Growth, Sample};
use crate::check::{Evidence, Finding, liveness, windows};
use crate::history::{Call, Kind, Phase};
use crate::nemesis::Excuse;
use crate::nemesis::log::{Event, Line};
use crate::{Fallible, doing};

/// How many findings of a kind the page spells out.
const SHOWN: usize = 5;

/// The requests of one kind.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Count {
    pub ok: u64,
    pub fail: u64,
    pub info: u64,
    /// From when it was due to its answer, for those that were answered.
    pub p50_ms: u64,
    pub p99_ms: u64,
    pub max_ms: u64,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub seed: u64,
    pub commit: String,
    pub replicas: usize,
    pub seconds: u64,
    pub took_seconds: u64,
    /// Injected, and skipped with the reason.
    pub faults: BTreeMap<String, u64>,
    pub skipped: BTreeMap<String, String>,
    pub requests: BTreeMap<String, Count>,
    pub orders_stored: usize,
    /// Writes whose outcome had to be found out at the end.
    pub unknown_at_the_end: usize,
    /// Refusals for want of a server, by status: those that a fault excuses, and the others.
    pub excused: BTreeMap<String, u64>,
    pub unexcused: BTreeMap<String, u64>,
    /// How long Postgres or all replicas were down.
    pub window_ms: u64,
    /// From the last heal until every probe was good.
    pub recovered_ms: Option<u64>,
    pub most_rss_kib: u64,
    pub most_fds: u64,
    pub most_threads: u64,
    /// Of the processes that lived long enough to tell.
    pub growths: Vec<Growth>,
    pub findings: Vec<Finding>,
    /// The slowest keyed intent, request by request.
    pub worst: Vec<String>,
    pub dir: PathBuf,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Sums a run up.
#[must_use]
pub fn make(
    dir: &Path,
    evidence: &Evidence<'_>,
    lines: &[Line],
    samples: &[Sample],
    findings: Vec<Finding>,
) -> Report {
    let calls = &evidence.history.calls;
    let failures = || calls.iter().filter(|call| windows::is_failure(call));
    let (mut excused, mut unexcused) = (BTreeMap::new(), BTreeMap::new());
    for call in failures() {
        let side = if windows::is_excused(call, evidence.windows) {
            &mut excused
        } else {
            &mut unexcused
        };
        let status = call
            .status
            .map_or_else(|| "none".to_owned(), |status| status.to_string());
        *side.entry(status).or_insert(0) += 1;
    }
    let mut faults = BTreeMap::new();
    let mut skipped = BTreeMap::new();
    for line in lines {
        match line.event {
            Event::Fault => *faults.entry(line.fault.name().to_owned()).or_insert(0) += 1,
            Event::Skip => drop(skipped.insert(line.fault.name().to_owned(), line.detail.clone())),
            Event::Heal | Event::Wrong => {}
        }
    }
    let excusing = evidence
        .windows
        .iter()
        .filter(|window| window.fault.excuses() == Excuse::Everything);
    let window_ns: u64 = excusing
        .map(|window| window.ends_ns.saturating_sub(window.begins_ns))
        .sum();
    let run = calls.iter().filter(|call| call.phase == Phase::Run);
    let most = |measure: fn(&Sample) -> u64| samples.iter().map(measure).max().unwrap_or_default();
    Report {
        seed: evidence.history.setup.seed,
        commit: evidence.history.setup.commit.clone(),
        replicas: evidence.history.setup.replicas,
        seconds: run.map(|call| call.invoked_ns).max().unwrap_or_default() / 1_000_000_000,
        took_seconds: 0,
        faults,
        skipped,
        requests: requests(calls),
        orders_stored: evidence.stored.len(),
        unknown_at_the_end: 0,
        excused,
        unexcused,
        window_ms: window_ns / 1_000_000,
        recovered_ms: liveness::recovered_ms(evidence),
        most_rss_kib: most(|sample| sample.rss_kib),
        most_fds: most(|sample| sample.fds),
        most_threads: most(|sample| sample.threads),
        growths: resources::growths(samples),
        findings,
        worst: worst(evidence),
        dir: dir.to_owned(),
    }
}

fn requests(calls: &[Call]) -> BTreeMap<String, Count> {
    let mut latencies = BTreeMap::<&str, Vec<u64>>::new();
    let mut counts = BTreeMap::<String, Count>::new();
    for call in calls.iter().filter(|call| call.phase == Phase::Run) {
        let count = counts.entry(call.action.name().to_owned()).or_default();
        match call.kind {
            Kind::Ok => count.ok += 1,
            Kind::Fail => count.fail += 1,
            Kind::Info | Kind::Invoke => count.info += 1,
        }
        if call.kind == Kind::Ok {
            let latency = call.ended_ns.saturating_sub(call.due_ns) / 1_000_000;
            latencies
                .entry(call.action.name())
                .or_default()
                .push(latency);
        }
    }
    for (name, mut latencies) in latencies {
        latencies.sort_unstable();
        let at = |share: usize| {
            latencies
                .get((latencies.len() * share / 1_000).min(latencies.len() - 1))
                .copied()
        };
        if let Some(count) = counts.get_mut(name) {
            count.p50_ms = at(500).unwrap_or_default();
            count.p99_ms = at(990).unwrap_or_default();
            count.max_ms = at(1_000).unwrap_or_default();
        }
    }
    counts
}

/// The intent that took longest, with the faults that were about.
fn worst(evidence: &Evidence<'_>) -> Vec<String> {
    let length = |calls: &[&Call]| {
        let first = calls.first().map_or(0, |call| call.due_ns);
        let settled = calls
            .iter()
            .find(|call| call.phase == Phase::Run && matches!(call.kind, Kind::Ok | Kind::Fail));
        settled.map_or(0, |call| call.ended_ns.saturating_sub(first))
    };
    let Some(intent) = evidence
        .intents
        .values()
        .max_by_key(|intent| length(&intent.calls))
    else {
        return Vec::new();
    };
    let first = intent.calls.first().map_or(0, |call| call.due_ns);
    let mut lines = Vec::new();
    for call in intent.calls.iter().take(12) {
        lines.push(format!(
            "{:>9} ms  {} {} → {} {} in {} ms",
            call.invoked_ns / 1_000_000,
            call.action.name(),
            intent.key,
            call.status
                .map_or_else(|| "no answer".into(), |status| status.to_string()),
            match call.kind {
                Kind::Ok => "ok",
                Kind::Fail => "fail",
                _ => "info",
            },
            call.ended_ns.saturating_sub(call.invoked_ns) / 1_000_000,
        ));
    }
    let until = intent.calls.last().map_or(0, |call| call.ended_ns);
    for window in evidence
        .windows
        .iter()
        .filter(|window| window.begins_ns < until && first < window.ends_ns)
        .take(6)
    {
        lines.push(format!(
            "{:>9} ms  fault {}{} until {} ms",
            window.begins_ns / 1_000_000,
            window.fault,
            window
                .replica
                .map(|replica| format!(" at replica {}", replica + 1))
                .unwrap_or_default(),
            window.ends_ns / 1_000_000,
        ));
    }
    lines
}

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    let verdict = if report.is_good() {
        "good: 0 violated invariants"
    } else {
        "BAD"
    };
    let injected: u64 = report.faults.values().sum();
    let total = |part: fn(&Count) -> u64| report.requests.values().map(part).sum::<u64>();
    let _ = writeln!(page, "# Torture: {verdict}\n");
    let _ = writeln!(
        page,
        "seed {} · commit {} · {} replicas · {} s under load · {injected} faults · {} requests ({} ok, {} refused, {} unknown) · {} orders\n",
        report.seed,
        report.commit,
        report.replicas,
        report.seconds,
        total(|c| c.ok + c.fail + c.info),
        total(|c| c.ok),
        total(|c| c.fail),
        total(|c| c.info),
        report.orders_stored,
    );
    let list = |map: &BTreeMap<String, u64>| {
        let parts: Vec<String> = map
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if parts.is_empty() {
            "none".to_owned()
        } else {
            parts.join(", ")
        }
    };
    let _ = writeln!(page, "| | |\n|---|---|");
    let _ = writeln!(page, "| faults | {} |", list(&report.faults));
    for (fault, why) in &report.skipped {
        let _ = writeln!(page, "| skipped | {fault}: {why} |");
    }
    let _ = writeln!(
        page,
        "| Postgres or all replicas down | {} ms |",
        report.window_ms
    );
    let _ = writeln!(
        page,
        "| refusals by status | excused: {}; without an excuse: {} |",
        list(&report.excused),
        list(&report.unexcused)
    );
    let _ = writeln!(
        page,
        "| well again after the last heal | {} |",
        report
            .recovered_ms
            .map_or_else(|| "not seen".into(), |ms| format!("{ms} ms"))
    );
    let _ = writeln!(
        page,
        "| outcomes found out at the end | {} |",
        report.unknown_at_the_end
    );
    let _ = writeln!(
        page,
        "| most of one replica | {} KiB, {} open files, {} threads |",
        report.most_rss_kib, report.most_fds, report.most_threads
    );
    for growth in &report.growths {
        let [kib, files, threads] = growth.an_hour;
        let _ = writeln!(
            page,
            "| growth an hour | replica {}, warm for {} s: {kib:.0} KiB, {files:.1} open files, {threads:.1} threads |",
            growth.replica + 1,
            growth.seconds
        );
    }
    page.push('\n');
    let _ = writeln!(
        page,
        "| requests | ok | refused | unknown | p50 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for (name, c) in &report.requests {
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            c.ok, c.fail, c.info, c.p50_ms, c.p99_ms, c.max_ms
        );
    }
    let _ = writeln!(page, "\nThe slowest write:\n\n```");
    for line in &report.worst {
        let _ = writeln!(page, "{line}");
    }
    let _ = writeln!(page, "```");
    if !report.is_good() {
        page.push_str(&findings(report));
    }
    page
}

fn findings(report: &Report) -> String {
    let mut page = format!("\n## {} findings\n\n", report.findings.len());
    let mut kinds = BTreeMap::<(&str, &str), Vec<&Finding>>::new();
    for finding in &report.findings {
        kinds
            .entry((&finding.check, &finding.kind))
            .or_default()
            .push(finding);
    }
    for ((check, kind), of_kind) in kinds {
        let _ = writeln!(page, "- {check} {kind}: {}", of_kind.len());
        for finding in of_kind.iter().take(SHOWN) {
            let lines = finding
                .lines
                .iter()
                .map(u64::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let _ = writeln!(page, "  - {} (lines {lines})", finding.message);
        }
    }
    let _ = writeln!(
        page,
        "\nSeed {} at commit {}; faults in {}/nemesis.jsonl. Replay: `torture run --seed {} --secs {}`; check again: `torture check {}/history.jsonl`.",
        report.seed,
        report.commit,
        report.dir.display(),
        report.seed,
        report.seconds,
        report.dir.display(),
    );
    page
}

/// Writes `report.md` and `report.json`.
pub fn write(report: &Report, dir: &Path) -> Fallible<()> {
    let json = serde_json::to_string_pretty(report).map_err(doing("the report"))?;
    std::fs::write(dir.join("report.json"), json).map_err(doing("the report"))?;
    std::fs::write(dir.join("report.md"), page(report)).map_err(doing("the report"))
}
