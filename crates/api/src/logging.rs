//! Logs: one line per event, readable alone, as text or as JSON.
//!
//! Lines are gathered for a moment and written together: one write per request would cost as much as
//! the rest of a cached read.

mod line;

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::{Log, LogFormat};

/// Starts logging to standard error. `RUST_LOG` wins over the configured level.
pub fn start(config: &Log) {
    let filter = format!("{},actix_server=warn", config.level);
    let env = env_logger::Env::default().default_filter_or(filter);
    let mut builder = env_logger::Builder::from_env(env);
    let line = match config.format {
        LogFormat::Text => line::text,
        LogFormat::Json => line::json,
    };
    builder.format(move |out, record| out.write_all(line(record).as_bytes()));
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
