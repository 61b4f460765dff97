//! `cartwright import`: a file into the shop, with a report per row.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use catalog::import::{
    self, Brought, Follow, Form, How, ImportError, OnError, Outcome, Refusal, Spelling, Start, Told,
};

use super::arguments::{FileArgs, Format, ImportArgs, SpeltArgs};
use super::folder::Folder;
use super::progress::Progress;
use super::{CliError, database_url};
use crate::OWNERS;
use crate::config::Config;
use crate::http::text::inert;

/// Refused rows that are shown on the terminal; the report file has all.
const SHOWN: u64 = 20;

/// Tells of each row, and has a folder of pictures where there is one.
struct Follower<E> {
    each: E,
    folder: Option<Folder>,
}

impl<E: FnMut(u64, &str, &Outcome)> Follow for Follower<E> {
    fn committed(&mut self, rows: &[Told]) {
        for row in rows {
            (self.each)(row.line, &row.sku, &row.outcome);
        }
    }

    fn picture(&mut self, path: &str, dry_run: bool) -> Result<Brought, ImportError> {
        match &self.folder {
            Some(folder) => folder.bring(path, dry_run),
            None => Ok(Brought::no_folder()),
        }
    }
}

pub(super) fn run(
    config: &Config,
    form: Form,
    args: &FileArgs,
    media: Option<&Path>,
) -> Result<ExitCode, CliError> {
    let url = database_url(config)?;
    db::migrations::run(url, &OWNERS)?;
    let mut conn = db::connect(url)?;
    let folder = media.map(|media| Folder::open(config, media)).transpose()?;
    let (source, size): (Box<dyn Read>, _) = match args.file.to_str() {
        Some("-") => (Box::new(io::stdin().lock()), None),
        _ => {
            let named = |error| format!("{}: {error}", args.file.display());
            let file = File::open(&args.file).map_err(named)?;
            let size = file.metadata().ok().map(|about| about.len());
            (Box::new(BufReader::new(file)), size)
        }
    };
    let mut progress = Progress::new(size);
    let source = progress.of(source);
    let mut report = args
        .report
        .as_ref()
        .map(csv::Writer::from_path)
        .transpose()?;
    if let Some(report) = &mut report {
        report.write_record(["line", "sku", "outcome", "field", "message"])?;
    }
    let (mut rows, mut refused) = (0, 0);
    let mut report_error = None;
    let each = |line, sku: &str, outcome: &Outcome| {
        if let Outcome::Refused(refusal) = outcome {
            refused += 1;
            if refused <= SHOWN {
                progress.end();
                eprintln!(
                    "line {line}: {sku:?}: {} {}",
                    refusal.field, refusal.message
                );
            }
        }
        if let Some(report) = &mut report {
            report_error = report_row(report, line, sku, outcome)
                .err()
                .or(report_error.take());
        }
        rows += 1;
        progress.tell(rows);
    };
    let how = How {
        dry_run: args.dry_run,
        on_error: if args.stop {
            OnError::Stop
        } else {
            OnError::Skip
        },
    };
    let follower = Follower { each, folder };
    let done = import::run(&mut conn, source, form, how, follower, Start::default());
    progress.end();
    let summary = done?;
    if let Some(error) = report_error {
        return Err(format!("the report could not be written: {error}").into());
    }
    if let Some(mut report) = report {
        report.flush()?;
    }
    if refused > SHOWN {
        eprintln!("… and {} more", refused - SHOWN);
    }
    let verb = if args.dry_run { "would be " } else { "" };
    let import::Summary {
        rows,
        created,
        updated,
        unchanged,
        refused,
        products,
        prices,
    } = summary;
    let mut out = io::stdout();
    writeln!(
        out,
        "{rows} rows: {created} {verb}created, {updated} {verb}updated, {unchanged} unchanged, {refused} refused"
    )?;
    if !form.is_of_catalogue() {
        writeln!(
            out,
            "{products} products {verb}begun, {prices} prices {verb}set"
        )?;
    }
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What a file of products looks like.
pub(super) fn form(args: &ImportArgs) -> Form {
    match (args.from, spelt(&args.file, args.format)) {
        (Some(profile), _) => Form::Of(profile, args.currency),
        (None, Spelling::Ndjson) => Form::Ndjson,
        (None, Spelling::Csv) => Form::Csv,
    }
}

/// What any other file looks like.
pub(super) fn spelling(args: &SpeltArgs) -> Spelling {
    spelt(&args.file, args.format)
}

fn spelt(file: &FileArgs, format: Option<Format>) -> Spelling {
    let extension = file.file.extension();
    let extension = extension.and_then(|extension| extension.to_str());
    match format {
        Some(Format::Ndjson) => Spelling::Ndjson,
        None if matches!(extension, Some("ndjson" | "jsonl")) => Spelling::Ndjson,
        Some(Format::Csv) | None => Spelling::Csv,
    }
}

fn report_row(
    report: &mut csv::Writer<File>,
    line: u64,
    sku: &str,
    outcome: &Outcome,
) -> csv::Result<()> {
    let (name, field, message) = match outcome {
        Outcome::Created => ("created", "", ""),
        Outcome::Updated => ("updated", "", ""),
        Outcome::Unchanged => ("unchanged", "", ""),
        Outcome::Refused(Refusal { field, message }) => {
            ("refused", field.as_ref(), message.as_str())
        }
    };
    report.write_record([&line.to_string(), &inert(sku), name, field, &inert(message)])
}
