//! The OpenAPI document as a judge: every answer a test sees is described there and looks like it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The document that the server sends, made strict: an object has no field that is not described.
/// Problems may have members of their own (RFC 9457, 3.2).
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(api::routes::docs::DOCUMENT).expect("JSON");
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.expect("schemas") {
        if name != "Problem" && schema["type"] == "object" {
            schema["additionalProperties"] = false.into();
        }
    }
    document
});

type Validators = HashMap<String, Arc<Validator>>;
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// All described operations: method in upper case, and path template.
pub fn operations() -> Vec<(String, String)> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("a path item").keys();
        methods
            .map(|method| (method.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// Panics unless the document describes this answer.
pub fn check(method: &str, path: &str, status: u16, kind: &str, body: &[u8]) {
    let what = format!("{method} {path} → {status}");
    assert_ne!(status, 500, "{what}: {}", String::from_utf8_lossy(body));
    let method = if method == "HEAD" { "GET" } else { method };
    if status >= 400 && method != "HEAD" {
        assert!(
            kind.starts_with("application/problem+json") || path == "/readyz",
            "{what} is no problem but {kind:?}"
        );
    }
    let Some(template) = template(path) else {
        if status >= 400 && !body.is_empty() {
            validate(&what, "#/components/schemas/Problem", body);
        }
        return;
    };
    let operation = &DOCUMENT["paths"][&template][&method.to_lowercase()];
    if operation.is_null() {
        assert_eq!(status, 405, "{what} is not described");
        return validate(&what, "#/components/schemas/Problem", body);
    }
    let response = &operation["responses"][status.to_string()];
    assert!(!response.is_null(), "{what} is not described");
    let essence = kind.split(';').next().unwrap_or_default();
    match response["content"].as_object() {
        None => assert!(body.is_empty(), "{what} has a body that is not described"),
        Some(_) if body.is_empty() => {} // HEAD
        Some(content) => {
            let schema = &content
                .get(essence)
                .unwrap_or_else(|| panic!("{what} is not described as {essence:?}"))["schema"];
            match schema["$ref"].as_str() {
                Some(reference) => validate(&what, reference, body),
                None => assert!(is_no_json(essence), "{what} has no schema"),
            }
        }
    }
}

fn is_no_json(essence: &str) -> bool {
    let known = [
        "text/plain",
        "text/csv",
        "application/x-ndjson",
        "application/pdf",
        "application/zip",
    ];
    known.contains(&essence) || essence.starts_with("image/")
}

/// The template a path belongs to; a literal one wins.
fn template(path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path);
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    if paths.contains_key(path) {
        return Some(path.to_owned());
    }
    let matches = |template: &&String| {
        let (theirs, ours): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        let same = |(theirs, ours): (&&str, &&str)| theirs.starts_with('{') || theirs == ours;
        theirs.len() == ours.len() && theirs.iter().zip(&ours).all(same)
    };
    paths.keys().find(matches).cloned()
}

fn validate(what: &str, reference: &str, body: &[u8]) {
    let body: Value = serde_json::from_slice(body)
        .unwrap_or_else(|_| panic!("{what} is not JSON: {}", String::from_utf8_lossy(body)));
    let validator = {
        let mut validators = VALIDATORS.lock().expect("not poisoned");
        let validator = validators.entry(reference.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": DOCUMENT["components"], "$ref": reference,
            });
            Arc::new(jsonschema::validator_for(&schema).expect("a schema"))
        });
        Arc::clone(validator)
    };
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{what} breaks the contract: {errors:?}\n{body}"
    );
}
