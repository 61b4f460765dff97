//! Which crate may know which: the arrows of the architecture, held against what cargo says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate and what it may depend on. Dependencies of tests are exempt.
const ARROWS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("db", &["domain"]),
    ("catalog", &["domain", "db"]),
    ("accounts", &["domain", "db"]),
    ("ordering", &["domain", "db"]),
    ("api", &["domain", "db", "catalog", "accounts", "ordering"]),
    ("client", &["domain"]),
    ("torture", &["client"]),
    ("bench", &[]),
];

#[test]
fn no_crate_knows_more_than_the_architecture_allows() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();

    let packages = metadata["packages"].as_array().expect("packages");
    let name = |package: &Value| package["name"].as_str().expect("a name").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let known: BTreeSet<String> = allowed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        ours, known,
        "a new crate needs its place in the architecture"
    );
    for package in packages {
        let from = name(package);
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        for dependency in dependencies.iter().filter(|d| d["kind"] != "dev") {
            let to = name(dependency);
            let is_allowed = !ours.contains(&to) || allowed[&*from].contains(&*to);
            assert!(is_allowed, "{from} must not know {to}");
        }
    }
}
