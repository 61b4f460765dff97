//! One run, from an empty folder to a verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::check::{self, Evidence, Finding, doctor, ledger, resources, rest};
use crate::clock::Clock;
use crate::cluster::{ADMIN_EMAIL, ADMIN_PASSWORD, Cluster, Options};
use crate::history::{self, Writer};
use crate::nemesis::log::{Event, Line};
use crate::nemesis::{Fault, Log, Nemesis, log, plan};
use crate::report::{self, Report};
use crate::workload::Workload;
use crate::workload::shop::Shop;
use crate::{Fallible, doing};

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    pub cluster: Options,
    pub other_binary: Option<PathBuf>,
    pub seed: u64,
    pub duration: Duration,
    /// Intents a second.
    pub rate: u32,
    pub faults: Vec<Fault>,
    /// What a replica may take.
    pub most_kib: Option<u64>,
    /// Whether the shop's own doctor is asked at the end.
    pub doctor: bool,
    /// Where history, log and report go.
    pub out: PathBuf,
    pub commit: String,
}

/// The files of a run.
pub const HISTORY: &str = "history.jsonl";
pub const NEMESIS: &str = "nemesis.jsonl";
pub const RESOURCES: &str = "resources.jsonl";

/// A shop with its workload, ready to be broken.
pub struct Stage {
    pub runtime: Runtime,
    pub nemesis: Nemesis,
    pub workload: Workload,
    pub clock: Clock,
    started: Instant,
}

impl Stage {
    /// Starts the shop and enters users and products.
    ///
    /// # Errors
    ///
    /// When a part does not come up.
    pub fn set(campaign: &Campaign) -> Fallible<Self> {
        let started = Instant::now();
        std::fs::create_dir_all(&campaign.out).map_err(doing(campaign.out.display()))?;
        let runtime = Runtime::new().map_err(doing("a runtime"))?;
        let cluster = Cluster::start(&campaign.cluster, runtime.handle())?;
        let clock = Clock::start();
        let history = Arc::new(Writer::create(&campaign.out.join(HISTORY), clock)?);
        let log = Log::create(&campaign.out.join(NEMESIS), clock)?;
        let (url, replicas) = (cluster.url(), cluster.replica_urls());
        let workload = runtime.block_on(async {
            let shop = Shop::open(&url, &replicas, history, (ADMIN_EMAIL, ADMIN_PASSWORD)).await?;
            Workload::prepare(shop, campaign.seed, campaign.commit.clone()).await
        })?;
        let nemesis = Nemesis::new(cluster, log, campaign.other_binary.clone());
        Ok(Self {
            runtime,
            nemesis,
            workload,
            clock,
            started,
        })
    }

    /// After the faults: waits for life, finds out what is unknown, looks at everything, judges.
    ///
    /// # Errors
    ///
    /// What `broken` says, and what keeps this from being done.
    pub fn finish(self, campaign: &Campaign, broken: Fallible<()>) -> Fallible<Report> {
        let Self {
            runtime,
            nemesis,
            workload,
            started,
            ..
        } = self;
        let after = broken.and_then(|()| {
            let postgres = &nemesis.cluster.postgres;
            let expected = rest::Expected::from_now_on(&nemesis.cluster)?;
            let unknown = runtime.block_on(async {
                workload.probe().await?;
                workload.resolve(&campaign.out.join(HISTORY)).await
            })?;
            let findings = rest::check(postgres, &expected)?;
            rest::keep_still(postgres)?;
            runtime.block_on(workload.look_at_everything())?;
            Ok((unknown, findings))
        });
        let examined = after.and_then(|(unknown, mut findings)| {
            findings.extend(ledger::check(&nemesis.cluster.postgres)?);
            if campaign.doctor {
                findings.extend(doctor::check(
                    nemesis.cluster.command(&campaign.cluster.binary, &[]),
                )?);
            }
            Ok((unknown, findings))
        });
        nemesis.cluster.keep_logs(&campaign.out.join("logs"))?;
        drop(nemesis);
        workload.history().flush()?;
        let (unknown, findings) = examined?;
        let mut report = judge(&campaign.out, findings, campaign.most_kib)?;
        report.unknown_at_the_end = unknown;
        report.took_seconds = started.elapsed().as_secs();
        report::write(&report, &campaign.out)?;
        Ok(report)
    }
}

/// Runs it and writes the report.
///
/// # Errors
///
/// What kept the tool from doing its work; violated invariants are in the report.
pub fn run(campaign: &Campaign) -> Fallible<Report> {
    let mut stage = Stage::set(campaign)?;
    let faults = plan(
        campaign.seed,
        campaign.duration,
        campaign.cluster.replicas,
        &campaign.faults,
    );
    let stop = Arc::new(AtomicBool::new(false));
    let Stage {
        runtime,
        nemesis,
        workload,
        clock,
        ..
    } = &mut stage;
    let ids = nemesis.cluster.ids();
    if faults.is_empty() {
        fill_up(runtime, &nemesis.cluster, workload)?;
    }
    let broken = std::thread::scope(|scope| {
        let watcher =
            scope.spawn(|| resources::watch(&campaign.out.join(RESOURCES), *clock, &ids, &stop));
        let breaker = scope.spawn(|| nemesis.follow(&faults, Instant::now()));
        let load = runtime.block_on(workload.run(
            campaign.rate,
            campaign.duration,
            &AtomicBool::new(false),
        ));
        let broken = breaker
            .join()
            .unwrap_or_else(|_| Err("the nemesis panicked".into()));
        stop.store(true, Ordering::Relaxed);
        let watched = watcher
            .join()
            .unwrap_or_else(|_| Err("the watcher panicked".into()));
        load.and(broken).and(watched)
    });
    stage.finish(campaign, broken)
}

/// Makes each replica busy with all it has, so that less of what it grows by afterwards is no leak: threads
/// come one by one otherwise, whenever a moment is busier than all before it, and stay.
fn fill_up(runtime: &Runtime, cluster: &Cluster, workload: &Workload) -> Fallible<()> {
    let slow = Duration::from_millis(50);
    for replica in &cluster.replicas {
        replica.to_postgres.set(|wire| wire.latency = slow);
    }
    let filled = runtime.block_on(workload.crowd());
    for replica in &cluster.replicas {
        replica.to_postgres.heal();
    }
    filled
}

/// Checks the files of a run.
///
/// # Errors
///
/// When they cannot be read.
pub fn judge(dir: &Path, mut findings: Vec<Finding>, most_kib: Option<u64>) -> Fallible<Report> {
    let history = history::read(&dir.join(HISTORY))?;
    let lines = log::read(&dir.join(NEMESIS))?;
    let windows = log::windows(&lines);
    let evidence = Evidence::new(&history, &windows);
    findings.retain(|finding| !doctor::is_scripted(finding, &evidence));
    findings.extend(check::all(&evidence));
    findings.extend(unfinished(&lines));
    let samples = resources::read(&dir.join(RESOURCES)).unwrap_or_default();
    findings.extend(resources::check(&samples, most_kib));
    Ok(report::make(dir, &evidence, &lines, &samples, findings))
}

/// What the nemesis itself found out: replicas that did not stop as they must.
fn unfinished(lines: &[Line]) -> Vec<Finding> {
    let wrong = lines.iter().filter(|line| line.event == Event::Wrong);
    wrong
        .map(|line| Finding::new("processes", line.fault.name(), line.detail.clone(), &[]))
        .collect()
}
