//! Logs: one line per event, readable alone, as text or as JSON.
//!
//! Lines are gathered for a moment and written together: one write per request would cost as much as
//! the rest of a cached read.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    builder.target(env_logger::Target::Pipe(Box::new(Gathered)));
    // A second start (a test beside a test) changes nothing.
    if builder.try_init().is_ok() {
        std::thread::spawn(write_now_and_then);
    }
}

/// Writes what was gathered. To be called before the process ends.
pub fn flush() {
    write_out(&mut gathered());
}

/// How long a line waits for others.
const PATIENCE: Duration = Duration::from_millis(50);
/// Bytes that are written without waiting.
const MANY: usize = 32 * 1024;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static FIRST_LINE: Condvar = Condvar::new();

/// The way of a line to standard error.
struct Gathered;

impl Write for Gathered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = gathered();
        if lines.is_empty() {
            FIRST_LINE.notify_one();
        }
        lines.extend_from_slice(line);
        if lines.len() >= MANY {
            write_out(&mut lines);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // the logger asks for it after each line
    }
}

fn write_now_and_then() {
    loop {
        let some = FIRST_LINE
            .wait_while(gathered(), |lines| lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let (mut more, _) = FIRST_LINE
            .wait_timeout_while(some, PATIENCE, |lines| !lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        write_out(&mut more);
    }
}

/// Under the lock, so that lines keep their order.
fn write_out(lines: &mut Vec<u8>) {
    // Nobody is left to be told that nothing can be told.
    let _ = io::stderr().lock().write_all(lines);
    lines.clear();
}

fn gathered() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
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
