//! `cartwright doctor`: whether everything is true that must always be true, and what to do if not.

use std::fmt::Write as _;
use std::process::ExitCode;

use db::doctor::{Examined, Repaired};
use db::migrations;
use serde_json::{Value, json};

use super::arguments::DoctorArgs;
use super::{CliError, database_url};
use crate::OWNERS;
use crate::config::Config;
use crate::workflows::doctor::{self, Report};

/// Findings of one check that are shown on the terminal; `--json` has more.
const SHOWN: usize = 20;
/// Columns of the terminal.
const WIDTH: usize = 100;
/// Exit code when nothing can be said.
const COULD_NOT_RUN: u8 = 2;

/// Exits with 0 when all is well, 1 with findings, 2 when it could not look.
pub(super) fn run(config: Result<Config, CliError>, args: &DoctorArgs) -> ExitCode {
    match config.and_then(|config| look(&config, args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cartwright: {error}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn look(config: &Config, args: &DoctorArgs) -> Result<bool, CliError> {
    let mut conn = db::connect(database_url(config)?)?;
    let pending = migrations::list_pending(&mut conn, &OWNERS)?;
    if !pending.is_empty() {
        let pending = pending.join(", ");
        return Err(format!("the database lacks {pending}; run `cartwright migrate` first").into());
    }
    let mut report = doctor::run_only(&mut conn, &args.only)?;
    let mut repaired = Vec::new();
    if args.repair && report.is_repairable() {
        repaired = doctor::repair(&mut conn, &report)?;
        report = doctor::run_only(&mut conn, &args.only)?;
    }
    if args.json {
        println!("{:#}", to_json(&report, &repaired));
    } else {
        print!("{}", to_text(&report, &repaired));
    }
    Ok(report.is_ok())
}

fn to_json(report: &Report, repaired: &[Repaired]) -> Value {
    let mut json = report.to_json();
    let repairs = repaired.iter().map(|r| {
        let (Ok(message) | Err(message)) = &r.outcome;
        json!({"check": r.check, "subject": r.subject, "done": r.outcome.is_ok(), "message": message})
    });
    json["repairs"] = repairs.collect();
    json
}

fn to_text(report: &Report, repaired: &[Repaired]) -> String {
    let mut text = String::new();
    for examined in &report.checks {
        let verdict = if examined.count == 0 { "ok" } else { "FOUND" };
        let Examined { check, took, .. } = examined;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{verdict:<5}  {:<3}  {:<75} {:>8.2} s",
            check.id,
            check.name,
            took.as_secs_f64()
        );
    }
    for examined in report.checks.iter().filter(|e| e.count > 0) {
        describe(examined, &mut text);
    }
    for Repaired {
        check,
        subject,
        outcome,
    } in repaired
    {
        let line = match outcome {
            Ok(done) => format!("{check} {subject} {done}"),
            Err(error) => format!("{check} {subject} could not be repaired: {error}"),
        };
        wrap(&mut text, "\nRepair: ", &line);
    }
    let _ = writeln!(
        text,
        "\n{}: {report}",
        report.checked_at.format("%F %T UTC")
    );
    if report.is_repairable() && repaired.is_empty() {
        text.push_str("What is marked can be repaired: cartwright doctor --repair\n");
    }
    text
}

fn describe(examined: &Examined, text: &mut String) {
    let Examined { check, count, .. } = examined;
    let mark = if check.repair.is_some() {
        " (can be repaired)"
    } else {
        ""
    };
    let noun = if *count == 1 { "finding" } else { "findings" };
    wrap(
        text,
        "\n",
        &format!("{} {}: {count} {noun}{mark}", check.id, check.name),
    );
    for finding in examined.findings.iter().take(SHOWN) {
        let line = format!("{}: {}", finding.subject, finding.message);
        wrap(text, "  ", &line);
    }
    let shown = i64::try_from(examined.findings.len().min(SHOWN)).unwrap_or(*count);
    if *count > shown {
        let _ = writeln!(text, "  … and {} more", count - shown);
    }
    wrap(text, "  To do: ", check.todo);
}

/// Adds words in lines of at most [`WIDTH`] columns; what follows the first line is indented.
fn wrap(text: &mut String, start: &str, words: &str) {
    let mut line = start.trim_start_matches('\n').to_owned();
    text.push_str(&start[..start.len() - line.len()]);
    let mut is_empty = true;
    for word in words.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = "    ".to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, wrap};

    #[test]
    fn long_texts_are_wrapped_and_long_words_are_kept() {
        let mut text = String::new();
        wrap(&mut text, "\n  To do: ", &"word ".repeat(50));
        assert!(text.starts_with("\n  To do: word word"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert_eq!(text.split_whitespace().count(), 52);

        let key = "k".repeat(255);
        let mut text = String::new();
        wrap(&mut text, "", &format!("key {key} twice"));
        assert!(text.contains(&key), "{text}");
    }
}
