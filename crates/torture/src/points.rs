//! Death at every fault point, many times over, under keyed load.
//!
//! The binary is built with the feature `faults`. All replicas die by chance at one point, are
//! started again, and die again; then comes the next point. Afterwards nothing may be lost or done
//! twice. That requests fail meanwhile is the point, so the whole time counts as a window.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Fallible;
use crate::campaign::{Campaign, Stage};
use crate::clock::pause;
use crate::cluster::Cluster;
use crate::nemesis::Fault;
use crate::nemesis::log::{Event, Log};
use crate::report::Report;

/// All points, and how likely death is at each, in per cent.
pub const POINTS: [(&str, &str); 14] = [
    ("before_set", "0.10"),
    ("after_set", "0.10"),
    ("before_commit", "0.20"),
    ("after_commit_before_reply", "0.10"),
    ("after_key_claim", "0.30"),
    ("after_outbox_write", "0.30"),
    ("after_stock_move", "0.30"),
    ("before_provider_call", "0.25"),
    ("after_provider_call", "0.25"),
    // Reached every few seconds only, and at once after a start.
    ("after_sweep_claim", "0.50"),
    ("after_outbox_read", "0.30"),
    ("before_position_advance", "0.30"),
    ("after_job_claim", "0.30"),
    ("before_job_finish", "0.30"),
];

/// How long a point may take; a replica that does not reach it has another name for it.
const PATIENCE: Duration = Duration::from_secs(900);
/// What sets points off.
pub const VARIABLE: &str = "CARTWRIGHT_FAULTS";

/// Lets the replicas die at each of these points at least so often, and checks everything.
///
/// # Errors
///
/// What kept the tool from doing its work, among it a point that is never reached.
pub fn run(
    campaign: &Campaign,
    times: usize,
    names: &[String],
) -> Fallible<(Report, BTreeMap<String, usize>)> {
    let known = |name: &&String| POINTS.iter().any(|(known, _)| known == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(format!("no fault point is called `{unknown}`"));
    }
    let mut stage = Stage::set(campaign)?;
    let mut deaths = BTreeMap::new();
    let stop = Arc::new(AtomicBool::new(false));
    let Stage {
        runtime,
        workload,
        nemesis,
        ..
    } = &mut stage;
    let outcome = std::thread::scope(|scope| {
        let breaker = scope.spawn(|| {
            let outcome = die_everywhere(
                &mut nemesis.cluster,
                &mut nemesis.log,
                times,
                names,
                &mut deaths,
            );
            stop.store(true, Ordering::Relaxed);
            outcome
        });
        let load =
            runtime.block_on(workload.run(campaign.rate, Duration::from_secs(86_400), &stop));
        load.and(
            breaker
                .join()
                .unwrap_or_else(|_| Err("the nemesis panicked".into())),
        )
    });
    let report = stage.finish(campaign, outcome)?;
    Ok((report, deaths))
}

fn die_everywhere(
    cluster: &mut Cluster,
    log: &mut Log,
    times: usize,
    names: &[String],
    deaths: &mut BTreeMap<String, usize>,
) -> Fallible<()> {
    log.write(Event::Fault, Fault::KillAll, 0, None, "fault points")?;
    let binary = cluster.binary.clone();
    for (name, chance) in POINTS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let died = die_at(cluster, &binary, (name, chance), times)?;
        deaths.insert(name.to_owned(), died);
    }
    for replica in &mut cluster.replicas {
        replica.kill();
        replica.prepare(&binary, Some((VARIABLE, "")));
        replica.launch()?;
    }
    for replica in &mut cluster.replicas {
        replica.wait_until_ready()?;
    }
    log.write(Event::Heal, Fault::KillAll, 0, None, "")
}

fn die_at(
    cluster: &mut Cluster,
    binary: &Path,
    (name, chance): (&str, &str),
    times: usize,
) -> Fallible<usize> {
    let setting = format!("{name}=kill:{chance}");
    for replica in &mut cluster.replicas {
        replica.kill();
        replica.prepare(binary, Some((VARIABLE, &setting)));
        replica.launch()?;
    }
    let told = |cluster: &Cluster| -> usize {
        let said = format!("fault point {name}: Kill");
        (0..cluster.replicas.len())
            .map(|number| cluster.replica_log(number).matches(&said).count())
            .sum()
    };
    let started = Instant::now();
    loop {
        let mut has_died = false;
        for replica in &mut cluster.replicas {
            if replica.exit_code().is_some() {
                has_died = true;
                replica.launch()?;
            }
        }
        let died = if has_died { told(cluster) } else { 0 };
        if died >= times {
            return Ok(died);
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("{name} was reached {} times only", told(cluster)));
        }
        pause(Duration::from_millis(20));
    }
}
