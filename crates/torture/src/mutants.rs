//! Bugs that must be found: the harness is tested too.
//!
//! The binary is built with the feature `faults`, which carries planted bugs that a variable turns
//! on one at a time. Each has up to three short runs to be found in. A run without any bug must be
//! good, or the harness cries wolf.

use std::time::Duration;

use crate::Fallible;
use crate::campaign::{self, Campaign};
use crate::nemesis::Fault;

/// A planted bug, and the faults under which it shows.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    pub name: &'static str,
    pub what: &'static str,
    pub faults: &'static [Fault],
}

/// All planted bugs.
pub const MUTANTS: [Mutant; 11] = [
    Mutant {
        name: "read_modify_write",
        what: "stock is read, computed and written back",
        faults: &[],
    },
    Mutant {
        name: "lost_conflict",
        what: "too little stock is no reason to refuse",
        faults: &[],
    },
    Mutant {
        name: "skip_locked",
        what: "a locked stock level counts as sold out",
        faults: &[],
    },
    Mutant {
        name: "sold_out_for_ever",
        what: "what was sold out once stays so",
        faults: &[],
    },
    Mutant {
        name: "double_return",
        what: "a cancellation returns the stock twice",
        faults: &[],
    },
    Mutant {
        name: "price_from_cache",
        what: "orders are priced from memory",
        faults: &[],
    },
    Mutant {
        name: "stale_cache",
        what: "a change does not invalidate copies",
        faults: &[],
    },
    Mutant {
        name: "key_without_lock",
        what: "a key is looked up without its lock",
        faults: &[],
    },
    Mutant {
        name: "key_before_effect",
        what: "the key is committed before its effect",
        faults: &[Fault::Kill9],
    },
    Mutant {
        name: "key_after_effect",
        what: "the key is committed after its effect",
        faults: &[Fault::Kill9],
    },
    Mutant {
        name: "async_commit",
        what: "a commit is acknowledged before it is on the disk",
        faults: &[Fault::PgKill9],
    },
];

/// How many runs a bug may survive.
const RUNS: u64 = 3;
const LENGTH: Duration = Duration::from_secs(20);
const VARIABLE: &str = "CARTWRIGHT_MUTANT";

/// What became of a mutant.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub mutant: Mutant,
    /// In which run it was found, from 1, and by what.
    pub killed: Option<(u64, Vec<String>)>,
}

/// Runs every mutant whose name is asked for, all when none is, after a run without any.
///
/// # Errors
///
/// What kept the tool from doing its work, and a finding in the run without a bug.
pub fn run(campaign: &Campaign, names: &[String]) -> Fallible<Vec<Verdict>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| MUTANTS.iter().all(|mutant| mutant.name != name.as_str()))
    {
        return Err(format!("no mutant is called `{unknown}`"));
    }
    let healthy = campaign::run(&variant(
        campaign,
        "none",
        &[Fault::Kill9, Fault::PgKill9],
        0,
    ))?;
    if !healthy.is_good() {
        return Err(format!(
            "the run without a mutant is not good; see {}",
            healthy.dir.join("report.md").display()
        ));
    }
    println!("{:<18} good", "no mutant");
    let mut verdicts = Vec::new();
    for mutant in MUTANTS {
        if !names.is_empty() && names.iter().all(|name| name != mutant.name) {
            continue;
        }
        let mut killed = None;
        for number in 0..RUNS {
            let report = campaign::run(&variant(campaign, mutant.name, mutant.faults, number))?;
            if !report.is_good() {
                let mut kinds: Vec<String> = report
                    .findings
                    .iter()
                    .map(|finding| format!("{} {}", finding.check, finding.kind))
                    .collect();
                kinds.sort_unstable();
                kinds.dedup();
                killed = Some((number + 1, kinds));
                break;
            }
        }
        match &killed {
            Some((number, kinds)) => println!(
                "{:<18} killed in run {number}: {}",
                mutant.name,
                kinds.join(", ")
            ),
            None => println!("{:<18} SURVIVED: {}", mutant.name, mutant.what),
        }
        verdicts.push(Verdict { mutant, killed });
    }
    let killed = verdicts
        .iter()
        .filter(|verdict| verdict.killed.is_some())
        .count();
    println!("{killed} killed / {} planted", verdicts.len());
    Ok(verdicts)
}

fn variant(campaign: &Campaign, name: &str, faults: &[Fault], number: u64) -> Campaign {
    let mut variant = campaign.clone();
    variant.seed = campaign.seed.wrapping_add(number);
    variant.duration = LENGTH;
    variant.faults = faults.to_vec();
    variant.out = campaign.out.join(format!("{name}-{}", number + 1));
    variant
        .cluster
        .variables
        .push((VARIABLE.into(), name.into()));
    variant
}
