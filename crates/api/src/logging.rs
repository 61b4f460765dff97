//! Logs: one line per event, readable alone, as text or as JSON.

use std::io::Write;

use log::kv::{self, Key, Value};

use crate::config::{Log, LogFormat};

/// Starts logging to standard error. `RUST_LOG` wins over the configured level.
pub fn start(config: &Log) {
    let filter = format!("{},actix_server=warn", config.level);
    let env = env_logger::Env::default().default_filter_or(filter);
    let mut builder = env_logger::Builder::from_env(env);
    if config.format == LogFormat::Json {
        builder.format(|out, record| {
            let mut line = serde_json::Map::new();
            let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            line.insert("at".into(), now.into());
            line.insert("level".into(), record.level().as_str().into());
            line.insert("target".into(), record.target().into());
            line.insert("message".into(), record.args().to_string().into());
            let _ = record.key_values().visit(&mut Fields(&mut line));
            writeln!(out, "{}", serde_json::Value::Object(line))
        });
    }
    // A second start (a test beside a test) changes nothing.
    let _ = builder.try_init();
}

/// Copies a record's fields into a JSON object; numbers stay numbers.
struct Fields<'l>(&'l mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> kv::VisitSource<'kvs> for Fields<'_> {
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
