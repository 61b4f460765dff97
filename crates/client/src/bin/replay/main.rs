//! Replays the invoices of a real shop as orders, and proves that everything adds up.
//!
//! Each invoice becomes one order under a key of its own, so a second run changes nothing.
//! `docs/replay.md` tells what the rows of the file mean and what is compared.
//!
//! - [`rows`]: what one row means
//! - [`invoices`]: the rows of a range of days, grouped
//! - [`plan`]: what to place and what to cancel, decided before anything is sent
//! - [`prepare`]: buyers, products and stock before the first order
//! - [`run`]: placing and cancelling
//! - [`reconcile`]: reading everything back
//! - [`report`]: the table and the JSON

mod invoices;
mod plan;
mod prepare;
mod reconcile;
mod report;
mod rows;
mod run;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::Parser;
use client::{Client, Secret};

use invoices::Ledger;
use reconcile::Evidence;
use report::{Invoices, Report, Rows, Speed};
use run::Run;

/// Replays real invoices as orders and compares what the shop then says with the invoices.
#[derive(Parser)]
struct Arguments {
    /// The address of the server.
    #[arg(long, env = "BASE_URL", default_value = "http://localhost:8080")]
    base_url: String,
    /// The invoices as plain CSV; `-` reads standard input: `zcat FILE.csv.gz | replay --file -`.
    #[arg(long)]
    file: PathBuf,
    /// The first day.
    #[arg(long, default_value = "2010-12-01")]
    from: NaiveDate,
    /// The last day.
    #[arg(long, default_value = "2011-12-31")]
    to: NaiveDate,
    /// How many orders are placed at the same time.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Who places them.
    #[arg(long, env = "STAFF_EMAIL")]
    staff_email: String,
    /// The password of that member of staff.
    #[arg(long, env = "STAFF_PASSWORD", hide_env_values = true)]
    staff_password: Secret,
    /// How many seconds of the file pass in one; 0 is as fast as possible.
    #[arg(long, default_value_t = 0)]
    speed: u32,
    /// Where to write the result as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match replay(&Arguments::parse()).await {
        Ok(report) if report.differences.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn replay(arguments: &Arguments) -> Result<Report, String> {
    let ledger = Arc::new(read(arguments)?);
    let plan = plan::make(&ledger);
    let concurrency = arguments.concurrency.max(1);
    eprintln!(
        "{} invoices, {} of them orders",
        ledger.invoices.len(),
        plan.orders().len()
    );

    let staff = log_in(arguments).await?;
    let products = prepare::find_products(&staff, &ledger.sold()).await?;
    let buyers = plan.buyers.iter().map(|(buyer, _)| buyer);
    let buyers = prepare::register(&staff, buyers, concurrency).await?;
    let before = prepare::stock(&staff, &products, concurrency).await?;
    eprintln!(
        "{} buyers and {} products are ready",
        buyers.ids.len(),
        products.len()
    );

    let run = Run {
        staff: staff.clone(),
        ledger: Arc::clone(&ledger),
        ids: buyers.ids.clone(),
        speed: arguments.speed,
    };
    let outcome = Arc::new(run).work(plan.spread(concurrency)).await?;
    eprintln!(
        "{} orders are placed, reading them back",
        outcome.placed.len()
    );

    let evidence = Evidence {
        ledger: &ledger,
        plan: &plan,
        outcome: &outcome,
        known: &buyers.known,
    };
    let mut differences = evidence.check_answers();
    differences.extend(evidence.check_orders(&staff, concurrency).await);
    differences.extend(evidence.check_lists(&staff, &buyers.ids, concurrency).await);
    let after = prepare::stock(&staff, &products, concurrency).await?;
    differences.extend(evidence.check_stock(&before, &after));

    let total = |index: &usize| ledger.invoices[*index].total();
    let orders = plan.orders();
    let mut report = Report {
        rows: Rows::count(&ledger, &plan, &outcome),
        invoices: Invoices::count(&ledger, &plan, &outcome),
        buyers: buyers.ids.len(),
        buyers_registered: buyers.created,
        products: products.len(),
        pence_ordered: outcome.placed.keys().map(total).sum(),
        pence_cancelled: outcome
            .placed
            .keys()
            .filter(|index| orders[index])
            .map(total)
            .sum(),
        reserved_moved: evidence.reserved().values().sum(),
        speed: Speed::measure(&outcome),
        differences,
    };
    if report.rows.explained() != report.rows.total
        || report.invoices.explained() != report.invoices.total
    {
        report
            .differences
            .push("rows or invoices do not add up".to_owned());
    }
    report.print();
    if let Some(path) = &arguments.report {
        write(&report, path)?;
    }
    Ok(report)
}

fn read(arguments: &Arguments) -> Result<Ledger, String> {
    let path = &arguments.file;
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let mut file = File::open(path).map_err(failed)?;
        let mut magic = [0; 2];
        if file.read(&mut magic).map_err(failed)? == 2 && magic == [0x1f, 0x8b] {
            let name = path.display();
            return Err(format!(
                "{name} is compressed: zcat {name} | replay --file - …"
            ));
        }
        Box::new(BufReader::new(File::open(path).map_err(failed)?))
    };
    invoices::read(input, arguments.from, arguments.to)
}

async fn log_in(arguments: &Arguments) -> Result<Client, String> {
    let client = Client::builder(&arguments.base_url)
        .user_agent("cartwright-replay")
        .build()
        .map_err(|error| error.to_string())?;
    let email = arguments
        .staff_email
        .parse()
        .map_err(|error| format!("--staff-email: {error}"))?;
    let staff = client
        .login(&email, arguments.staff_password.reveal())
        .await;
    staff.map_err(|error| format!("logging in: {error}"))
}

fn write(report: &Report, path: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::create(path).map_err(|error| failed(&error))?;
    serde_json::to_writer_pretty(file, report).map_err(|error| failed(&error))
}
