//! What the shop's own doctor says: the invariants I1 to I11 as SQL, in one snapshot.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::Finding;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
