//! A Redis that can vanish: a cache and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::janitor::Janitor;
use super::ports::{ask, free_port};
use super::process::{Process, Spec, find_program};
use crate::Fallible;
use crate::clock::wait_until;

/// The server, and whether it runs.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    spec: Spec,
    janitor: Arc<Janitor>,
    process: Option<Process>,
}

impl Redis {
    /// Starts it with the settings of `scripts/up.sh`.
    pub fn start(dir: &Path, janitor: &Arc<Janitor>) -> Fallible<Self> {
        let port = free_port()?;
        let words = format!(
            "--bind 127.0.0.1 --port {port} --save  --appendonly no --maxmemory 64mb --maxmemory-policy allkeys-lru"
        );
        let spec = Spec {
            program: find_program("redis-server")?,
            args: words.split(' ').map(str::to_owned).collect(),
            variables: Vec::new(),
            log: dir.join("redis.log"),
            user: None,
            last_signal: "KILL",
        };
        let mut redis = Self {
            port,
            spec,
            janitor: Arc::clone(janitor),
            process: None,
        };
        redis.resume()?;
        Ok(redis)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, empty.
    pub fn resume(&mut self) -> Fallible<()> {
        self.process = Some(Process::start(&self.spec, &self.janitor)?);
        let up = wait_until(Duration::from_secs(20), || self.say("PING").is_some());
        up.then_some(())
            .ok_or_else(|| format!("Redis did not come up; see {}", self.spec.log.display()))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Freezes or thaws it.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    /// Sends one command; `None` when there is no answer.
    #[must_use]
    pub fn say(&self, command: &str) -> Option<String> {
        ask(self.port, &format!("{command}\r\n"))
    }
}
