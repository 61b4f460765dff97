//! One replica of the real binary.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::database_url;
use super::janitor::Janitor;
use super::ports::{free_port, status_of};
use super::process::{Process, Spec};
use crate::Fallible;
use crate::clock::wait_until;
use crate::proxy::Proxy;

/// What the dynamic linker loads before a program.
const PRELOAD: &str = "LD_PRELOAD";
/// How long a replica may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// What the documentation promises for SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

/// A replica, the wires to what it needs, and whether it runs.
#[derive(Debug)]
pub struct Replica {
    port: u16,
    spec: Spec,
    janitor: Arc<Janitor>,
    process: Option<Process>,
    pub to_postgres: Proxy,
    pub to_redis: Proxy,
}

impl Replica {
    /// Prepares a replica; nothing runs yet.
    pub fn new(
        number: usize,
        spec: &Spec,
        dir: &Path,
        wires: (Proxy, Proxy),
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let port = free_port()?;
        let (to_postgres, to_redis) = wires;
        let mut spec = spec.clone();
        spec.log = dir.join(format!("replica{number}.log"));
        spec.args = vec!["serve".into()];
        let variables = [
            ("HTTP__BIND", format!("127.0.0.1:{port}")),
            ("DATABASE__URL", database_url(to_postgres.port())),
            (
                "REDIS__URL",
                format!("redis://127.0.0.1:{}", to_redis.port()),
            ),
        ];
        for (name, value) in variables {
            spec.variables.push((format!("CARTWRIGHT__{name}"), value));
        }
        Ok(Self {
            port,
            spec,
            janitor: Arc::clone(janitor),
            process: None,
            to_postgres,
            to_redis,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Chooses the binary and a variable for the next start.
    pub fn prepare(&mut self, binary: &Path, variable: Option<(&str, &str)>) {
        binary.clone_into(&mut self.spec.program);
        self.spec.args = vec!["serve".into()];
        if let Some((name, value)) = variable {
            self.spec.variables.retain(|(known, _)| known != name);
            self.spec.variables.push((name.into(), value.into()));
        }
    }

    /// Puts the next start under another wall clock ([`wall_clock`](super::wall_clock)), or under the machine's again.
    pub fn prepare_clock(&mut self, clock: Option<&Path>) {
        self.spec.variables.retain(|(name, _)| name != PRELOAD);
        if let Some(clock) = clock {
            let clock = clock.display().to_string();
            self.spec.variables.push((PRELOAD.into(), clock));
        }
    }

    /// Starts it without waiting.
    pub fn launch(&mut self) -> Fallible<()> {
        drop(self.process.take());
        self.process = Some(Process::start(&self.spec, &self.janitor)?);
        Ok(())
    }

    /// Waits until it is ready; one that ends meanwhile, because what it needs is away, is started
    /// again.
    pub fn wait_until_ready(&mut self) -> Fallible<()> {
        let mut outcome = Ok(());
        let up = wait_until(PATIENCE, || {
            if self
                .process
                .as_mut()
                .is_none_or(|process| process.exit_code().is_some())
            {
                outcome = self.launch();
            }
            outcome.is_err() || status_of(self.port, "/readyz") == Some(200)
        });
        outcome?;
        // That somebody answers there does not mean that it is this one.
        if let Some(code) = self.exit_code() {
            return Err(format!(
                "a replica ended with {code}; see {}",
                self.spec.log.display()
            ));
        }
        up.then_some(())
            .ok_or_else(|| format!("a replica is not ready; see {}", self.spec.log.display()))
    }

    /// Starts it and waits until it is ready.
    pub fn start(&mut self) -> Fallible<()> {
        self.launch()?;
        self.wait_until_ready()
    }

    /// Whether it answers that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        status_of(self.port, "/readyz") == Some(200)
    }

    /// The exit code of one that ended by itself.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.as_mut().and_then(Process::exit_code)
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to stop, and returns its exit code; `None` when it did not within its time.
    pub fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take()?;
        process.signal(Signal::TERM);
        process.wait(DRAIN)
    }

    /// Freezes or thaws it.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}
