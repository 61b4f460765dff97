//! What a line says: `2026-11-24T13:10:41.390Z INFO api::http::observe: request status=200`, or the same as an object.

use std::fmt::Write as _;

use chrono::{SecondsFormat, Utc};
use log::Record;
use log::kv::{self, Key, Value, VisitSource};

/// As text. Control characters are escaped, so that it stays one line.
pub fn text(record: &Record) -> String {
    let mut line = String::with_capacity(256);
    line.push_str(&now());
    for part in [" ", record.level().as_str(), " ", record.target(), ": "] {
        line.push_str(part);
    }
    match record.args().as_str() {
        Some(message) => line.push_str(message),
        None => push(&mut line, &record.args().to_string()),
    }
    let _ = record.key_values().visit(&mut Pairs(&mut line)); // it cannot fail
    line.push('\n');
    line
}

/// As a JSON object.
pub fn json(record: &Record) -> String {
    let mut object = serde_json::Map::new();
    object.insert("at".into(), now().into());
    object.insert("level".into(), record.level().as_str().into());
    object.insert("target".into(), record.target().into());
    object.insert("message".into(), record.args().to_string().into());
    let _ = record.key_values().visit(&mut Fields(&mut object)); // it cannot fail
    format!("{}\n", serde_json::Value::Object(object))
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn push(line: &mut String, text: &str) {
    if text.contains(char::is_control) {
        line.extend(text.escape_debug());
    } else {
        line.push_str(text);
    }
}

/// Writes a record's fields as ` key=value`.
struct Pairs<'l>(&'l mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let line = &mut *self.0;
        for part in [" ", key.as_str(), "="] {
            line.push_str(part);
        }
        match (value.to_borrowed_str(), value.to_u64()) {
            (Some(text), _) => push(line, text),
            (_, Some(number)) => write!(line, "{number}")?,
            _ => push(line, &value.to_string()),
        }
        Ok(())
    }
}

/// Copies a record's fields into a JSON object; numbers stay numbers.
struct Fields<'l>(&'l mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let value = match (value.to_i64(), value.to_f64(), value.to_bool()) {
            (Some(number), ..) => number.into(),
            (_, Some(number), _) => number.into(),
            (.., Some(flag)) => flag.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'r>(fields: &'r dyn kv::Source, args: std::fmt::Arguments<'r>) -> Record<'r> {
        Record::builder()
            .level(log::Level::Info)
            .target("api::test")
            .args(args)
            .key_values(fields)
            .build()
    }

    #[test]
    fn a_text_line_has_all_fields_and_no_line_breaks_of_its_own() {
        let fields = [
            ("id", Value::from("a\nb")),
            ("status", Value::from(200_u16)),
            ("took", Value::from(-1.5)),
        ];
        let line = text(&record(&fields, format_args!("an answer")));
        let (at, rest) = line.split_once(' ').unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
        assert_eq!(
            rest,
            "INFO api::test: an answer id=a\\nb status=200 took=-1.5\n"
        );
    }

    #[test]
    fn a_json_line_keeps_numbers() {
        let fields = [
            ("id", Value::from("a\nb")),
            ("status", Value::from(200_u16)),
        ];
        let line = json(&record(&fields, format_args!("an {}", "answer")));
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["message"], "an answer");
        assert_eq!(object["id"], "a\nb");
        assert_eq!(object["status"], 200);
    }
}
