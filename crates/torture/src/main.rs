//! The command line of the harness.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use torture::campaign::{self, Campaign};
use torture::cluster::Options;
use torture::cluster::postgres::{Shape, Standby};
use torture::cluster::process::output;
use torture::nemesis::Fault;
use torture::report::{self, Report};
use torture::{Fallible, mutants, points};

/// Breaks a running Cartwright on purpose, and checks the history of what it answered.
#[derive(Debug, Parser)]
#[command(name = "torture", version)]
struct Cli {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Runs a shop under load and faults, then checks everything.
    Run(RunArgs),
    /// Checks the history of an earlier run again.
    Check {
        /// The history; `nemesis.jsonl` lies beside it.
        history: PathBuf,
        /// MiB of memory that a replica may take.
        #[arg(long, value_name = "MIB")]
        most_memory: Option<u64>,
    },
    /// Kills replicas at every fault point; the binary is built with the feature `api/faults`.
    Points {
        #[command(flatten)]
        run: RunArgs,
        /// How often at each.
        #[arg(long, default_value_t = 100)]
        times: usize,
        /// Names of points, separated by commas; all of them without it.
        #[arg(long, value_delimiter = ',')]
        points: Vec<String>,
    },
    /// Runs a shop with one planted bug after the other, all of which must be found; the binary is
    /// built with the feature `api/faults`.
    Mutants {
        #[command(flatten)]
        run: RunArgs,
        /// Names of mutants, separated by commas; all of them without it.
        #[arg(long, value_delimiter = ',')]
        mutants: Vec<String>,
    },
    /// Lists the faults there are.
    Faults,
}

/// What is started, and for how long.
#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    shop: ShopArgs,
    /// Decides workload and faults; a random one is chosen and printed without it.
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds under load.
    #[arg(long, default_value_t = 60)]
    secs: u64,
    /// Intents a second, whether earlier ones are answered or not.
    #[arg(long, default_value_t = 60)]
    rate: u32,
    /// Names from `torture faults`, separated by commas; `all` of them, or `none`.
    #[arg(long, default_value = "all")]
    faults: Faults,
    /// MiB of memory that a replica may take.
    #[arg(long, value_name = "MIB")]
    most_memory: Option<u64>,
    /// Puts Postgres on a small disk of its own, so that it can be full (root, loop mounts).
    #[arg(long)]
    disk_full: bool,
    /// Gives Postgres a standby, for the fault `pg_failover`.
    #[arg(long, value_name = "KIND")]
    standby: Option<Standby>,
    /// Another release of the server, for the fault `mixed_version`.
    #[arg(long, value_name = "FILE")]
    other_binary: Option<PathBuf>,
    /// Does not ask the shop's own doctor at the end.
    #[arg(long)]
    no_doctor: bool,
}

/// Which shop.
#[derive(Debug, Args)]
struct ShopArgs {
    /// The server binary.
    #[arg(long, env = "BIN", default_value = "target/debug/cartwright")]
    binary: PathBuf,
    /// The repository's nginx.conf.
    #[arg(long, default_value = "nginx.conf")]
    nginx_conf: PathBuf,
    #[arg(long, default_value_t = 2)]
    replicas: usize,
    /// Where history, log and report go.
    #[arg(long, default_value = "target/torture")]
    out: PathBuf,
}

/// Some of the faults there are.
#[derive(Clone, Debug)]
struct Faults(Vec<Fault>);

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self(Fault::ALL.to_vec())),
            "none" => Ok(Self(Vec::new())),
            names => names
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map(Self),
        }
    }
}

fn main() -> ExitCode {
    match go(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error}");
            ExitCode::from(2)
        }
    }
}

/// Tells whether all was well.
fn go(cli: Cli) -> Fallible<bool> {
    match cli.command {
        What::Run(args) => Ok(show(&campaign::run(&campaign_of(args)?)?)),
        What::Check {
            history,
            most_memory,
        } => {
            let dir = history
                .parent()
                .filter(|dir| *dir != Path::new(""))
                .unwrap_or(Path::new("."));
            Ok(show(&campaign::judge(
                dir,
                Vec::new(),
                most_memory.map(kib),
            )?))
        }
        What::Points { run, times, points } => {
            let mut campaign = campaign_of(run)?;
            campaign.out = campaign.out.with_file_name("points");
            let (report, deaths) = points::run(&campaign, times, &points)?;
            let is_good = show(&report);
            for (name, died) in deaths {
                println!("{name:<28} {died} deaths");
            }
            Ok(is_good)
        }
        What::Mutants { run, mutants } => {
            let mut campaign = campaign_of(run)?;
            campaign.out = campaign.out.with_file_name("mutants");
            let verdicts = mutants::run(&campaign, &mutants)?;
            Ok(verdicts.iter().all(|verdict| verdict.killed.is_some()))
        }
        What::Faults => {
            for fault in Fault::ALL {
                println!("{fault}");
            }
            Ok(true)
        }
    }
}

fn show(report: &Report) -> bool {
    println!("{}", report::page(report));
    report.is_good()
}

fn campaign_of(args: RunArgs) -> Fallible<Campaign> {
    let seed = args.seed.unwrap_or_else(|| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::from(now.subsec_nanos())
    });
    let postgres = Shape {
        small_disk: args.disk_full,
        standby: args.standby,
    };
    let cluster = options(&args.shop, postgres, Vec::new())?;
    println!("seed {seed}");
    Ok(Campaign {
        cluster,
        other_binary: args.other_binary.map(absolute).transpose()?,
        seed,
        duration: Duration::from_secs(args.secs),
        rate: args.rate,
        faults: args.faults.0,
        most_kib: args.most_memory.map(kib),
        doctor: !args.no_doctor,
        out: args.shop.out.join(format!("seed-{seed}")),
        commit: commit(),
    })
}

fn kib(mib: u64) -> u64 {
    mib * 1_024
}

fn options(
    shop: &ShopArgs,
    postgres: Shape,
    variables: Vec<(String, String)>,
) -> Fallible<Options> {
    Ok(Options {
        binary: absolute(&shop.binary)?,
        nginx_conf: absolute(&shop.nginx_conf)?,
        replicas: shop.replicas,
        postgres,
        plants: Vec::new(),
        variables,
    })
}

/// Programs are started elsewhere than we are.
fn absolute(path: impl AsRef<Path>) -> Fallible<PathBuf> {
    let path = path.as_ref();
    path.canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn commit() -> String {
    let said = output(Command::new("git").args(["describe", "--always", "--dirty"]));
    said.map_or_else(|_| "unknown".into(), |said| said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_all_none_or_named() {
        let faults = |text: &str| text.parse::<Faults>().map(|faults| faults.0);
        assert_eq!(faults("all"), Ok(Fault::ALL.to_vec()));
        assert_eq!(faults("none"), Ok(Vec::new()));
        let named = Ok(vec![Fault::Kill9, Fault::Reset]);
        assert_eq!(faults("kill9,reset"), named);
        assert!(faults("kill9,nothing").is_err());
    }
}
