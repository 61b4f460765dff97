//! What the shop's own doctor says: the invariants I1 to I11 as SQL, in one snapshot.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{Evidence, Finding};
use crate::{Fallible, doing};

/// The part of its report that is looked at.
#[derive(Debug, Deserialize)]
struct Report {
    findings: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    check: String,
    subject: String,
    message: String,
}

/// Asks the doctor. `command` is the server binary with the shop's settings, without arguments.
///
/// # Errors
///
/// A binary that has no doctor, and a doctor that could not look.
pub fn check(mut command: Command) -> Fallible<Vec<Finding>> {
    let output = command
        .args(["doctor", "--json"])
        .stdin(Stdio::null())
        .output()
        .map_err(doing("the doctor"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("unrecognized subcommand") {
        return Err("this binary has no `doctor` subcommand; --no-doctor goes without".into());
    }
    match output.status.code() {
        Some(0 | 1) => read(&output.stdout),
        _ => Err(format!(
            "the doctor could not look: {}: {}",
            output.status,
            complaint.trim()
        )),
    }
}

fn read(text: &[u8]) -> Fallible<Vec<Finding>> {
    let report: Report = serde_json::from_slice(text).map_err(doing("the doctor's report"))?;
    let finding = |said: Said| {
        Finding::new(
            &said.check,
            "doctor",
            format!("{}: {}", said.subject, said.message),
            &[],
        )
    };
    Ok(report.findings.into_iter().map(finding).collect())
}

/// Whether it tells of a provider that is scripted to be away for this very order. That the shop goes
/// on asking is another check, which is not excused.
#[must_use]
pub fn is_scripted(finding: &Finding, evidence: &Evidence<'_>) -> bool {
    let is_unpayable = |id: i64| {
        let key = &evidence.stored.get(&id)?.key;
        Some(evidence.intents.get(key.as_str())?.action.is_unpayable())
    };
    finding.check == "I10"
        && finding.message.ends_with("the provider does not answer")
        && order_of(&finding.message).and_then(is_unpayable) == Some(true)
}

fn order_of(message: &str) -> Option<i64> {
    message
        .strip_prefix("order ")?
        .split_once(':')?
        .0
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, order};
    use super::*;
    use crate::history::{Action, Kind, Seen};

    #[test]
    fn findings_are_taken_over_and_a_missing_doctor_is_an_error() {
        let text = br#"{"checkedAt":"2026-11-24T10:00:00Z","ok":false,"checks":[],"findings":
            [{"check":"I2","subject":"variant 17","message":"off by 3","todo":"count","repairable":false}]}"#;
        let found = read(text).unwrap();
        assert_eq!(
            (found[0].check.as_str(), found[0].message.as_str()),
            ("I2", "variant 17: off by 3")
        );
        let mut none = Command::new("/bin/sh");
        none.args([
            "-c",
            "echo \"error: unrecognized subcommand 'doctor'\" >&2; exit 2",
        ]);
        assert!(check(none).unwrap_err().contains("--no-doctor"));
    }

    #[test]
    fn a_provider_that_is_scripted_to_be_away_is_excused_and_no_other_and_nothing_else() {
        let mut story = Story::new();
        story.placed("paid", 1, 1);
        let away = Action::Order {
            user: 1,
            lines: vec![(1, 1)],
            payment: "card".into(),
            token: Some("tok_error".into()),
            shipping: "std".into(),
        };
        let placed = order("away", 2, 1);
        story.call(away, Some("away"), Kind::Ok, Seen::Order { order: placed });
        story.ends_with(&[order("paid", 1, 1), order("away", 2, 1)], 10, 2);
        let evidence = Evidence::new(&story.history, &[]);
        let is_excused = |check, message: &str| {
            is_scripted(&Finding::new(check, "doctor", message, &[]), &evidence)
        };
        let silent =
            "authorise of payment 7 was asked for at noon, and the provider does not answer";
        assert!(is_excused("I10", &format!("order 2: {silent}")));
        assert!(!is_excused("I10", &format!("order 1: {silent}")));
        assert!(!is_excused("I10", &format!("order 3: {silent}")));
        assert!(!is_excused("I3", &format!("order 2: {silent}")));
        let forgotten =
            "order 2: authorise of payment 7 waits since noon, last asked about at noon";
        assert!(!is_excused("I10", forgotten));
    }
}
