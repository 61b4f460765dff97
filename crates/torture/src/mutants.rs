//! Bugs that must be found: the harness is tested too.
//!
//! The binary is built with the feature `faults`, which carries planted bugs that a variable turns
//! on one at a time. Each has up to three short runs to be found in. A run without any bug must be
//! good, or the harness cries wolf.

use std::time::Duration;

use crate::Fallible;
use crate::campaign::{self, Campaign};
use crate::check::Finding;
use crate::cluster::plant::Plant;
use crate::nemesis::Fault;
use crate::points;

/// A planted bug, and the faults under which it shows.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    pub name: &'static str,
    pub what: &'static str,
    /// Where the truth is a function of the database, the bug is planted there; otherwise it waits
    /// in the binary and is turned on by its name.
    pub plants: &'static [Plant],
    pub faults: &'static [Fault],
    /// A fault point that has to go off for it to show.
    pub point: Option<&'static str>,
    /// How long a run takes in which it can show.
    pub length: Duration,
}

/// All planted bugs.
pub const MUTANTS: [Mutant; 18] = [
    Mutant {
        name: "read_modify_write",
        what: "stock is read, computed and written back",
        plants: &[UNLOCKED, WRITTEN_BACK],
        faults: &[],
        point: None,
        length: LENGTH,
    },
    Mutant {
        name: "lost_conflict",
        what: "too little stock is no reason to refuse",
        plants: &[ALWAYS_ENOUGH, AS_FAR_AS_IT_GOES],
        faults: &[],
        point: None,
        length: LENGTH,
    },
    Mutant {
        name: "skip_locked",
        what: "a locked stock level counts as sold out",
        plants: &[Plant {
            function: "catalog.grant_stock",
            from: "FOR UPDATE OF s",
            to: "FOR UPDATE OF s SKIP LOCKED",
        }],
        faults: &[],
        point: None,
        length: LENGTH,
    },
    Mutant {
        name: "key_without_lock",
        what: "keys are looked up without their lock",
        plants: &[Plant {
            function: "platform.claim_keys",
            from: "pg_try_advisory_xact_lock(hashtextextended(scopes[n] || E'\\x1f' || keys[n], 0))",
            to: "true",
        }],
        faults: &[],
        point: None,
        length: LENGTH,
    },
    Mutant {
        name: "key_not_stored",
        what: "an order is committed without its key",
        plants: &[Plant {
            function: "workflows.place_orders",
            from: "IF stored_keys <> '{}' THEN",
            to: "IF false THEN",
        }],
        faults: &[],
        point: None,
        length: LENGTH,
    },
    bug("sold_out_for_ever", "what was sold out once stays so", &[]),
    bug(
        "double_return",
        "a cancellation returns the stock twice",
        &[],
    ),
    bug("price_from_cache", "orders are priced from memory", &[]),
    bug("stale_cache", "a change does not invalidate copies", &[]),
    bug(
        "key_before_effect",
        "the key of a step or a count is committed before its effect",
        &[Fault::PgKill9, Fault::Kill9],
    ),
    bug(
        "key_after_effect",
        "the key of a step or a count is committed after its effect",
        &[Fault::PgKill9, Fault::Kill9],
    ),
    bug(
        "async_commit",
        "a commit is acknowledged before it is on the disk",
        &[Fault::PgKill9],
    ),
    bug(
        "settled_twice",
        "two who hear that a card was declined both return the stock",
        &[],
    ),
    bug(
        "id_polling",
        "who reads the log of events goes on after the highest id",
        &[Fault::Latency],
    ),
    Mutant {
        point: Some("after_outbox_read=panic:0.2"),
        ..bug(
            "advance_before_effect",
            "a consumer advances before it has handled events",
            &[],
        )
    },
    bug(
        "relay_stops",
        "the relay stops for good after an error of the database",
        &[Fault::PgKill9],
    ),
    Mutant {
        length: UNTIL_EXPIRY,
        ..bug(
            "never_expires",
            "an order that nobody pays keeps its stock",
            &[],
        )
    },
    bug(
        "unfenced_finish",
        "a job is ended by a worker that lost its lease",
        &[Fault::Stop],
    ),
];

const UNLOCKED: Plant = Plant {
    function: "catalog.grant_stock",
    from: "FOR UPDATE OF s",
    to: "",
};
const WRITTEN_BACK: Plant = Plant {
    function: "catalog.reserve_stock",
    from: "SET reserved = s.reserved + w.units",
    to: "SET reserved = w.units + (SELECT x.reserved FROM catalog.stock_levels x, pg_sleep(0.02) \
           WHERE x.variant_id = w.variant_id AND x.location_id = 1)",
};
const ALWAYS_ENOUGH: Plant = Plant {
    function: "catalog.grant_stock",
    from: "IF enough THEN",
    to: "IF true THEN",
};
/// Or the CHECK would refuse it.
const AS_FAR_AS_IT_GOES: Plant = Plant {
    function: "catalog.reserve_stock",
    from: "SET reserved = s.reserved + w.units",
    to: "SET reserved = least(s.reserved + w.units, s.on_hand - s.safety + s.backorder_limit)",
};

/// A bug that waits in the binary.
const fn bug(name: &'static str, what: &'static str, faults: &'static [Fault]) -> Mutant {
    Mutant {
        name,
        what,
        plants: &[],
        faults,
        point: None,
        length: LENGTH,
    }
}

/// How many runs a bug may survive.
const RUNS: u64 = 3;
const LENGTH: Duration = Duration::from_secs(20);
/// A minute and forty seconds for an order to expire in, and some for it to be placed in.
const UNTIL_EXPIRY: Duration = Duration::from_secs(120);
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
    println!("{:<21} good", "no mutant");
    let mut verdicts = Vec::new();
    for mutant in MUTANTS {
        if !names.is_empty() && names.iter().all(|name| name != mutant.name) {
            continue;
        }
        let mut killed = None;
        for number in 0..RUNS {
            let mut variant = variant(campaign, mutant.name, mutant.faults, number);
            variant.duration = mutant.length;
            variant.cluster.plants = mutant.plants.to_vec();
            if let Some(point) = mutant.point {
                let variables = &mut variant.cluster.variables;
                variables.push((points::VARIABLE.into(), point.into()));
            }
            let report = campaign::run(&variant)?;
            // A busy machine refuses too; a mutant is only found by what it did wrong.
            let wrong = |finding: &&Finding| finding.check != "I12" && finding.check != "I13";
            let wrong: Vec<&Finding> = report.findings.iter().filter(wrong).collect();
            if !wrong.is_empty() {
                let mut kinds: Vec<String> = wrong
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
                "{:<21} killed in run {number}: {}",
                mutant.name,
                kinds.join(", ")
            ),
            None => println!("{:<21} SURVIVED: {}", mutant.name, mutant.what),
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
